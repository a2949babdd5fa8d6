"""What becomes of tariff books and ticks (rating.md, "Tariff book", "Periods")."""

from __future__ import annotations

from rater.core.instant import instant, length
from rater.core.tariffs import Refused, publish
from rater.events.log import ClockTicked, TariffsPublished
from rater.service.calls import TOLERANCE
from rater.service.decision import APPLIED, DUPLICATE, Change, Decision, Desk, Rejected, State
from rater.service.rows import TARIFFS, TARIFFS_KEY, plan_key
from rater.service.tariff_rows import content_of
from rater.stream.model import Record


def on_tariffs(desk: Desk, event: TariffsPublished) -> Decision | Rejected:
    """Decide on a tariff book: it depends on earlier books alone."""
    book = event.book.to_core()
    published = publish(desk.tariffs, book, content_of(book), desk.plan)
    if isinstance(published, Refused):
        if published.reason == "duplicate":
            return Decision(DUPLICATE)
        return Rejected(published.reason, published.detail)
    plans: tuple[Change, ...] = tuple((TARIFFS, plan_key(plan.id), plan) for plan in published.plans)
    state = desk.state._replace(book=book.version)
    return Decision(APPLIED, (*plans, (TARIFFS, TARIFFS_KEY, published.tariffs)), state=state, grows=True)


def on_tick(desk: Desk, record: Record, event: ClockTicked) -> Decision | Rejected:
    """Decide on a tick: it moves the partition's time, which never falls."""
    at = instant(event.at)
    ahead = at > record.timestamp * 1000 + TOLERANCE
    if ahead and desk.check_timestamps and not event.operator:
        return Rejected("tick-ahead", "the tick is more than 5 minutes ahead of its record's timestamp")
    return Decision(APPLIED, state=_at(desk, at))


def _at(desk: Desk, at: int) -> State:
    state = desk.state
    if state.now is None or at > state.now:
        state = state._replace(now=at)
    tariffs = desk.tariffs
    if tariffs is None:
        return state
    closed = at - length(tariffs.book.close_after)
    if state.closed_until is None or closed > state.closed_until:
        state = state._replace(closed_until=closed)
    return state
