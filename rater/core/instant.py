"""Instants as the rules count them: whole microseconds since 1970-01-01T00:00:00Z, without a zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TypeAlias

Instant: TypeAlias = int
"""Microseconds since the epoch; exact, and the same whatever the offset that it was written with."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = 1_000_000
_DAY_SECONDS = 86_400


def instant(moment: datetime) -> Instant:
    """The instant of an aware datetime."""
    since = moment - EPOCH
    return (since.days * _DAY_SECONDS + since.seconds) * SECOND + since.microseconds


def length(span: timedelta) -> int:
    """The span in microseconds."""
    return (span.days * _DAY_SECONDS + span.seconds) * SECOND + span.microseconds


def moment(at: Instant) -> datetime:
    """The instant as a datetime in UTC."""
    return EPOCH + timedelta(microseconds=at)
