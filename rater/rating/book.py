"""The tariff book as the rules see it: immutable, already checked (its words: `rater.wire.tariff_book`).

Source: rating.md, "Plans" and "Tariff book".
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

Direction = Literal["inbound", "outbound", "internal"]
PriceKind = Literal["flat", "graduated", "volume"]
Proration = Literal["none", "daily"]
LatePolicy = Literal["current", "reject"]


@dataclass(frozen=True, slots=True)
class Band:
    """One band of a price. `start` counts units beyond the allowance (minutes or calls); the first band starts at 0."""

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


@dataclass(frozen=True, slots=True)
class Increment:
    """How talk time becomes billed seconds: `first` seconds, then steps of `step`; `minimum` from 1 s of talk time."""

    first: int = 60
    step: int = 60
    minimum: int = 0


@dataclass(frozen=True, slots=True)
class Meter:
    """A counter of units with an allowance and a price beyond it.

    `allowance` is in units (minutes or calls); None is unlimited, and then `price` is None.
    `directions` None counts all directions. `increment` matters to minutes only.
    """

    allowance: int | None
    price: Price | None
    directions: frozenset[Direction] | None = None
    increment: Increment = Increment()


@dataclass(frozen=True, slots=True)
class Plan:
    """A version of a plan: `id` is the book's name for it with its version, `hybrid-200@1`; `fee` is per period."""

    id: str
    fee: Decimal
    proration: Proration
    minutes: Meter | None
    calls: Meter | None
    effective: datetime | None = None
    memo: dict[Any, Any] = field(default_factory=dict, init=False, repr=False, compare=False)
    """Lines that were worked out before (`rater.rating.line_cache`); no part of the plan."""
    parts: dict[tuple[int, int], Plan] = field(default_factory=dict, init=False, repr=False, compare=False)
    """The plan for some days of a period (`rater.rating.proration`); no part of the plan. Kept with it, and not by its
    value: plans that are equal may be written differently (0.20, 0.2000), and a charge shows how its own is."""

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
