"""The tariff book as the rules see it: immutable, already checked (its words: `rater.wire.tariff_book`).

Source: rating.md, "Plans" and "Tariff book".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count as counting
from typing import Any, Literal, NamedTuple

from rater.rating.classes import NO_CLASSES, Classes
from rater.rating.units import (
    ANSWERED_BY,
    NO_COUNTS,
    OUTBOUND_ATTEMPTS,
    OUTBOUND_CONNECTED,
    STARTED_MINUTES,
    AnsweredBy,
    Call,
    Counts,
    Direction,
    Increment,
    NotConnected,
    Unit,
)

PriceKind = Literal["flat", "graduated", "volume"]
Proration = Literal["none", "daily"]
LatePolicy = Literal["current", "reject"]


@dataclass(frozen=True, slots=True)
class Band:
    """One band of a price. `start` counts units beyond the allowance; the first band starts at 0."""

    start: int
    rate: Decimal
    flat: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Price:
    """What billable units cost.

    `flat` has one band, `graduated` rates each band's part, `volume` rates all units at the band reached.
    """

    kind: PriceKind
    bands: tuple[Band, ...]


class Portion(NamedTuple):
    """Billed seconds of a call: from `start` on, before `end`; None is without end."""

    start: int
    end: int | None


@dataclass(frozen=True, slots=True)
class Meter:
    """A counter of units with an allowance and a price beyond it.

    `allowance` is in units; None is unlimited, and then `price` is None. `directions` None counts those of the unit.
    `increment` matters only to units that have increments. `own_name` is empty for the unit's own name.
    """

    unit: Unit
    allowance: int | None
    price: Price | None
    directions: frozenset[Direction] | None = None
    increment: Increment = STARTED_MINUTES
    own_name: str = ""
    classes: frozenset[str] | None = None
    """The classes of calls that it is for; None is for all."""
    portion: Portion | None = None
    """Of a meter of minutes: the billed seconds of each call that it is for; None is for all."""
    part: str = ""
    """Of a meter that is one of several prices by class of one meter in a plan's words: its class, or `REST`."""
    rank: int = -1
    """Of a part that an allowance covers which several share: when its turn is, from 0 on."""
    shared: bool = False
    """Whether it is that allowance itself: it counts what its parts count, and has no price."""
    slot: int = -1
    """The place of its counter in `Segment.counts`; the plan gives it (`placed`)."""
    pool: int = -1
    """Of a part that a shared allowance covers: the place of that one's counter."""

    @property
    def name(self) -> str:
        """As lines, allowances left and alerts name it."""
        return self.own_name or self.unit.name

    def selects(self, call: Call, call_class: str) -> bool:
        """Whether it counts such a call; `call_class` is the class that the plan takes it for."""
        if self.shared:
            return False
        directions = self.directions or self.unit.directions
        if directions is not None and call.direction not in directions:
            return False
        return self.classes is None or call_class in self.classes

    @property
    def counts_alike(self) -> tuple[object, ...]:
        """What decides how it counts: of meters for which this is equal, each counts what the other does."""
        return (self.unit, self.slot, self.pool, self.directions, self.increment, self.classes, self.portion)


def placed(meters: Iterable[Meter]) -> tuple[Meter, ...]:
    """The meters, each with the place of its counter.

    That is its unit's, whose counter is what all meters of the unit count; where there are several, each has one of its
    own too, behind those of the units.
    """
    found = tuple(meters)
    of_unit = Counter(meter.unit for meter in found)
    own = counting(len(NO_COUNTS))
    found = tuple(replace(m, slot=next(own) if of_unit[m.unit] > 1 else m.unit.slot) for m in found)
    pools = {(meter.unit, meter.own_name): meter.slot for meter in found if meter.shared}
    return tuple(replace(m, pool=pools[m.unit, m.own_name]) if m.rank >= 0 else m for m in found)


REST = "rest"
"""The part of a meter for what none of its prices by class is for."""


class Pool(NamedTuple):
    """An allowance that several parts of a meter share, and these in the order in which it covers them."""

    allowance: Meter
    parts: tuple[Meter, ...]


def _pool(allowance: Meter, meters: Iterable[Meter]) -> Pool:
    parts = [meter for meter in meters if meter.pool == allowance.slot]
    return Pool(allowance, tuple(sorted(parts, key=lambda meter: meter.rank)))


class Guarantee(NamedTuple):
    """What is given back of a segment's usage when too few of its outbound attempts were connected."""

    connect_rate: Decimal
    """The share that must be connected."""
    attempts: int
    """From so many attempts on."""
    credit: Decimal
    """The share of what the usage cost."""


class Connected(NamedTuple):
    """What *connected* means under a plan; one without it takes every answered call for connected."""

    min_talk: int = 0
    """Seconds of talk time that it needs."""
    answered_by: frozenset[AnsweredBy] = frozenset(ANSWERED_BY)
    """Who must have answered."""

    def why_not(self, talk: int, answered_by: AnsweredBy) -> NotConnected | None:
        """Why an answered call is not connected: by whom it was answered, or how short it was; None where it is."""
        if answered_by not in self.answered_by:
            return answered_by
        return "short" if talk < self.min_talk else None


class Item(NamedTuple):
    """Something that recurs beside the fee: a seat, a number, a value-added service."""

    price: Decimal
    """Of one, per period."""
    quantity: int


@dataclass(frozen=True, slots=True)
class Plan:
    """A version of a plan: `id` is the book's name for it with its version, `hybrid-200@1`; `fee` is per period."""

    id: str
    fee: Decimal
    proration: Proration
    meters: tuple[Meter, ...]
    """Of those of a unit the first that selects a call counts it."""
    effective: datetime | None = None
    discount: Decimal = Decimal(0)
    """The share that is taken off what the meters cost, before rounding."""
    minimum: Decimal = Decimal(0)
    """What a period owes at least in usage and fee; the rest is charged when it closes."""
    guarantee: Guarantee | None = None
    items: tuple[tuple[str, Item], ...] = ()
    """By name, in its order."""
    setup: Decimal = Decimal(0)
    """Due once, in the first period of an account under the plan."""
    reach_back: bool = False
    """Whether open periods are rated as if this version had been known from their start."""
    connected: Connected | None = None
    """What connected means; None takes every answered call for it."""
    memo: dict[Any, Any] = field(default_factory=dict, init=False, repr=False, compare=False)
    """Lines that were worked out before (`rater.rating.line_cache`); no part of the plan."""
    parts: dict[tuple[int, int], Plan] = field(default_factory=dict, init=False, repr=False, compare=False)
    """The plan for some days of a period (`rater.rating.proration`); no part of the plan. Kept with it, and not by its
    value: plans that are equal may be written differently (0.20, 0.2000), and a charge shows how its own is."""

    zero: Counts = field(default=NO_COUNTS, init=False, repr=False, compare=False)
    """Nothing of all that it counts."""
    in_portions: bool = field(default=False, init=False, repr=False, compare=False)
    """Whether a call's seconds are shared among its meters of minutes."""
    named: frozenset[str] = field(default=frozenset(), init=False, repr=False, compare=False)
    """The classes of calls that its meters name."""
    pools: tuple[Pool, ...] = field(default=(), init=False, repr=False, compare=False)
    """The allowances that parts share."""
    counts_attempts: bool = field(default=False, init=False, repr=False, compare=False)
    """Whether its segments count outbound attempts, and which of them were connected."""

    def __post_init__(self) -> None:
        """Give each meter its counter."""
        meters = placed(self.meters)
        object.__setattr__(self, "meters", meters)
        object.__setattr__(self, "pools", tuple(_pool(meter, meters) for meter in meters if meter.shared))
        object.__setattr__(self, "counts_attempts", self.guarantee is not None or self.connected is not None)
        object.__setattr__(self, "in_portions", any(meter.portion is not None for meter in meters))
        object.__setattr__(self, "named", frozenset().union(*(meter.classes or () for meter in meters)))
        object.__setattr__(self, "zero", (0,) * max(len(NO_COUNTS), *(1 + meter.slot for meter in meters), 0))

    def meters_of(self, unit: Unit) -> tuple[Meter, ...]:
        """The meters of a unit, in their order."""
        return tuple(meter for meter in self.meters if meter.unit is unit)

    def class_of(self, call: Call) -> str:
        """The class that the plan takes a call for: its own, or the nearest that it lies within, of those named; empty
        where none of them is."""
        return next((name for name in call.classes if name in self.named), "")

    def seen(self, call: Call) -> Call:
        """The call as the plan sees it: one that was answered may not be connected under it."""
        if self.connected is None or not call.connected or self.connected.why_not(call.talk, call.answered_by) is None:
            return call
        return call._replace(connected=False)

    def count(self, call: Call) -> Counts:
        """What its meters count of a call, and what its guarantee is judged by."""
        if self.connected is not None:
            call = self.seen(call)
        counts = list(self.zero)
        counted = set[Unit]()
        taken_for = self.class_of(call) if self.named else ""
        for meter in self.meters:
            unit = meter.unit
            if unit not in counted and meter.selects(call, taken_for):
                counted.add(unit)
                units = unit.count(call, meter.increment)
                if self.in_portions and unit.increments:
                    self._share_out(units, call, taken_for, counts)
                else:
                    counts[unit.slot] = counts[meter.slot] = units
                    if meter.pool >= 0:
                        counts[meter.pool] = units
        if self.counts_attempts and call.direction == "outbound":
            counts[OUTBOUND_ATTEMPTS], counts[OUTBOUND_CONNECTED] = 1, int(call.connected)
        return tuple(counts)

    def _share_out(self, seconds: int, call: Call, taken_for: str, counts: list[int]) -> None:
        """Count each billed second by the first meter that selects the call and has it."""
        left = [(0, seconds)]
        for meter in self.meters:
            if not meter.unit.increments or not meter.selects(call, taken_for):
                continue
            first, last = meter.portion or (0, None)
            end = seconds if last is None else last
            had = sum(max(0, min(stop, end) - max(start, first)) for start, stop in left)
            counts[meter.slot] += had
            if meter.slot != meter.unit.slot:
                counts[meter.unit.slot] += had
            if meter.pool >= 0:
                counts[meter.pool] += had
            rests = [part for start, stop in left for part in ((start, min(stop, first)), (max(start, end), stop))]
            left = [(start, stop) for start, stop in rests if start < stop]

    def same_terms(self, other: Plan) -> bool:
        """Whether both cost the same, whatever their ids."""
        return replace(self, id=other.id) == other


@dataclass(frozen=True, slots=True)
class Book:
    """A published tariff book. `plans` maps a plan's name (without version) to its words in this book."""

    version: int
    currency: str
    precision: int
    time_zone: str
    default_plan: str | None
    close_after: timedelta
    late: LatePolicy
    remember: timedelta
    connect_rate_band: tuple[Decimal, Decimal]
    plans: dict[str, Plan]
    classes: Classes = NO_CLASSES
