"""What becomes of a tariff book (rating.md, "Tariff book")."""

from __future__ import annotations

from rater.processor.decision import APPLIED, DUPLICATE, Change, Decision, RecordScope, Rejected
from rater.processor.rows import TARIFFS, TARIFFS_KEY, plan_key
from rater.processor.tariff_rows import content_of
from rater.rating.catalog import NotPublished, publish
from rater.rating.instant import NEVER
from rater.rating.names import PlanId
from rater.wire.events import TariffsPublished


def on_tariffs(scope: RecordScope, event: TariffsPublished) -> Decision | Rejected:
    """Decide on a tariff book: it depends on earlier books alone."""
    book = event.book.to_core()
    reached = scope.state.reached
    published = publish(scope.tariffs, book, content_of(book), scope.plan, scope.clock.closed, reached)
    if isinstance(published, NotPublished):
        if published.reason == "duplicate":
            return Decision(DUPLICATE)
        return Rejected(published.reason, published.detail)
    plans: tuple[Change, ...] = tuple((TARIFFS, plan_key(PlanId(plan.id)), plan) for plan in published.plans)
    # Periods may close, and identities be forgotten, at other times than before: the next tick looks at all accounts.
    state = scope.state._replace(book=book.version, due=NEVER)
    return Decision(APPLIED, (*plans, (TARIFFS, TARIFFS_KEY, published.tariffs)), state=state, grows=True)
