"""The tariff book's words (rating.md, "Tariff book"), and how they become the rules' own values.

The same models read the YAML file, the event `tariffs-published/1` and the inline plan of a subscription. Rates, fees
and flats have at most 12 digits before the point and 9 behind it, allowances and band starts at most 10: the rules
compute with 60 digits, so no sum is ever cut.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from decimal import Decimal
from itertools import chain
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import AfterValidator, Field, ValidationInfo, create_model, model_validator
from pydantic.config import JsonDict

from rater.rating.book import Book, Connected, Guarantee, Item, LatePolicy, Meter, Plan, Proration
from rater.rating.currency import MINOR_UNITS
from rater.rating.limits import MIN_REMEMBER_DAYS
from rater.rating.units import ANSWERED_BY, DIRECTIONS, OTHER, UNITS, AnsweredBy, Direction, Unit
from rater.wire.class_words import ClassList, Days, Sets
from rater.wire.class_words import check as check_classes
from rater.wire.class_words import to_core as classes_to_core
from rater.wire.fields import BookVersion, Discount, Instant, Share, StrictModel, ZoneName
from rater.wire.fields import Price as PriceWord
from rater.wire.meter_words import UNIT_KEYS, MeterWords, MinutesWords, NamedMeterWords, UnitKey
from rater.wire.meters import ITEM_NAME, MOST_METERS
from rater.wire.price_words import MAX_UNITS, wrong

WRITTEN_BY_HAND = object()
"""The context in which a file is validated: it may be changed still."""
MAX_PLANS = 500
CLOSED: JsonDict = {"additionalProperties": False}
"""For the JSON Schema: there are no names but those that match the pattern."""

PlanName = Annotated[str, Field(pattern=r"^[A-Za-z0-9._+-]{1,64}$", max_length=64)]


class GuaranteeWords(StrictModel):
    """Of a segment with at least `attempts` outbound attempts, of which less than `connect_rate` were connected, the
    share `credit` of its usage is given back when the period closes."""

    connect_rate: Share
    attempts: Annotated[int, Field(ge=1, le=MAX_UNITS)] = 100
    credit: Discount

    def to_core(self) -> Guarantee:
        """The guarantee as the rules see it."""
        return Guarantee(self.connect_rate, self.attempts, self.credit)


class ConnectedWords(StrictModel):
    """Which answered calls are connected: with at least `min_talk` seconds of talk time, answered by one of these."""

    min_talk: Annotated[int, Field(ge=0, le=3600)] = 0
    answered_by: Annotated[tuple[AnsweredBy, ...], Field(min_length=1, max_length=len(ANSWERED_BY))] = ANSWERED_BY

    def to_core(self) -> Connected:
        """As the rules see it."""
        return Connected(self.min_talk, frozenset(self.answered_by))


MAX_ITEMS = 20
ItemName = Annotated[str, Field(pattern=f"^{ITEM_NAME}$", max_length=32)]
Quantity = Annotated[int, Field(ge=0, le=1_000_000)]


class ItemWords(StrictModel):
    """Something that recurs beside the fee: a seat, a number, a value-added service; `price` of one, per period."""

    price: PriceWord
    quantity: Quantity = 1

    def to_core(self) -> Item:
        """The item as the rules see it."""
        return Item(self.price, self.quantity)


class _PlanBase(StrictModel):
    """A plan: a fee per period and at least one meter; `meters` with names of their own count before the others,
    units in `free` may have calls that none counts; `items` that recur beside the fee, a `setup` that is due once,
    one that is `effective` from a past instant reaches back to open periods where it says so (`reach_back`);
    a `discount` off what the meters cost, a `minimum` per period, a guaranteed connect rate, and what
    `connected` means (any answered call, if left out)."""

    fee: PriceWord = Decimal(0)
    proration: Proration = "none"
    effective: Instant | None = None
    reach_back: bool = False
    discount: Discount = Decimal(0)
    minimum: PriceWord = Decimal(0)
    guarantee: GuaranteeWords | None = None
    connected: ConnectedWords | None = None
    items: Annotated[dict[ItemName, ItemWords], Field(max_length=MAX_ITEMS, json_schema_extra=CLOSED)] = Field(
        default_factory=dict
    )
    setup: PriceWord = Decimal(0)
    meters: Annotated[tuple[NamedMeterWords, ...], Field(max_length=MOST_METERS)] = ()
    free: Annotated[tuple[UnitKey, ...], Field(max_length=len(UNITS))] = ()

    @model_validator(mode="after")
    def _meters(self) -> Self:
        if not self.meters and not self.of_units():
            wrong("a plan needs a meter, minutes or calls; all calls free is minutes: {allowance: unlimited}")
        if any(words.portion for words in self.meters):
            minutes: list[MinutesWords] = [words for words in self.meters if UNIT_KEYS[words.unit].increments]
            minutes += [words for unit, words in self.of_units() if unit.increments and isinstance(words, MinutesWords)]
            if len({(words.increment, words.minimum) for words in minutes}) > 1:
                wrong("with a portion all meters of minutes have one increment and minimum", "meters")
        parts = sum(1 + len(words.by_class or ()) for words in (*self.meters, *(words for _, words in self.of_units())))
        if parts > MOST_METERS:
            wrong(f"{parts} meters and prices by class are more than {MOST_METERS}")
        for name, times in Counter(meter.name for meter in self.meters).items():
            if times > 1:
                wrong(f"{times} meters are called {name}", "meters")
        return self

    @model_validator(mode="after")
    def _reaches_back_to_an_instant(self) -> Self:
        if self.reach_back and self.effective is None:
            wrong("a version that reaches back says from when on it holds: effective", "reach_back")
        return self

    @model_validator(mode="after")
    def _free_calls_are_meant(self, info: ValidationInfo) -> Self:
        """Refuse a file in which calls are free that no meter counts; what is in the log already holds as it is."""
        if info.context is WRITTEN_BY_HAND:
            for unit in UNITS:
                if unit.key not in self.free and (calls := " and ".join(self._uncounted(unit))):
                    wrong(
                        f"no meter of {unit.key} counts {calls} calls, which would be free: add one, or say"
                        f" free: [{unit.key}]"
                    )
        return self

    def _uncounted(self, unit: Unit) -> list[Direction]:
        """The directions of calls that none of the plan's meters of a unit counts, where it has any."""
        meters = [words for one, words in self.of_units() if one is unit]
        meters += [words for words in self.meters if words.unit == unit.key]
        if not meters or unit.directions is not None:
            return []
        meters = [words for words in meters if words.classes is None and not getattr(words, "portion", None)]
        return [one for one in DIRECTIONS if all(words.directions and one not in words.directions for words in meters)]

    def classes_named(self) -> set[str]:
        """The classes of calls that its meters name."""
        meters = (*self.meters, *(words for _, words in self.of_units()))
        return {name for words in meters for name in (*(words.classes or ()), *(words.by_class or ()))}

    def of_units(self) -> tuple[tuple[Unit, MeterWords], ...]:
        """The meters that go by their units, in the order of the units."""
        found = ((unit, getattr(self, unit.key)) for unit in UNITS)
        return tuple((unit, words) for unit, words in found if words is not None)

    def to_core(self, plan_id: str) -> Plan:
        """The plan as the rules see it, under an id: a name of the book, or `s-17@1`."""
        listed = [words.named() for words in self.meters]
        short = [words.to_core(unit) for unit, words in self.of_units()]
        # Meters of one price go by their units in rows, all others stand in a list before them.
        short.sort(key=lambda meters: len(meters) == 1)
        meters = tuple(chain.from_iterable((*listed, *short)))
        guarantee = None if self.guarantee is None else self.guarantee.to_core()
        items = tuple(sorted((name, words.to_core()) for name, words in self.items.items()))
        connected = None if self.connected is None else self.connected.to_core()
        rest = (self.discount, self.minimum, guarantee, items, self.setup, self.reach_back, connected)
        return Plan(plan_id, self.fee, self.proration, meters, self.effective, *rest)

    @classmethod
    def of(cls, plan: Plan) -> Self:
        """The words of a plan: `to_core` makes the same plan of them."""
        words: dict[str, Any] = {"fee": plan.fee, "proration": plan.proration}
        seldom = ("effective", "discount", "minimum", "setup", "reach_back")
        said = {name: getattr(plan, name) for name in seldom}
        words |= {name: value for name, value in said.items() if value}
        if plan.guarantee is not None:
            words["guarantee"] = GuaranteeWords(**plan.guarantee._asdict())
        if plan.connected is not None:
            answered_by = tuple(one for one in ANSWERED_BY if one in plan.connected.answered_by)
            words["connected"] = ConnectedWords(min_talk=plan.connected.min_talk, answered_by=answered_by)
        if plan.items:
            words["items"] = {name: ItemWords(**item._asdict()) for name, item in plan.items}
        as_written: dict[tuple[Unit, str], list[Meter]] = {}
        for meter in plan.meters:
            as_written.setdefault((meter.unit, meter.own_name), []).append(meter)
        for (unit, own_name), some in as_written.items():
            if not own_name:
                words[unit.key] = _words_of(unit).of(tuple(some))
        if named := tuple(NamedMeterWords.of(tuple(some)) for (_, name), some in as_written.items() if name):
            words["meters"] = named
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

    version: BookVersion
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
    prefixes: Sets = Field(default_factory=dict)
    holidays: Days = ()
    workdays: Days = ()
    classes: ClassList = ()
    plans: Annotated[dict[PlanName, PlanWords], Field(min_length=1, max_length=MAX_PLANS, json_schema_extra=CLOSED)]

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        low, high = self.connect_rate_band
        if low > high:
            wrong("the band's lower end comes first", "connect_rate_band")
        check_classes(self.classes, self.prefixes)
        known = {OTHER, *(one.name for one in self.classes)}
        for name, plan in self.plans.items():
            if unknown := sorted(plan.classes_named() - known):
                wrong(f"plan {name}: there is no class {unknown[0]}", "plans")
        if self.default_plan is not None:
            default = self.plans.get(self.default_plan)
            if default is None:
                wrong(f"there is no such plan; the plans are {_some(list(self.plans))}", "default_plan")
            if default.fee or default.items or default.setup or default.minimum or default.guarantee:
                wrong("the default plan must have no fee, items, set-up, minimum or guarantee", "default_plan")
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
            classes=classes_to_core(self.classes, self.prefixes, self.holidays, self.workdays),
        )


def _some(names: list[str]) -> str:
    return ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")
