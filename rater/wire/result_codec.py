"""The messages that are written for nearly every call, as structs: the same JSON as their models (`wire.results`).

Amounts and quantities are texts already (`rater.rating.money.plain`, `Unit.text`). Members that say nothing are UNSET
and left out. Where a part is the same for many messages it is kept as encoded JSON (`msgspec.Raw`).
"""

from __future__ import annotations

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType, field

encode = msgspec.json.Encoder().encode
"""A struct or a row as JSON in UTF-8."""


class CallMember(Struct, frozen=True, gc=False):
    """`RatedCall`; the seconds are whole."""

    source: str
    call_id: str
    started_at: str
    direction: str
    connected: bool
    talk_seconds: int
    billed_seconds: int
    call_class: str | UnsetType = field(default=UNSET, name="class")
    answered_by: str | UnsetType = UNSET
    not_connected: str | UnsetType = UNSET
    labels: dict[str, str] | UnsetType = UNSET


class LineMember(Struct, frozen=True, gc=False):
    """`ChargeLine`."""

    meter: str
    quantity: str | UnsetType = UNSET
    covered: str | UnsetType = UNSET
    billable: str | UnsetType = UNSET
    rate: str | UnsetType = UNSET
    amount: str | UnsetType = UNSET
    repriced_from: str | UnsetType = UNSET
    guaranteed: str | UnsetType = UNSET
    attempts: int | UnsetType = UNSET
    connected: int | UnsetType = UNSET
    plan: str | UnsetType = UNSET
    days: int | UnsetType = UNSET
    of: int | UnsetType = UNSET
    unit: str | UnsetType = UNSET
    call_class: str | UnsetType = field(default=UNSET, name="class")


class ChargeMessage(Struct, frozen=True, gc=False, kw_only=True, tag_field="type", tag="charge/1"):
    """`Charge`. `lines` are JSON, for they come again and again."""

    charge_id: str
    account: str
    period: str
    seq: int
    kind: str
    plan: str
    call: CallMember | UnsetType = UNSET
    adjustment_id: str | UnsetType = UNSET
    subscription_id: str | UnsetType = UNSET
    reason: str | UnsetType = UNSET
    book: int | UnsetType = UNSET
    lines: Raw
    amount: str
    currency: str
    period_total: str
    allowance_left: dict[str, str]
    late: bool


class CallCharge(Struct, frozen=True, gc=False, tag_field="type", tag="charge/1"):
    """A `ChargeMessage` of a call that just ended: all its members are there, so they can be given by position."""

    charge_id: str
    account: str
    period: str
    seq: int
    kind: str
    plan: str
    call: CallMember
    lines: Raw
    amount: str
    currency: str
    period_total: str
    allowance_left: dict[str, str]
    late: bool


class GuaranteeMember(Struct, frozen=True, gc=False):
    """`GuaranteeState`."""

    connect_rate: str
    from_attempts: int
    attempts: int
    connected: int
    credit: str


class SpendMessage(Struct, frozen=True, gc=False, kw_only=True, tag_field="type", tag="spend/1"):
    """`Spend`."""

    account: str
    period: str
    start: str
    end: str
    time_zone: str
    plan: str
    seq: int
    minutes: str
    connected_calls: int
    used: dict[str, str] | UnsetType = UNSET
    allowance_left: dict[str, str]
    total: str
    fees: str
    currency: str
    forecast: ForecastMember | None
    spend_cap: str | None
    guaranteed_connect_rate: str | None
    connect_rate: ConnectRateMember
    guarantee: GuaranteeMember | UnsetType = UNSET


class ForecastMember(Struct, frozen=True, gc=False):
    """`Forecast`."""

    total: str
    low: str
    high: str


class ConnectRateMember(Struct, frozen=True, gc=False):
    """`ConnectRate`."""

    attempts: int
    connected: int
    rate: str | None = None
    low: str | None = None
    high: str | None = None
