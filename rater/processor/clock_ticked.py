"""What becomes of a `clock-ticked`: the partition's time moves, and what has fallen due is done."""

from __future__ import annotations

from dataclasses import replace

from rater.processor.decision import APPLIED, TOLERANCE, Decision, RecordScope, Rejected, State, recorded_at
from rater.processor.due import work
from rater.processor.reach_back import waiting
from rater.rating.catalog import Tariffs
from rater.rating.instant import DAY, Instant, instant, length
from rater.rating.limits import AHEAD_DAYS
from rater.seam.model import Record
from rater.wire.events import ClockTicked


def on_tick(scope: RecordScope, record: Record, event: ClockTicked) -> Decision | Rejected:
    """Decide on a tick: it moves the partition's time, which never falls, and does what has fallen due."""
    at = instant(event.at)
    ahead = at > recorded_at(record) + TOLERANCE
    if ahead and scope.check_timestamps and not event.operator:
        return Rejected("tick-ahead", "the tick is more than 5 minutes ahead of its record's timestamp")
    newest = scope.now(record)
    if newest and at > newest + AHEAD_DAYS * DAY:
        return Rejected(
            "tick-ahead", f"the tick is more than {AHEAD_DAYS} days ahead of the last one and of its record"
        )
    state = _moved(scope.state, scope.tariffs, at)
    nothing_due = state.due is None or state.due > (state.now or 0)
    if scope.tariffs is None or (nothing_due and not waiting(state, scope.tariffs)):
        return Decision(APPLIED, state=state._replace(left=False))
    return work(replace(scope, state=state, clock=state.clock), record, scope.tariffs, event.changes)


def _moved(state: State, tariffs: Tariffs | None, at: Instant) -> State:
    if state.now is None or at > state.now:
        state = state._replace(now=at)
    if tariffs is None:
        return state
    closed = at - length(tariffs.book.close_after)
    if state.closed_until is None or closed > state.closed_until:
        state = state._replace(closed_until=closed)
    forgotten = closed - length(tariffs.book.remember)
    if state.forgotten_until is None or forgotten > state.forgotten_until:
        state = state._replace(forgotten_until=forgotten)
    return state
