"""What the rater publishes (contracts.md): charges, closed periods, spend, alerts, rejections.

All but `spend` and `progress` depend on the log alone, so nothing here tells of a host, a batch or the time of
processing.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from rater.rating import limits
from rater.rating.units import AnsweredBy, NotConnected
from rater.wire.catalog import NegotiatedPlan, PlanVersion, TariffsInForce
from rater.wire.charge_line import ChargeLine
from rater.wire.fields import (
    AccountId,
    BookVersion,
    CallId,
    Count,
    CurrencyCode,
    Direction,
    Figure,
    Id,
    Instant,
    KeptNote,
    Labels,
    Message,
    PeriodName,
    Price,
    Share,
    Source,
    StrictModel,
    VersionedPlanId,
    ZoneName,
)
from rater.wire.meters import METERS, MOST_METERS, AllowanceMeter, ClassName, UnitName
from rater.wire.progress import Progress
from rater.wire.reasons import Reason
from rater.wire.resolution import RejectionResolved
from rater.wire.tariff_book import CLOSED
from rater.wire.undelivered import UndeliveredMessage

ChargeKind = Literal["usage", "fee", "adjustment", "reversal", "minimum", "credit"]
AllowanceLeft = Annotated[
    dict[AllowanceMeter, Literal["unlimited"] | Figure],
    Field(max_length=MOST_METERS + len(METERS), json_schema_extra=CLOSED),
]
"""What is left of the allowances after a charge, in units of each meter; a meter without an allowance is left out."""


Used = Annotated[dict[UnitName, Figure], Field(max_length=len(METERS))]
"""What was used in units that have no member of their own; left out where there is nothing."""


class RatedCall(StrictModel):
    """The call that a charge is for. `talk_seconds` is talk time; `billed_seconds` is it after the plan's increment;
    `class` is its class in the tariff book, left out for a call of none; `answered_by` is left out where it is unknown.
    `connected` is meant as the plan means it; `not_connected` says why a call that was answered is not.

    `labels` are those of `call-ended`; a reversal does not repeat them."""

    source: Source
    call_id: CallId
    started_at: Instant
    direction: Direction | None = None
    connected: bool
    talk_seconds: Count
    billed_seconds: Count
    call_class: ClassName | None = Field(default=None, alias="class")
    answered_by: AnsweredBy | None = None
    not_connected: NotConnected | None = None
    labels: Labels | None = None


class Charge(Message):
    """An amount, signed, that an account owes for a period. `seq` counts 1, 2, 3 without a gap within the period, and
    `period_total` is the sum of all its charges up to this one.

    `call` is there for `usage` and `reversal`; `adjustment_id` and `reason` for a manual `adjustment`,
    `subscription_id` for one that a late subscription made; `reason` also for a `reversal`; `book` for an `adjustment`
    or `fee` that a tariff book which reaches back made.
    """

    type: Literal["charge/1"]
    charge_id: Annotated[str, Field(max_length=limits.CHARGE_ID)]
    account: AccountId
    period: PeriodName
    seq: Annotated[int, Field(ge=1, le=2**53 - 1)]
    kind: ChargeKind
    plan: VersionedPlanId | None = None
    call: RatedCall | None = None
    adjustment_id: Id | None = None
    subscription_id: Id | None = None
    reason: KeptNote | None = None
    book: BookVersion | None = None
    lines: Annotated[tuple[ChargeLine, ...], Field(max_length=limits.READ_LINES)]
    amount: Figure
    currency: CurrencyCode
    period_total: Figure
    allowance_left: AllowanceLeft
    late: bool

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if self.charge_id != f"{self.account}:{self.period}:{self.seq}":
            raise PydanticCustomError("charge-id", "charge_id must be account:period:seq")
        if sum((line.amount for line in self.lines), Decimal(0)) != self.amount:
            raise PydanticCustomError("lines", "the lines must sum to the amount")
        if (self.call is not None) != (self.kind in {"usage", "reversal"}):
            raise PydanticCustomError("call", "a usage or reversal charge has a call, and no other")
        return self


class ClosedSegment(StrictModel):
    """A segment of a closed period: what was used under one plan from `start` on, its price and its fee; `items` and
    `setup`, what it owed of these; `minimum`, how short these were; `credit` (negative), of its guarantee."""

    plan: VersionedPlanId
    start: Instant
    minutes: Figure
    connected_calls: Count
    used: Used | None = None
    price: Figure
    fee: Figure
    items: Figure | None = None
    setup: Figure | None = None
    minimum: Figure | None = None
    credit: Figure | None = None


class PeriodClosed(Message):
    """A period is final: its total is the sum of its charges, of which `last_seq` was the last.

    `total` = prices, fees, items, set-ups, minimums and credits of the segments + `adjustments` (manual ones).
    `attempts` and `connected` count outbound calls.
    """

    type: Literal["period-closed/1"]
    account: AccountId
    period: PeriodName
    start: Instant
    end: Instant
    segments: Annotated[tuple[ClosedSegment, ...], Field(max_length=limits.READ_LINES)]
    adjustments: Figure
    attempts: Count
    connected: Count
    total: Figure
    currency: CurrencyCode
    last_seq: Annotated[int, Field(ge=1, le=2**53 - 1)]

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        parts = ((one.price, one.fee, one.items, one.setup, one.minimum, one.credit) for one in self.segments)
        if sum((part for some in parts for part in some if part is not None), self.adjustments) != self.total:
            raise PydanticCustomError("total", "prices, fees, minimums, credits, adjustments must sum to the total")
        return self


class ConnectRate(StrictModel):
    """Connected of the outbound attempts; the rate and its Wilson 95 % interval are null without attempts."""

    attempts: Count
    connected: Count
    rate: Share | None
    low: Share | None
    high: Share | None


class Forecast(StrictModel):
    """What the period will have cost at its end if the coming days are like those so far; `low` to `high` is where it
    will lie in 95 of 100 cases (`rater.rating.forecast` says how)."""

    total: Figure
    low: Figure
    high: Figure


class GuaranteeState(StrictModel):
    """A plan's guarantee as it stands: `connect_rate` is judged from `from_attempts` outbound attempts on; `attempts`
    and `connected` are those of the period's last segment with a guarantee; `credit` (negative, or 0) is what closing
    would give back of all segments."""

    connect_rate: Share
    from_attempts: Count
    attempts: Count
    connected: Count
    credit: Figure


class Spend(Message):
    """The latest state of an account's period, for dashboards; a later one with the same key replaces it.

    `plan` is that of the segment rated last in time; `minutes` and `connected_calls` are what its meters counted, with
    those of the period's other segments. `time_zone` is the account's in this period. `forecast` is null before two
    whole days. `spend_cap` and `guaranteed_connect_rate` are those that hold at the period's end, by all that is
    known. `guarantee` is left out where no plan of the period has one, and before its first attempt.
    """

    type: Literal["spend/1"]
    account: AccountId
    period: PeriodName
    start: Instant
    end: Instant
    time_zone: ZoneName | None = None
    plan: VersionedPlanId | None
    seq: Annotated[int, Field(ge=1, le=2**53 - 1)]
    minutes: Figure
    connected_calls: Count
    used: Used | None = None
    allowance_left: AllowanceLeft
    total: Figure
    fees: Figure
    currency: CurrencyCode
    forecast: Forecast | None
    spend_cap: Price | None
    guaranteed_connect_rate: Share | None
    connect_rate: ConnectRate
    guarantee: GuaranteeState | None = None


AlertKind = Literal[
    "allowance-80", "allowance-100", "spend-cap-reached", "forecast-beyond-cap", "connect-rate-below-guarantee"
]


class Alert(Message):
    """Something that a person should know, once per account and period (an allowance's: once per meter too).

    `value` has reached or passed `limit`: units of the allowance, amounts of money, or shares. `low` and `high` are the
    interval of a connect rate. `at` is the instant of the event that showed it.
    """

    type: Literal["alert/1"]
    alert_id: Annotated[str, Field(max_length=limits.ALERT_ID)]
    account: AccountId
    period: PeriodName
    kind: AlertKind
    meter: AllowanceMeter | None = None
    at: Instant
    value: Figure
    limit: Figure
    low: Share | None = None
    high: Share | None = None
    currency: CurrencyCode | None = None

    @model_validator(mode="after")
    def _named_by_what_it_is(self) -> Self:
        parts = (self.account, self.period, self.kind, *(() if self.meter is None else (self.meter,)))
        if self.alert_id != ":".join(parts):
            raise PydanticCustomError("alert-id", "alert_id must be account:period:kind, and :meter for an allowance")
        return self


Base64 = Annotated[
    str,
    Field(
        pattern=r"^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
        max_length=349_528,
        json_schema_extra={"contentEncoding": "base64"},
    ),
]
"""Bytes, of which 256 KiB fit."""


class Excerpt(StrictModel):
    """Bytes that are too many: their number, their SHA-256 in hex, and the first 1,024 of them."""

    length: Count
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", max_length=64)]
    start: Base64


class Rejected(Message):
    """A record of the log that did nothing, with its bytes as received; its place is in the header `rater-from`."""

    type: Literal["rejected/1"]
    reason: Reason
    detail: Annotated[str, Field(max_length=limits.DETAIL)]
    key: Base64 | Excerpt | None
    value: Base64 | Excerpt | None


RESULTS: dict[str, type[Message]] = {
    "charge/1": Charge,
    "period-closed/1": PeriodClosed,
    "spend/1": Spend,
    "alert/1": Alert,
    "rejected/1": Rejected,
    "tariffs-in-force/1": TariffsInForce,
    "plan-version/1": PlanVersion,
    "negotiated-plan/1": NegotiatedPlan,
    "progress/1": Progress,
    "rejection-resolved/1": RejectionResolved,
    "undelivered/1": UndeliveredMessage,
}
"""A result's `type` -> its model."""
