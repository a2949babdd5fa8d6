"""What can be counted of a call (rating.md, "From a call to units"). A new unit is one more line of `UNITS`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

from rater.rating.instant import Instant
from rater.rating.money import SECONDS_PER_MINUTE, minutes_of

Direction = Literal["inbound", "outbound", "internal"]
DIRECTIONS: tuple[Direction, ...] = get_args(Direction)


AnsweredBy = Literal["person", "machine", "fax", "unknown"]
ANSWERED_BY: tuple[AnsweredBy, ...] = get_args(AnsweredBy)
UNKNOWN: AnsweredBy = "unknown"
NotConnected = Literal["short", "machine", "fax", "unknown", "person"]
"""Why a call that was answered is not connected under a plan: it was short, or by whom it was answered."""

OTHER = "other"
"""The class of calls that are in none of the book's."""
NO_CLASS = (OTHER,)


class Call(NamedTuple):
    """A call as the meters see it: talk time in whole seconds."""

    direction: Direction
    connected: bool
    """Whether it was answered; of a call as a plan sees it (`Plan.seen`), whether it is connected under that plan."""
    talk: int
    classes: tuple[str, ...] = NO_CLASS
    """Its class, the class that this one lies within, and so on."""
    answered_by: AnsweredBy = UNKNOWN


@dataclass(frozen=True, slots=True)
class Increment:
    """How talk time becomes billed seconds: `first` seconds, then steps of `step`; `minimum` from 1 s of talk time."""

    first: int = 60
    step: int = 60
    minimum: int = 0


STARTED_MINUTES = Increment()
"""Unless a plan says otherwise."""


def talk_seconds(answered: Instant, ended: Instant) -> int:
    """Whole seconds between two instants (microseconds), half a second up."""
    return (ended - answered + 500_000) // 1_000_000


def billed_seconds(talk: int, increment: Increment) -> int:
    """Talk time in seconds, raised to the minimum and then to the increment's steps; 0 s stay 0 s.

    60/60 are started minutes; 30/6 is the first 30 s whole, then steps of 6 s.
    """
    if talk <= 0:
        return 0
    due = max(talk, increment.minimum)
    beyond = due - increment.first
    if beyond <= 0:
        return increment.first
    return increment.first - (-beyond // increment.step) * increment.step


@dataclass(frozen=True, slots=True, eq=False)
class Unit:
    """What a meter counts."""

    name: str
    """As lines, allowances left and alerts name it."""
    key: str
    """As a plan of the tariff book names a meter of it."""
    slot: int
    """The place of its counter in `Segment.counts`. Stored: it never changes."""
    per: int
    """Base units, in which it is counted, to one unit, in which allowances and prices are: 60 seconds to a minute."""
    count: Callable[[Call, Increment], int]
    """Base units of a call."""
    plural: tuple[str, str]
    """What it is called, in English and Chinese."""
    single: tuple[str, str]
    """One of it, beside a number."""
    directions: frozenset[Direction] | None = None
    """The directions that a meter counts which names none; None counts all."""
    increments: bool = False
    """Whether a meter of it has an increment and a minimum."""

    def text(self, quantity: int) -> str:
        """So many base units as units, in digits; negative where they are taken back."""
        if self.per == 1:
            return str(quantity)
        return minutes_of(quantity) if quantity >= 0 else f"-{minutes_of(-quantity)}"


MINUTES = Unit(
    name="minutes",
    key="minutes",
    slot=0,
    per=SECONDS_PER_MINUTE,
    count=lambda call, increment: billed_seconds(call.talk, increment) if call.connected else 0,
    plural=("minutes", "分钟"),
    single=("min", "分钟"),
    increments=True,
)
CONNECTED_CALLS = Unit(
    name="connected-calls",
    key="calls",
    slot=1,
    per=1,
    count=lambda call, _: 1 if call.connected else 0,
    plural=("connected calls", "接通次数"),
    single=("call", "次"),
)
ATTEMPTS = Unit(
    name="attempts",
    key="attempts",
    slot=2,
    per=1,
    count=lambda _call, _increment: 1,
    plural=("attempts", "呼叫次数"),
    single=("attempt", "次"),
    directions=frozenset({"outbound"}),
)

UNITS = (MINUTES, CONNECTED_CALLS, ATTEMPTS)
"""All of them, each at its slot."""

BY_NAME = {unit.name: unit for unit in UNITS}

Counts = tuple[int, ...]
"""Base units by slot."""

OUTBOUND_ATTEMPTS, OUTBOUND_CONNECTED = 3, 4
"""Slots that no meter has: what a guaranteed connect rate is judged by, counted under plans with a guarantee or with
their own meaning of connected."""

NO_COUNTS: Counts = (0,) * (1 + max(OUTBOUND_CONNECTED, *(unit.slot for unit in UNITS)))
"""Nothing of any unit. Behind these stand the counters of meters that share a unit, in the order of their plan."""

OF_UNITS = slice(len(NO_COUNTS))
"""Of counts: what was counted of each unit, whichever meter counted it."""
