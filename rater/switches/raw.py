"""What a format makes of a record of its switch, before the profile says what it means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from rater.rating.instant import Instant
from rater.seam.errors import RaterError
from rater.wire.fields import Disposition
from rater.wire.reasons import Reason

Leg = Literal["originating", "terminating"]
"""Which leg of a bridged call a record is of: the caller's, or the one that the switch called."""

SkipReason = Literal["other-leg", "other-event", "header", "empty", "by-profile", "duplicate"]
"""Why a record is no call to charge, and nothing is wrong with it."""


@dataclass(frozen=True, slots=True)
class RawCall:
    """A call as its switch says it: numbers and fields as written, times as microseconds since the epoch."""

    ident: str
    """What tells it from every other call of the switch."""
    fields: Mapping[str, str]
    """Everything the record says, by the names of the format: what the rules of a profile look at."""
    caller: str
    callee: str
    started: Instant
    answered: Instant | None
    ended: Instant
    disposition: Disposition
    leg: Leg | None = None
    """None where the switch writes one record a call, or does not say."""
    ambiguous: bool = False
    """Whether a local time of it did not exist, or existed twice."""


class Skipped(NamedTuple):
    """A record that is no call to charge."""

    reason: SkipReason


class NotACall(NamedTuple):
    """A record that no call can be made of: the reason, and one short line for the person who mends it."""

    reason: Reason
    detail: str


class Unreadable(RaterError):  # noqa: N818 - it never leaves this room: the answer is a NotACall
    """What a format raises where it cannot read a record."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason, self.detail = reason, detail


class PassedOver(RaterError):  # noqa: N818 - it never leaves this room: the answer is a Skipped
    """What a format raises where a record is no call."""

    def __init__(self, reason: SkipReason) -> None:
        super().__init__(reason)
        self.reason = reason
