"""What becomes of a tariff book (rating.md, "Tariff book")."""

from __future__ import annotations

from rater.processor.decision import APPLIED, DUPLICATE, Change, Decision, Desk, Rejected, State
from rater.processor.rows import TARIFFS, TARIFFS_KEY, plan_key
from rater.processor.tariff_rows import content_of
from rater.rating.book import Book
from rater.rating.catalog import Refused, publish
from rater.rating.instant import NEVER, length
from rater.wire.events import TariffsPublished


def _holding(desk: Desk, book: Book) -> State:
    """The state under a book that closes periods sooner.

    What was open a moment ago may then be long over. A credit that was just posted there must be known again for as
    long as the book says, so nothing is forgotten for that time.
    """
    state, last = desk.state, desk.tariffs
    if last is None or state.now is None or book.close_after >= last.book.close_after:
        return state
    return state.held(state.now, length(book.remember))


def on_tariffs(desk: Desk, event: TariffsPublished) -> Decision | Rejected:
    """Decide on a tariff book: it depends on earlier books alone."""
    book = event.book.to_core()
    published = publish(desk.tariffs, book, content_of(book), desk.plan)
    if isinstance(published, Refused):
        if published.reason == "duplicate":
            return Decision(DUPLICATE)
        return Rejected(published.reason, published.detail)
    plans: tuple[Change, ...] = tuple((TARIFFS, plan_key(plan.id), plan) for plan in published.plans)
    # Periods may close, and identities be forgotten, at other times than before: the next tick looks at all accounts.
    state = _holding(desk, book)._replace(book=book.version, due=NEVER)
    return Decision(APPLIED, (*plans, (TARIFFS, TARIFFS_KEY, published.tariffs)), state=state, grows=True)
