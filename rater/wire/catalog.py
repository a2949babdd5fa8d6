"""What the rater publishes of its tariff books: each plan version, and the book in force, for whoever shows prices.

The log has whole books; which of their plans became which version follows from all of them together. So the worker
says it: a reader of `catalog` needs neither the log nor the rater's own tables.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field

from rater.rating.book import Book, LatePolicy, Plan
from rater.rating.catalog import Tariffs
from rater.rating.classes import CallClass, Classes
from rater.rating.instant import instant, moment
from rater.wire.class_words import MAX_CLASSES
from rater.wire.fields import AccountId, BookVersion, CurrencyCode, Instant, Message, Share, VersionedPlanId, ZoneName
from rater.wire.meters import ClassName
from rater.wire.tariff_book import CLOSED, MAX_PLANS, PlanName, PlanWords, Span, span, to_span

TARIFFS_ID = "tariffs"
"""The key of the book in force; a plan version's is its id, which has an `@`."""


Versions = Annotated[tuple[Instant | None, ...], Field(max_length=10_000)]
"""From when each version of a plan is in effect. The row that they come from fits 512 KiB."""


class PlanVersion(Message):
    """A version of a plan, under the id that charges name. It never changes."""

    type: Literal["plan-version/1"]
    plan: VersionedPlanId
    terms: PlanWords

    @classmethod
    def of(cls, plan: Plan) -> Self:
        """The message of a published plan."""
        return cls(type="plan-version/1", plan=plan.id, terms=PlanWords.of(plan))

    def to_core(self) -> Plan:
        """The plan as the rules see it."""
        return self.terms.to_core(self.plan)


class NegotiatedPlan(Message):
    """A plan that is written in a subscription of one account, under the id that its charges name. It never changes."""

    type: Literal["negotiated-plan/1"]
    account: AccountId
    plan: VersionedPlanId
    terms: PlanWords

    @classmethod
    def of(cls, account: str, plan: Plan) -> Self:
        """The message of an account's plan."""
        return cls(type="negotiated-plan/1", account=account, plan=plan.id, terms=PlanWords.of(plan))

    @property
    def key(self) -> str:
        """Its key in the topic: two accounts may name their subscriptions alike."""
        return negotiated_key(self.account, self.plan)

    def to_core(self) -> Plan:
        """The plan as the rules see it."""
        return self.terms.to_core(self.plan)


def negotiated_key(account: str, plan_id: str) -> str:
    """The key of a negotiated plan; no account's id has a colon."""
    return f"{account}:{plan_id}"


class TariffsInForce(Message):
    """The newest tariff book without its plans: which of them can be subscribed to (`offered`), and from when each
    version of each plan is in effect (`versions`, the first one first; null is always); the `classes` of calls, each
    with the one that it lies within."""

    type: Literal["tariffs-in-force/1"]
    version: BookVersion
    currency: CurrencyCode
    precision: Annotated[int, Field(ge=0, le=9)]
    time_zone: ZoneName
    default_plan: PlanName | None
    close_after: Span
    late: LatePolicy
    remember: Span
    connect_rate_band: Annotated[tuple[Share, ...], Field(min_length=2, max_length=2)]
    offered: Annotated[tuple[PlanName, ...], Field(max_length=MAX_PLANS)]
    versions: Annotated[dict[PlanName, Versions], Field(max_length=100_000, json_schema_extra=CLOSED)]
    classes: Annotated[dict[ClassName, ClassName | None], Field(max_length=MAX_CLASSES, json_schema_extra=CLOSED)] = (
        Field(default_factory=dict)
    )

    @classmethod
    def of(cls, tariffs: Tariffs) -> Self:
        """The message of what was published so far."""
        book = tariffs.book
        classes = {one.name: one.within or None for one in book.classes.classes}
        return cls(
            **({"classes": classes} if classes else {}),
            type="tariffs-in-force/1",
            version=book.version,
            currency=book.currency,
            precision=book.precision,
            time_zone=book.time_zone,
            default_plan=book.default_plan,
            close_after=to_span(book.close_after),
            late=book.late,
            remember=to_span(book.remember),
            connect_rate_band=book.connect_rate_band,
            offered=tuple(sorted(tariffs.offered)),
            versions={
                name: tuple(None if at is None else moment(at) for at in versions)
                for name, versions in sorted(tariffs.effective.items())
            },
        )

    def to_core(self) -> Tariffs:
        """The tariffs as the rules see them, but for the contents of earlier books."""
        low, high = self.connect_rate_band
        book = Book(
            version=self.version,
            currency=self.currency,
            precision=self.precision,
            time_zone=self.time_zone,
            default_plan=self.default_plan,
            close_after=span(self.close_after),
            late=self.late,
            remember=span(self.remember),
            connect_rate_band=(Decimal(low), Decimal(high)),
            plans={},
            classes=Classes(tuple(CallClass(name, within=within or "") for name, within in self.classes.items())),
        )
        effective = {
            name: tuple(None if at is None else instant(at) for at in versions)
            for name, versions in self.versions.items()
        }
        return Tariffs(book, frozenset(self.offered), effective, {})
