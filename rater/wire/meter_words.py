"""The words of a plan's meters (rating.md, "Plans"): allowances, bands, prices, increments, each with its checks."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Any, ClassVar, Literal, NoReturn, Self, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from rater.rating.book import Band, Meter, Portion, Price
from rater.rating.lines import FLAT
from rater.rating.units import UNITS, Increment, Unit
from rater.wire.fields import Direction, StrictModel
from rater.wire.fields import Price as PriceWord
from rater.wire.meters import METER_NAME, RESERVED

MAX_BANDS = 50
INCREMENT = r"[1-9][0-9]{0,4}/[1-9][0-9]{0,4}"
"""Seconds that are billed first, and the steps after them: `60/60`."""
MAX_UNITS = 9_999_999_999
"""Minutes or calls in an allowance or a band's start."""

Units = Annotated[int, Field(ge=0, le=MAX_UNITS)]
_Name = TypeVar("_Name", bound=str)


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


def each_once(names: tuple[_Name, ...]) -> tuple[_Name, ...]:
    """Refuse a list in which something stands twice."""
    if len(set(names)) < len(names):
        wrong("each stands here once")
    return names


Directions = Annotated[tuple[Direction, ...], Field(min_length=1, max_length=3), AfterValidator(each_once)]
CLASS_NAME = r"[A-Za-z0-9._+-]{1,32}"
ClassName = Annotated[str, Field(pattern=f"^{CLASS_NAME}$", max_length=32)]


class MeterWords(StrictModel):
    """A meter: an allowance, and one of `rate`, `graduated`, `volume` for what lies beyond it."""

    allowance: Allowance = 0
    rate: PriceWord | None = None
    graduated: Bands | None = None
    volume: Bands | None = None
    directions: Directions | None = None

    classes: Annotated[tuple[ClassName, ...], Field(min_length=1, max_length=256), AfterValidator(each_once)] | None = (
        None
    )

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
        if meter.classes is not None:
            words["classes"] = tuple(sorted(meter.classes))
        return words

    def to_core(self, unit: Unit) -> Meter:
        """The meter as the rules see it."""
        units = None if self.allowance == "unlimited" else self.allowance
        directions = None if self.directions is None else frozenset(self.directions)
        classes = None if self.classes is None else frozenset(self.classes)
        return Meter(unit, units, self.price(), directions, self._increment(), classes=classes)

    def _increment(self) -> Increment:
        return Increment()


class MinutesWords(MeterWords):
    """A meter of minutes: also says how talk time becomes billed seconds."""

    increment: Annotated[str, Field(pattern=f"^{INCREMENT}$", max_length=11)] = "60/60"
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


def _free_name(name: str) -> str:
    if name in RESERVED or name.endswith(FLAT):
        wrong("this name has a meaning of its own in charges; take another")
    return name


MeterName = Annotated[str, Field(pattern=f"^{METER_NAME}$", max_length=32), AfterValidator(_free_name)]
UNIT_KEYS = {unit.key: unit for unit in UNITS}


def _unit_key(key: str) -> str:
    if key not in UNIT_KEYS:
        wrong(f"a meter counts one of {', '.join(UNIT_KEYS)}")
    return key


UnitKey = Annotated[str, AfterValidator(_unit_key), WithJsonSchema({"type": "string", "enum": list(UNIT_KEYS)})]


Seconds = Annotated[int, Field(ge=0, le=86_400)]


class PortionWords(StrictModel):
    """Billed seconds of a call, from `from` on, before `until`; without it to the end."""

    start: Seconds = Field(default=0, alias="from")
    until: Seconds | None = None

    @classmethod
    def of(cls, portion: Portion) -> Self:
        """The words of a portion."""
        words = {"from": portion.start}
        return cls.model_validate(words if portion.end is None else words | {"until": portion.end})

    @model_validator(mode="after")
    def _has_seconds(self) -> Self:
        if self.until is not None and self.until <= self.start:
            wrong(f"until {self.until} is not after from {self.start}", "until")
        return self

    def to_core(self) -> Portion:
        """The portion as the rules see it."""
        return Portion(self.start, self.until)


class NamedMeterWords(MinutesWords):
    """A meter with a name of its own, beside others of its unit: of these the first that selects a call counts it."""

    name: MeterName
    unit: UnitKey
    portion: PortionWords | None = None

    @model_validator(mode="after")
    def _increments(self) -> Self:
        for name in ("increment", "minimum", "portion"):
            if name in self.model_fields_set and not UNIT_KEYS[self.unit].increments:
                wrong(f"{self.unit} have no {name}: leave it out", name)
        return self

    @classmethod
    def _words_of(cls, meter: Meter) -> dict[str, Any]:
        words = {"name": meter.own_name, "unit": meter.unit.key, **super()._words_of(meter)}
        if meter.portion is not None:
            words["portion"] = PortionWords.of(meter.portion)
        return words

    def named(self) -> Meter:
        """The meter as the rules see it."""
        portion = None if self.portion is None else self.portion.to_core()
        return replace(self.to_core(UNIT_KEYS[self.unit]), own_name=self.name, portion=portion)
