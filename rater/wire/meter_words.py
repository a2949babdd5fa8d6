"""The words of a plan's meters (rating.md, "Plans"): allowances, bands, prices, increments, each with its checks."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from rater.rating.book import REST, Meter, Portion
from rater.rating.lines import FLAT
from rater.rating.units import UNITS, Increment, Unit
from rater.wire.fields import Direction, StrictModel
from rater.wire.meters import CLASS_NAME, METER_NAME, RESERVED, ClassName
from rater.wire.price_words import MAX_UNITS, PriceWords, Units, wrong

INCREMENT = r"[1-9][0-9]{0,4}/[1-9][0-9]{0,4}"
"""Seconds that are billed first, and the steps after them: `60/60`."""

_Name = TypeVar("_Name", bound=str)


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

Part = Annotated[str, Field(pattern=f"^({CLASS_NAME}|{REST})$", max_length=32)]


class MeterWords(PriceWords):
    """A meter: an allowance, and one of `rate`, `graduated`, `volume` for what lies beyond it.

    `by_class` has other prices for some classes of calls; an allowance then `covers` these and the `rest` in an order.
    """

    allowance: Allowance = 0
    directions: Directions | None = None
    classes: Annotated[tuple[ClassName, ...], Field(min_length=1, max_length=256), AfterValidator(each_once)] | None = (
        None
    )
    by_class: Annotated[dict[ClassName, PriceWords], Field(min_length=1, max_length=63)] | None = None
    covers: Annotated[tuple[Part, ...], Field(min_length=1, max_length=64), AfterValidator(each_once)] | None = None

    @model_validator(mode="after")
    def _one_price(self) -> Self:
        unlimited, by_class = self.allowance == "unlimited", self.by_class or {}
        if self.by_class is None and self.covers is not None:
            wrong("covers says which prices of by_class the allowance covers: there are none", "covers")
        if self.by_class is None:
            self.check(covered=unlimited)
            return self
        covers = self.covers or ()
        if bool(covers) != (self.allowance != 0):
            wrong(
                "an allowance and by_class need covers, and covers needs an allowance: the classes, or rest, in order"
            )
        if unknown := sorted(set(covers) - {*by_class, REST}):
            wrong(f"covers: by_class has no {unknown[0]}", "covers")
        if beyond := sorted(set(by_class) - set(self.classes or by_class)):
            wrong(f"by_class: the meter is not for {beyond[0]}", "by_class")
        if REST in by_class:
            wrong("the rest is what by_class does not name: its price is the meter's own", "by_class")
        self.check(covered=unlimited and REST in covers)
        for name, price in by_class.items():
            price.check(covered=unlimited and name in covers, at=name)
        return self

    @classmethod
    def of(cls, meters: tuple[Meter, ...]) -> Self:
        """The words of a meter, which has a part for each of its prices; what a book need not say is left out."""
        return cls(**cls._words_of(meters))

    @classmethod
    def _words_of(cls, meters: tuple[Meter, ...]) -> dict[str, Any]:
        meter = meters[-1]  # with prices by class it is the rest
        words: dict[str, Any] = {"allowance": _allowance_words(meters), **cls.words_of(meter.price)}
        if meter.directions is not None:
            words["directions"] = tuple(sorted(meter.directions))
        if meter.classes is not None:
            words["classes"] = tuple(sorted(meter.classes))
        if meter.part:
            parts = [one for one in meters if one.part and one.part != REST]
            words["by_class"] = {one.part: PriceWords(**cls.words_of(one.price)) for one in parts}
            covers = [one for one in sorted(meters, key=lambda one: one.rank) if one.rank >= 0 or one.allowance is None]
            if covers:
                words["covers"] = tuple(one.part for one in covers)
        return words

    def to_core(self, unit: Unit) -> tuple[Meter, ...]:
        """The meter as the rules see it: one, or the allowance that parts share, a part for each class, the rest."""
        units = None if self.allowance == "unlimited" else self.allowance
        directions = None if self.directions is None else frozenset(self.directions)
        classes = None if self.classes is None else frozenset(self.classes)
        meter = Meter(unit, units, self.price(), directions, self._increment(), classes=classes)
        if self.by_class is None:
            return (meter,)
        covers = {name: rank for rank, name in enumerate(self.covers or ())}
        shared = [replace(meter, price=None, shared=True)] if units else []
        meter = replace(meter, allowance=0)
        parts = [
            replace(meter, price=price.price(), classes=frozenset({name}), part=name)
            for name, price in sorted(self.by_class.items())
        ]
        found = (*parts, replace(meter, part=REST))
        return (*shared, *(_in_turn(part, covers.get(part.part), unlimited=units is None) for part in found))

    def _increment(self) -> Increment:
        return Increment()


def _in_turn(part: Meter, rank: int | None, *, unlimited: bool) -> Meter:
    """A part with its turn; one that an unlimited allowance covers has all units included for itself."""
    if rank is None:
        return part
    return replace(part, allowance=None, price=None) if unlimited else replace(part, rank=rank)


def _allowance_words(meters: tuple[Meter, ...]) -> Any:
    """The allowance of a meter, which may be that of its parts."""
    if any(meter.allowance is None for meter in meters):
        return "unlimited"
    return meters[0].allowance


class MinutesWords(MeterWords):
    """A meter of minutes: also says how talk time becomes billed seconds."""

    increment: Annotated[str, Field(pattern=f"^{INCREMENT}$", max_length=11)] = "60/60"
    minimum: Annotated[int, Field(ge=0, le=86_400)] = 0

    @classmethod
    def _words_of(cls, meters: tuple[Meter, ...]) -> dict[str, Any]:
        increment = meters[0].increment
        words = super()._words_of(meters)
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
        if self.portion is not None and self.by_class is not None:
            wrong("a meter has a portion or by_class, not both: make two meters", "by_class")
        return self

    @classmethod
    def _words_of(cls, meters: tuple[Meter, ...]) -> dict[str, Any]:
        words = {"name": meters[0].own_name, "unit": meters[0].unit.key, **super()._words_of(meters)}
        if meters[0].portion is not None:
            words["portion"] = PortionWords.of(meters[0].portion)
        return words

    def named(self) -> tuple[Meter, ...]:
        """The meter as the rules see it: one, or a part for each of its prices."""
        portion = None if self.portion is None else self.portion.to_core()
        return tuple(
            replace(meter, own_name=self.name, portion=portion) for meter in self.to_core(UNIT_KEYS[self.unit])
        )
