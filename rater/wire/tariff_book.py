"""The tariff book's words (rating.md, "Tariff book"), and how they become the rules' own values.

The same models read the YAML file, the event `tariffs-published/1` and the inline plan of a subscription. Rates, fees
and flats have at most 12 digits before the point and 9 behind it, allowances and band starts at most 10: the rules
compute with 60 digits, so no sum is ever cut.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, NoReturn, Self

from pydantic import AfterValidator, BeforeValidator, Field, create_model, model_validator
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError

from rater.rating.book import Band, Book, LatePolicy, Meter, Plan, Price, Proration
from rater.rating.currency import MINOR_UNITS
from rater.rating.limits import MIN_REMEMBER_DAYS
from rater.rating.units import UNITS, Increment, Unit
from rater.wire.fields import Direction, Discount, Instant, Share, StrictModel, ZoneName
from rater.wire.fields import Price as PriceWord

MAX_PLANS = 500
MAX_BANDS = 50
MAX_UNITS = 9_999_999_999
"""Minutes or calls in an allowance or a band's start."""

CLOSED: JsonDict = {"additionalProperties": False}
"""For the JSON Schema: there are no names but those that match the pattern."""

Units = Annotated[int, Field(ge=0, le=MAX_UNITS)]
PlanName = Annotated[str, Field(pattern=r"^[A-Za-z0-9._+-]{1,64}$", max_length=64)]


def wrong(message: str, at: str | None = None) -> NoReturn:
    """Refuse a value; `at` names the field below the place that is being checked."""
    raise PydanticCustomError("tariff", "{message}", {"message": message, "at": at})


class BandWords(StrictModel):
    """A band: units from `start` (the field `from`) on cost `rate` each, and `flat` once."""

    start: Units = Field(alias="from")
    rate: PriceWord
    flat: PriceWord = Decimal(0)

    def to_core(self) -> Band:
        """The band as the rules see it."""
        return Band(self.start, self.rate, self.flat)

    @classmethod
    def of(cls, band: Band) -> Self:
        """The words of a band."""
        words: dict[str, Any] = {"from": band.start, "rate": band.rate}
        return cls(**(words | {"flat": band.flat} if band.flat else words))


def _ascending(bands: tuple[BandWords, ...]) -> tuple[BandWords, ...]:
    if bands[0].start != 0:
        wrong("the first band must be from: 0")
    for number, (one, next_one) in enumerate(pairwise(bands), start=2):
        if next_one.start <= one.start:
            wrong(f"bands must ascend: band {number} is from {next_one.start}, the one before it from {one.start}")
    return bands


Bands = Annotated[tuple[BandWords, ...], Field(min_length=1, max_length=MAX_BANDS), AfterValidator(_ascending)]


def _allowance(value: Any) -> Any:
    units = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_UNITS
    if not units and value != "unlimited":
        wrong(f"write a whole number from 0 to {MAX_UNITS}, or unlimited")
    return value


Allowance = Annotated[Units | Literal["unlimited"], BeforeValidator(_allowance)]


def _each_once(directions: tuple[Direction, ...]) -> tuple[Direction, ...]:
    if len(set(directions)) < len(directions):
        wrong("each direction stands here once")
    return directions


class MeterWords(StrictModel):
    """A meter: an allowance, and one of `rate`, `graduated`, `volume` for what lies beyond it."""

    allowance: Allowance = 0
    rate: PriceWord | None = None
    graduated: Bands | None = None
    volume: Bands | None = None
    directions: (
        Annotated[tuple[Direction, ...], Field(min_length=1, max_length=3), AfterValidator(_each_once)] | None
    ) = None

    PRICES: ClassVar = ("rate", "graduated", "volume")

    @model_validator(mode="after")
    def _one_price(self) -> Self:
        said = [name for name in self.PRICES if getattr(self, name) is not None]
        if self.allowance == "unlimited" and said:
            wrong("an unlimited allowance has no price: leave it out", said[0])
        if self.allowance != "unlimited" and len(said) != 1:
            found = f"not {' and '.join(said)}" if said else 'for free units write rate: "0"'
            wrong(f"a meter has exactly one of rate, graduated, volume; {found}", said[-1] if said else None)
        return self

    def price(self) -> Price | None:
        """The price as the rules see it; None where the allowance is unlimited."""
        if self.rate is not None:
            return Price("flat", (Band(0, self.rate),))
        if self.graduated is not None:
            return Price("graduated", tuple(band.to_core() for band in self.graduated))
        if self.volume is not None:
            return Price("volume", tuple(band.to_core() for band in self.volume))
        return None

    @classmethod
    def of(cls, meter: Meter) -> Self:
        """The words of a meter; what a book need not say is left out."""
        return cls(**cls._words_of(meter))

    @classmethod
    def _words_of(cls, meter: Meter) -> dict[str, Any]:
        words: dict[str, Any] = {"allowance": "unlimited" if meter.allowance is None else meter.allowance}
        if meter.price is not None and meter.price.kind == "flat":
            words["rate"] = meter.price.bands[0].rate
        elif meter.price is not None:
            words[meter.price.kind] = tuple(BandWords.of(band) for band in meter.price.bands)
        if meter.directions is not None:
            words["directions"] = tuple(sorted(meter.directions))
        return words

    def to_core(self, unit: Unit) -> Meter:
        """The meter as the rules see it."""
        units = None if self.allowance == "unlimited" else self.allowance
        directions = None if self.directions is None else frozenset(self.directions)
        return Meter(unit, units, self.price(), directions, self._increment())

    def _increment(self) -> Increment:
        return Increment()


class MinutesWords(MeterWords):
    """A meter of minutes: also says how talk time becomes billed seconds."""

    increment: Annotated[str, Field(pattern=r"^[1-9][0-9]{0,4}/[1-9][0-9]{0,4}$", max_length=11)] = "60/60"
    minimum: Annotated[int, Field(ge=0, le=86_400)] = 0

    @classmethod
    def _words_of(cls, meter: Meter) -> dict[str, Any]:
        increment = meter.increment
        words = super()._words_of(meter)
        if increment != Increment():
            words |= {"increment": f"{increment.first}/{increment.step}", "minimum": increment.minimum}
        return words

    def _increment(self) -> Increment:
        first, step = self.increment.split("/")
        return Increment(int(first), int(step), self.minimum)


class _PlanBase(StrictModel):
    """A plan: a fee per period and at least one meter; `discount` off their price, and a `minimum` per period."""

    fee: PriceWord = Decimal(0)
    proration: Proration = "none"
    effective: Instant | None = None
    discount: Discount = Decimal(0)
    minimum: PriceWord = Decimal(0)

    @model_validator(mode="after")
    def _meters(self) -> Self:
        if not self.meters():
            wrong("a plan needs a meter, minutes or calls; all calls free is minutes: {allowance: unlimited}")
        return self

    def meters(self) -> tuple[tuple[Unit, MeterWords], ...]:
        """The plan's meters with their units, in the order of the units."""
        found = ((unit, getattr(self, unit.key)) for unit in UNITS)
        return tuple((unit, words) for unit, words in found if words is not None)

    def to_core(self, plan_id: str) -> Plan:
        """The plan as the rules see it, under an id: a name of the book, or `s-17@1`."""
        meters = tuple(words.to_core(unit) for unit, words in self.meters())
        return Plan(plan_id, self.fee, self.proration, meters, self.effective, self.discount, self.minimum)

    @classmethod
    def of(cls, plan: Plan) -> Self:
        """The words of a plan: `to_core` makes the same plan of them."""
        words: dict[str, Any] = {"fee": plan.fee, "proration": plan.proration}
        said = {"effective": plan.effective, "discount": plan.discount, "minimum": plan.minimum}
        words |= {name: value for name, value in said.items() if value}
        for meter in plan.meters:
            words[meter.unit.key] = _words_of(meter.unit).of(meter)
        return cls(**words)


def _words_of(unit: Unit) -> type[MeterWords]:
    return MinutesWords if unit.increments else MeterWords


if TYPE_CHECKING:

    class PlanWords(_PlanBase):
        """For the type checker."""

else:
    # A field for each unit: a new unit is a line in the registry, and nothing here.
    PlanWords = create_model(
        "PlanWords",
        __base__=_PlanBase,
        __doc__=_PlanBase.__doc__,
        __module__=__name__,
        **{unit.key: (_words_of(unit) | None, None) for unit in UNITS},
    )


_UNITS = {"d": timedelta(days=1), "h": timedelta(hours=1)}
Span = Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,3})[dh]$", max_length=5)]
"""Days or hours: `10d`, `36h`."""


REMEMBERED = timedelta(days=MIN_REMEMBER_DAYS)


def span(words: str) -> timedelta:
    """The length of a `Span`."""
    return int(words[:-1]) * _UNITS[words[-1]]


def to_span(length: timedelta) -> str:
    """The `Span` of whole hours."""
    hours = length // _UNITS["h"]
    return f"{hours}h" if hours % 24 else f"{hours // 24}d"


def _currency(code: str) -> str:
    if code not in MINOR_UNITS:
        wrong("this is no currency of ISO 4217; write a code like CNY")
    return code


class TariffBook(StrictModel):
    """A version of the tariff book."""

    version: Annotated[int, Field(ge=1, le=999_999_999)]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$", max_length=3), AfterValidator(_currency)]
    precision: Annotated[int, Field(ge=0, le=9)] | None = None
    time_zone: ZoneName
    default_plan: PlanName | None = None
    close_after: Span = "10d"
    late: LatePolicy = "current"
    remember: Span = "60d"
    connect_rate_band: Annotated[tuple[Share, ...], Field(min_length=2, max_length=2)] = (
        Decimal("0.70"),
        Decimal("0.90"),
    )
    plans: Annotated[dict[PlanName, PlanWords], Field(min_length=1, max_length=MAX_PLANS, json_schema_extra=CLOSED)]

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        low, high = self.connect_rate_band
        if low > high:
            wrong("the band's lower end comes first", "connect_rate_band")
        if self.default_plan is not None:
            default = self.plans.get(self.default_plan)
            if default is None:
                wrong(f"there is no such plan; the plans are {_some(list(self.plans))}", "default_plan")
            if default.fee or default.minimum:
                wrong("the default plan must have no fee and no minimum", "default_plan")
        return self

    def to_core(self) -> Book:
        """The book as the rules see it; each plan's id is its name, without a version."""
        low, high = self.connect_rate_band
        return Book(
            version=self.version,
            currency=self.currency,
            precision=MINOR_UNITS[self.currency] if self.precision is None else self.precision,
            time_zone=self.time_zone,
            default_plan=self.default_plan,
            close_after=span(self.close_after),
            late=self.late,
            remember=max(span(self.remember), REMEMBERED),
            connect_rate_band=(low, high),
            plans={name: plan.to_core(name) for name, plan in self.plans.items()},
        )


def _some(names: list[str]) -> str:
    return ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")
