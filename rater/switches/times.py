"""Times as switches write them, as microseconds since the epoch."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import NamedTuple
from zoneinfo import ZoneInfo

from rater.rating.instant import Instant, instant
from rater.switches.raw import Unreadable

EPOCHS = {"epoch": 1_000_000, "epoch-ms": 1_000, "epoch-us": 1}
"""How a count since 1970 is written -> microseconds of one."""
UNITS = {"s": 1_000_000, "ms": 1_000, "us": 1}
"""A unit of durations -> microseconds of one."""
_LATEST = 32_503_680_000_000_000
"""The year 3000: no call lies beyond."""


class TimeRead(NamedTuple):
    """A time; `twice` is it half a zone's change later, where the local time exists twice."""

    at: Instant
    twice: Instant | None = None
    ambiguous: bool = False
    """Whether the local time does not exist, or exists twice; then it is read by the earlier offset."""


@dataclass(frozen=True, slots=True)
class TimeReader:
    """Reads the times of one source. `written` is `iso`, a key of `EPOCHS`, or a pattern of strptime."""

    zone: ZoneInfo | None
    """Of times without an offset; None where the profile names none."""
    written: str = "iso"

    def read(self, text: str, name: str) -> TimeRead | None:
        """The time in a field called `name`; None where it is empty, or the 0 with which switches say never.

        Raises `Unreadable`.
        """
        if not text or text == "0":
            return None
        if self.written in EPOCHS:
            at = microseconds(text, EPOCHS[self.written], name)
            return TimeRead(at) if at else None
        try:
            when = datetime.fromisoformat(text) if self.written == "iso" else datetime.strptime(text, self.written)  # noqa: DTZ007 - the zone comes next
        except ValueError as error:
            raise Unreadable("wrong-shape", f"{name}: no time as the profile says they are written") from error
        return self._placed(when, name)

    def _placed(self, when: datetime, name: str) -> TimeRead:
        if when.tzinfo is not None:
            return TimeRead(_instant(when, name))
        if self.zone is None:
            raise Unreadable("naive-time", f"{name}: a time without an offset; the profile must name its time_zone")
        earlier, later = when.replace(tzinfo=self.zone), when.replace(tzinfo=self.zone, fold=1)
        if earlier.utcoffset() == later.utcoffset():
            return TimeRead(_instant(earlier, name))
        return TimeRead(_instant(earlier, name), _instant(later, name), ambiguous=True)


def _instant(when: datetime, name: str) -> Instant:
    try:
        at = instant(when.astimezone(UTC))
    except OverflowError as error:
        raise Unreadable("wrong-shape", f"{name}: no such time") from error
    if not 0 <= at < _LATEST:
        raise Unreadable("wrong-shape", f"{name}: a time before 1970 or after 2999")
    return at


def microseconds(text: str, unit: int, name: str) -> int:
    """A count of units of so many microseconds as microseconds, not negative. Raises `Unreadable`."""
    try:
        count = Decimal(text) if len(text) <= 32 else None
    except InvalidOperation:
        count = None
    if count is None or not count.is_finite() or not 0 <= count * unit < _LATEST:
        raise Unreadable("wrong-shape", f"{name}: must be a number of 0 or more")
    return int(count * unit)


def moment_of(at: Instant) -> str:
    """An instant as RFC 3339 in UTC, to the microsecond where it has some."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)).isoformat()
