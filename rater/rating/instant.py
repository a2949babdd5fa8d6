"""Instants as the rules count them: whole microseconds since 1970-01-01T00:00:00Z, without a zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TypeAlias

Instant: TypeAlias = int
"""Microseconds since the epoch; exact, and the same whatever the offset that it was written with."""

NEVER: Instant = -1
"""Before all that the rules know: nothing lies in the past of it."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = 1_000_000
DAY = 86_400 * SECOND
_MICROSECOND = timedelta(microseconds=1)


def instant(moment: datetime) -> Instant:
    """The instant of an aware datetime."""
    return (moment - EPOCH) // _MICROSECOND


def length(span: timedelta) -> int:
    """The span in microseconds."""
    return span // _MICROSECOND


def moment(at: Instant) -> datetime:
    """The instant as a datetime in UTC."""
    return EPOCH + timedelta(microseconds=at)
