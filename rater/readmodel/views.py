"""What the read model answers, as the REST API and `--json` tell it. Amounts and shares are decimals as strings."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict


class View(BaseModel):
    """An answer; it does not change."""

    model_config = ConfigDict(frozen=True)


class ConnectRate(View):
    """Connected of the outbound attempts, with its Wilson 95 % interval, beside the tariff book's band."""

    attempts: int
    connected: int
    rate: str | None
    low: str | None
    high: str | None
    band: tuple[str, str]
    verdict: Literal["no-attempts", "too-few", "below", "within", "borderline", "above"]
    guaranteed: str | None


class Forecast(View):
    """What the period will have cost at its end; `low` to `high` in 95 of 100 cases."""

    total: str
    low: str
    high: str


class GuaranteeState(View):
    """How a plan's guarantee stands: from `from_attempts` on it is judged; `credit` is what closing would give back."""

    connect_rate: str
    from_attempts: int
    attempts: int
    connected: int
    credit: str


class PeriodView(View):
    """An account's period as it stands."""

    account: str
    period: str
    start: str | None
    """RFC 3339; null until the period is in `spend`."""
    end: str | None
    time_zone: str | None
    currency: str
    total: str
    fees: str
    """Fees, and what the period was short of a minimum; part of the total."""
    manual: str
    """Manual adjustments, and the credits of guarantees; part of the total."""
    charges: int
    plan: str | None
    closed: bool
    connected_calls: int
    talk_seconds: int
    allowance_left: dict[str, str]
    forecast: Forecast | None
    spend_cap: str | None
    connect_rate: ConnectRate
    guarantee: GuaranteeState | None
    """Null where no plan of the period has one, and before its first attempt."""


class AccountView(View):
    """An account in a list: its newest period, shortly."""

    account: str
    period: str
    total: str
    currency: str
    plan: str | None
    closed: bool
    allowance_left: dict[str, str]


class DayView(View):
    """A local day of an account's period: what the calls that started in it cost."""

    day: str
    amount: str
    calls: int
    other: str
    """Of the amount, what is no call: fees, credits and debits, on the first day of the period."""


class RejectedView(View):
    """A record that did nothing. Long numbers in what was received are masked: they may be those of phones."""

    place: str
    """Where it stands as it was rejected last: calls/3/10482, or switch-pbx-1/0/7."""
    first: str
    """Where it stood when it was rejected first: the same record, however often it was sent again."""
    at: str
    """Of the latest rejection."""
    times: int
    state: Literal["left", "redriven", "dropped"]
    reason: str
    detail: str
    account: str | None
    source: str | None
    meaning: str
    """What the reason says, in English."""
    what_to_do: str
    received: str
    """The start of its value as text; what is no text shows as dots."""
    resolved_at: str | None
    resolved_by: str | None
    resolved_why: str | None
    sent_to: str | None
    """Where it was sent again to, if it was."""


class OfferView(View):
    """A plan over the account's past months."""

    plan: str
    kind: Literal["package", "hybrid", "usage"]
    total: str
    worst: str
    costs: tuple[str, ...]


class ProtectionView(View):
    """What speaks for a package and what for a hybrid, where the volume swings."""

    package: str
    package_worst: str
    hybrid: str
    hybrid_worst: str
    caps: str
    """By how much the hybrid's dearest month is dearer than the package's."""
    saves: str
    """By how much the package is dearer than the hybrid in the month `saves_in`."""
    saves_in: str


class MonthView(View):
    """A past month as advice sees it."""

    period: str
    paid: str
    connected_calls: int
    talk_seconds: int


class AdviceView(View):
    """Which plan fits: every plan's cost in each past month from the account's real calls, the cheapest first."""

    account: str
    currency: str
    months: tuple[MonthView, ...]
    offers: tuple[OfferView, ...]
    best: str | None
    """The cheapest plan; null where no month is over yet."""
    current: str | None
    paid: str
    too_much: str
    """What was paid more than the best plan would have cost."""
    swings: bool
    protection: ProtectionView | None
    running: RunningView | None = None
    """Of the month that runs: only where another plan would be cheaper, if the rest of it is like so far."""


class RunningView(View):
    """What the month that runs costs at its end, as its days so far: under the plan now, and under the best one."""

    period: str
    best: str
    cost: str
    now: str
    saves: str


class FiguresView(View):
    """A month that is only thought of; `minutes` are billed ones."""

    minutes: int
    calls: int
    attempts: int


class WhatIfView(View):
    """What such months would cost under each plan, the cheapest first."""

    currency: str
    months: tuple[FiguresView, ...]
    offers: tuple[OfferView, ...]


class PeriodTotal(View):
    """What all accounts' periods of a name come to."""

    period: str
    total: str
    accounts: int


class RejectedStates(View):
    """Rejected records by what was done about them; together they are all."""

    left: int
    redriven: int
    dropped: int


class ReasonCount(View):
    """How many records were rejected for a reason."""

    reason: str
    times: int


class Overview(View):
    """Everything at once, for people who watch."""

    currency: str | None
    charged_today: str
    charges_today: int
    periods: tuple[PeriodTotal, ...]
    """The newest first."""
    accounts: int
    charges: int
    alerts: int
    rejected: tuple[ReasonCount, ...]
    """The most frequent first."""
    rejected_states: RejectedStates
    residue: str
    """What charges sum to, less what their periods' totals say: 0.00, or something is broken."""


class StatementLine(View):
    """What a period's units of a meter cost in the end, at one rate; `billable` at `rate`, beside what was covered."""

    plan: str
    meter: str
    covered: str
    billable: str
    rate: str | None
    amount: str
    note: str = ""
    """Of a manual adjustment, its reason."""
    days: int | None = None
    """Of a fee or an item for a part of the period: so many days,"""
    of: int | None = None
    """of so many in the month; the amount is `billable` x `rate` x `days` / `of`, rounded."""
    part: str = ""
    """Of a meter with prices by class: the class, or `rest`."""


def dumped(view: Any) -> Any:
    """A view as orjson takes it (its `default`)."""
    return view.model_dump(mode="json")


class StatementView(View):
    """An account's period as an invoice says it; the lines sum to the period's total."""

    period: PeriodView
    lines: tuple[StatementLine, ...]
    charges: tuple[dict[str, Any], ...]
    """Every charge, by its number."""


class ExplainedLine(View):
    """A line of a charge in a sentence, and its amount."""

    words: str
    amount: str


class ExplanationView(View):
    """Why a charge is what it is, in words; the lines sum to the amount."""

    charge_id: str
    kind: str
    plan: str | None
    lines: tuple[ExplainedLine, ...]
    amount: str
    currency: str
    period_total: str
    """Of the period, after this charge."""
