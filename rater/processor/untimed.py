"""Bare events have no timestamps to be held against: what tells of a time far ahead of all before it is refused.

A single wrong date would else bring the fees of a century due at once (rating.md, "Fees").
"""

from __future__ import annotations

from rater.processor.decision import REJECTED, Decision, RecordScope, Rejected
from rater.rating.instant import DAY, Instant, instant
from rater.rating.limits import AHEAD_DAYS
from rater.seam.model import Record
from rater.wire.events import AccountSubscribed, CallEnded, ClockTicked, LogEvent
from rater.wire.parse import parse


def told_at(event: LogEvent) -> Instant | None:
    """The instant that an event tells of; None where it tells none."""
    if isinstance(event, ClockTicked):
        return instant(event.at)
    if isinstance(event, CallEnded):
        return instant(event.ended_at)
    return instant(event.start) if isinstance(event, AccountSubscribed) else None


def too_far_ahead(newest: Instant | None, at: Instant | None) -> Rejected | None:
    """Why an event is refused whose time is too far ahead of the newest before it; None where it is not."""
    if newest is None or at is None or at <= newest + AHEAD_DAYS * DAY:
        return None
    return Rejected("too-far", f"its time is more than {AHEAD_DAYS} days ahead of all events before it")


def noted(scope: RecordScope, record: Record, decision: Decision) -> Decision:
    """The decision, which remembers the newest time of an event; to the day, for it changes the state.

    Calls and ticks tell what time it is. A subscription does not: it may hold since long ago, or from next year on.
    """
    if decision.outcome.startswith(REJECTED):
        return decision
    event = parse(record.value)
    at = told_at(event) if isinstance(event, CallEnded | ClockTicked) else None
    state = decision.state or scope.state
    if at is None or (state.newest is not None and at < state.newest + DAY):
        return decision
    return decision._replace(state=state._replace(newest=at))
