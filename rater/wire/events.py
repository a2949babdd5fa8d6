"""The events of the log (contracts.md): everything that may change a charge."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Discriminator, Field, Tag, model_validator
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError

from rater.rating.account import ItemSaid
from rater.rating.limits import BOOK_BYTES, TICK_CHANGES
from rater.rating.units import AnsweredBy
from rater.wire.fields import (
    AccountId,
    CallId,
    Direction,
    Disposition,
    Id,
    Instant,
    Labels,
    Message,
    Money,
    Note,
    Number,
    Price,
    Share,
    Source,
    ZoneName,
)
from rater.wire.tariff_book import CLOSED, MAX_ITEMS, ItemName, ItemWords, PlanWords, Quantity, TariffBook

LONGEST_CALL = timedelta(hours=24)
NO_TIME = timedelta(0)
CDR = "cdr"
"""The type, in headers, of a record as a switch wrote it."""
MAX_BOOK_BYTES = BOOK_BYTES
"""Of a record with a tariff book; a larger one is rejected `record-too-large`."""


ANSWERED_HAS_TIME: JsonDict = {
    "if": {"properties": {"disposition": {"const": "answered"}}},
    "then": {"required": ["answered_at"], "properties": {"answered_at": {"type": "string"}}},
    "else": {"properties": {"answered_at": {"type": "null"}}},
}
"""What `CallEnded` checks of `answered_at`, for the JSON Schema."""


class CallEnded(Message):
    """A call has ended. It has an `answered_at` if, and only if, its `disposition` is answered; then it may say by whom
    it was `answered_by` (unknown, if left out). `labels` are what the switch says of it beside: route, queue, agent."""

    model_config = ConfigDict(json_schema_extra={"allOf": [ANSWERED_HAS_TIME]})

    type: Literal["call-ended/1"]
    account: AccountId
    source: Source
    call_id: CallId
    caller: Number
    callee: Number
    direction: Direction
    started_at: Instant
    answered_at: Instant | None = None
    ended_at: Instant
    disposition: Disposition
    answered_by: AnsweredBy | None = None
    labels: Labels | None = None

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        # Two differences decide all: arithmetic on aware datetimes is most of what this check costs.
        whole, answered = self.ended_at - self.started_at, self.answered_at
        if answered is None:
            if self.disposition == "answered":
                raise PydanticCustomError("answered-without-time", "an answered call needs answered_at")
        elif self.disposition != "answered":
            raise PydanticCustomError(
                "time-without-answer", "answered_at is given, but the disposition is not answered"
            )
        if self.answered_by is not None and answered is None:
            raise PydanticCustomError("answered-by", "answered_by is given, but the call was not answered")
        talk = NO_TIME if answered is None else self.ended_at - answered
        if not NO_TIME <= talk <= whole:
            raise PydanticCustomError(
                "times-out-of-order", "started_at, answered_at and ended_at must follow each other"
            )
        if whole > LONGEST_CALL:
            raise PydanticCustomError("too-long-call", "more than 24 hours lie between started_at and ended_at")
        return self


class CallVoided(Message):
    """A rated call is taken back."""

    type: Literal["call-voided/1"]
    account: AccountId
    source: Source
    call_id: CallId
    reason: Note


def _plan_tag(plan: Any) -> str:
    return "inline" if isinstance(plan, dict | PlanWords) else "id"


PlanChoice = Annotated[Annotated[Id, Tag("id")] | Annotated[PlanWords, Tag("inline")], Discriminator(_plan_tag)]
"""A plan's id in the tariff book, or a plan negotiated for one account."""


def _item_tag(item: Any) -> str:
    return "quantity" if isinstance(item, int) else "none" if item is None else "item"


ItemChoice = Annotated[
    Annotated[Quantity, Tag("quantity")] | Annotated[ItemWords, Tag("item")] | Annotated[None, Tag("none")],
    Discriminator(_item_tag),
]
"""Another quantity of an item of the plan, an item of the account's own, or the end of one."""


class AccountSubscribed(Message):
    """From an instant on, the account is under a plan; `plan` null ends it.

    Of the other fields one left out keeps its value and null clears it (`says` tells them apart). In `items` a number
    is another quantity of an item of the plan, an object an item of the account's own; null ends either, and an item
    that is left out stays as it is.
    """

    type: Literal["account-subscribed/1"]
    account: AccountId
    subscription_id: Id
    plan: PlanChoice | None
    start: Instant = Field(alias="from")
    time_zone: ZoneName | None = None
    billing_day: Annotated[int, Field(ge=1, le=28)] | None = None
    spend_cap: Price | None = None
    guaranteed_connect_rate: Share | None = None
    items: Annotated[dict[ItemName, ItemChoice], Field(max_length=MAX_ITEMS, json_schema_extra=CLOSED)] = Field(
        default_factory=dict
    )

    def item_words(self) -> dict[str, ItemSaid]:
        """What it says of items, as the rules see it."""
        return {name: one.to_core() if isinstance(one, ItemWords) else one for name, one in self.items.items()}

    def says(self, name: str) -> bool:
        """Whether the field was given (also as null)."""
        return name in self.model_fields_set

    @model_validator(mode="after")
    def _inline_is_undated(self) -> Self:
        if isinstance(self.plan, PlanWords) and self.plan.effective is not None:
            raise PydanticCustomError(
                "dated-inline", "an inline plan holds from the subscription's from; leave out effective"
            )
        return self


class AccountAdjusted(Message):
    """A manual credit (negative) or debit, posted in the account's oldest open period."""

    type: Literal["account-adjusted/1"]
    account: AccountId
    adjustment_id: Id
    amount: Money
    reason: Note


class TariffsPublished(Message):
    """A tariff book holds from here on; one in every partition, key null."""

    type: Literal["tariffs-published/1"]
    book: TariffBook


class ClockTicked(Message):
    """Time has come to `at`; key null. `operator` marks one that a person sent (`rater tick --at`).

    `changes` is how many row changes the work that has fallen due may make before it is left to the next tick.
    """

    type: Literal["clock-ticked/1"]
    at: Instant
    operator: bool = False
    changes: Annotated[int, Field(ge=1, le=TICK_CHANGES)] = TICK_CHANGES


LogEvent = CallEnded | CallVoided | AccountSubscribed | AccountAdjusted | TariffsPublished | ClockTicked
LOG_EVENTS: dict[str, type[LogEvent]] = {
    "call-ended/1": CallEnded,
    "call-voided/1": CallVoided,
    "account-subscribed/1": AccountSubscribed,
    "account-adjusted/1": AccountAdjusted,
    "tariffs-published/1": TariffsPublished,
    "clock-ticked/1": ClockTicked,
}
"""A log event's `type` -> its model."""
