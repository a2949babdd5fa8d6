"""What common calls look at (`rater.processor.common_call`): what the rules say of an account's calls, derived once.

A context is derived from an account's rows and its plan, and holds while these stay what they are.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, NamedTuple

from msgspec import Raw

from rater.processor.decision import RecordScope
from rater.processor.outputs import lines_json
from rater.processor.rows import usage_key
from rater.rating.account import Account, in_effect
from rater.rating.alerts import ALLOWANCE_80, ALLOWANCE_100, CAP
from rater.rating.book import Meter, Plan
from rater.rating.calendar import period_at
from rater.rating.charging import plan_of_segment, segment_at
from rater.rating.instant import Instant
from rater.rating.line_cache import DISCOUNTS, ENDLESS, SCALE, linear, steady
from rater.rating.money import plain
from rater.rating.names import AccountKey, UsageKey
from rater.rating.units import Call, Counts, Unit
from rater.rating.usage import Segment, Usage, cost, explain
from rater.seam.model import Head

MOST_KEPT = 4_096
"""Kinds of calls, and charges of a plan's calls, that are kept."""
MOST_KEPT_INLINE = 64
"""Charges that are kept of a plan of one account: there may be as many such plans as accounts."""


class Priced(NamedTuple):
    """What a step costs: the amount, the same as text, and the lines as JSON."""

    amount: Decimal
    text: str
    lines: Raw


class Rounded(NamedTuple):
    """A step whose amount is rounded one way or another, by where the usage stands: R(after) - R(before) decides."""

    price: int
    """What it costs before rounding, times `SCALE`."""
    by_amount: dict[int, Priced]
    """By the amount in smallest units of the currency."""


class Context:
    """All that is derived from an account's rows for its calls of one segment."""

    __slots__ = (
        *("account", "alerts_at", "allowances", "begins", "cap", "closes_at", "counted", "ends", "fee_at"),
        *("index", "intercept", "left", "limits", "most_kept", "place", "plan", "priced", "row", "since", "slopes"),
    )

    account: Account
    row: Usage
    """As the calls so far leave it."""
    place: UsageKey
    """Its key."""
    index: int
    """Of the segment."""
    begins: Instant
    ends: Instant
    """Starts of calls that it serves: from `begins`, before `ends`."""
    fee_at: Instant
    """When the account's next fee falls due."""
    closes_at: Instant
    """When its oldest open period, or this one, ends: it may be closed from then on."""
    plan: Plan
    cap: Decimal | None
    """A total that may bring the alert of a spend cap."""
    alerts_at: tuple[int, ...]
    """By meter: the count from which on an alert of it may be due."""
    limits: tuple[tuple[int, int], ...]
    """By meter: its slot, and up to which count lines stay alike and no alert is due."""
    priced: dict[Counts, Priced | Rounded]
    """What steps of so many units cost in the stretch of prices where the usage stands."""
    slopes: tuple[tuple[int, int], ...]
    """By meter that costs there: its slot, and what a base unit costs, times `SCALE`."""
    intercept: int
    """The price less what the counts cost by these slopes, times `SCALE`."""
    counted: dict[tuple[str, bool, int], Counts]
    """What the plan counts of a kind of call; one for all plans that count alike."""
    most_kept: int
    """Charges that `priced` may keep."""
    allowances: tuple[tuple[Unit, int], ...]
    """The units of which some are included, in base units."""
    left: dict[str, str] | None
    """What is left of allowances, where calls cannot change it any more."""
    since: object
    """The span of time in which it was found to be right."""


class Contexts:
    """The contexts of a partition's accounts.

    Those of one `span` hold as they are: since it began, only common calls have changed their accounts' rows. A span
    ends with whatever may concern all accounts, and with rows that are not those that the step left.
    """

    __slots__ = ("by_account", "left_at", "same", "span")

    def __init__(self) -> None:
        self.by_account: dict[bytes, Context] = {}
        self.span = object()
        self.left_at: Head | None = None
        """The head that the last batch returned."""
        self.same: dict[Any, Any] = {}
        """What equals for accounts, as one object for all of them, which stays in the processor's cache."""


def derived(
    scope: RecordScope, key: AccountKey, account: Account, started: Instant, precision: int, same: dict[Any, Any]
) -> Context | None:
    """The context for a call that starts then; None where the general rules decide."""
    period = period_at(account.calendar, started)
    place = usage_key(key, period.name)
    row: Usage | None = scope.usages(place)
    if row is None:
        return None
    index = segment_at(row, started)
    if index is None:
        return None
    segment = row.segments[index]
    plan = plan_of_segment(account, segment, scope.plan)
    context = Context()
    context.account, context.row, context.place, context.index, context.plan = account, row, place, index, plan
    closes_at = min(row.end, account.periods[0].end if account.periods else row.end)
    times = (*_bounds(account, row, index), ENDLESS if account.next_fee is None else account.next_fee, closes_at)
    context.begins, context.ends, context.fee_at, context.closes_at = same.setdefault(times, times)
    if not context.begins <= started < context.ends:
        return None
    context.cap = _lowest_cap(account, row)
    alerts_at = tuple(_alert_at(meter, row.alerts) for meter in plan.meters)
    context.alerts_at = same.setdefault(alerts_at, alerts_at)
    if any(segment.counts[meter.unit.slot] >= at for meter, at in zip(plan.meters, context.alerts_at, strict=True)):
        return None
    context.allowances = plan.memo.get("allowances") or plan.memo.setdefault("allowances", _allowances(plan))
    meters = ((meter.unit, meter.directions, meter.increment) for meter in plan.meters)
    counting = ("counted", plan.guarantee is not None, *meters)
    context.counted = same.setdefault(counting, {})
    context.most_kept = MOST_KEPT_INLINE if segment.inline else MOST_KEPT
    stand(context, segment.counts, precision, same)
    return context


def _bounds(account: Account, row: Usage, index: int) -> tuple[Instant, Instant]:
    """The starts of calls that fall into a segment of a period, before a fee is due and after what is forgotten."""
    segment = row.segments[index]
    ends = row.segments[index + 1].start if index + 1 < len(row.segments) else row.end
    if segment.until:
        ends = min(ends, segment.until)
    if account.next_fee is not None:
        ends = min(ends, account.next_fee)
    return max(row.start, segment.start, account.known_from), ends


def _lowest_cap(account: Account, row: Usage) -> Decimal | None:
    """The lowest spend cap at any instant of the period; None without one, or when its alert was raised."""
    if not account.watched or CAP in row.alerts:
        return None
    changes = [said.start for said in account.history if row.start < said.start < row.end]
    caps = (in_effect(account.history, "spend_cap", at) for at in (row.start, *changes))
    return min((cap for cap in caps if cap is not None), default=None)


def _alert_at(meter: Meter, alerts: tuple[str, ...]) -> int:
    """The count from which on an alert of this meter may be due."""
    if not meter.allowance or f"{ALLOWANCE_100}:{meter.unit.name}" in alerts:
        return ENDLESS
    whole = meter.allowance * meter.unit.per
    return whole if f"{ALLOWANCE_80}:{meter.unit.name}" in alerts else -(-whole * 4 // 5)


def _allowances(plan: Plan) -> tuple[tuple[Unit, int], ...]:
    """The meters' units, each with its allowance in base units; those without one are left out."""
    whole = ((m.unit, ENDLESS if m.allowance is None else m.allowance * m.unit.per) for m in plan.meters)
    return tuple((unit, included) for unit, included in whole if included)


def stand(context: Context, counts: Counts, precision: int, same: dict[Any, Any]) -> None:
    """Note up to where lines stay alike from these counts on."""
    plan = context.plan
    stretches: list[int] = [precision]
    limits: list[tuple[int, int]] = []
    slopes: list[tuple[int, int]] = []
    intercept = 0
    paid = DISCOUNTS - int(plan.discount * DISCOUNTS)
    for meter, alert_at in zip(plan.meters, context.alerts_at, strict=True):
        slot = meter.unit.slot
        lies, until = steady(meter, counts[slot])
        stretches.append(lies)
        limits.append((slot, min(until, alert_at - 1)))
        slope, constant = linear(meter, counts[slot], lies)
        slopes.append((slot, slope * paid // DISCOUNTS))  # exactly, as `SCALE` has them
        intercept += constant * paid // DISCOUNTS
    context.limits = same.setdefault(tuple(limits), tuple(limits))
    context.priced = plan.memo.setdefault(("priced", *stretches), {})
    context.slopes = tuple((slot, slope) for slot, slope in slopes if slope)
    context.intercept = intercept
    changes = any(counts[unit.slot] < whole < ENDLESS for unit, whole in context.allowances)
    context.left = None if changes else left_of(context, counts)


def counted(context: Context, call: Call) -> Counts:
    """What the plan counts of a kind of call, kept for all plans that count alike."""
    if len(context.counted) >= MOST_KEPT:
        context.counted.clear()
    counts = context.counted[call] = context.plan.count(call)
    return counts


def left_of(context: Context, counts: Counts) -> dict[str, str]:
    """What is left of the allowances, as `rater.processor.outputs.allowance_left` says it."""
    left = {}
    for unit, whole in context.allowances:
        rest = whole - counts[unit.slot]
        left[unit.name] = "unlimited" if whole == ENDLESS else unit.text(rest) if rest > 0 else "0"
    return left


def price_of_step(plan: Plan, segment: Segment, after: Counts, precision: int) -> Priced:
    """What a step costs, by the rules."""
    cost_after = cost(plan, after, precision)
    lines = explain(plan, segment, segment._replace(counts=after, cost=cost_after), precision)
    amount = cost_after - segment.cost
    return Priced(amount, plain(amount), Raw(lines_json(lines)))


def keep(context: Context, more: Counts, priced: Priced, precision: int) -> None:
    """Keep what a step costs in this stretch of prices.

    Only where its unrounded price is a whole number of smallest units is its amount the same wherever it is made.
    """
    kept = context.priced
    if len(kept) >= context.most_kept:
        kept.clear()
    price = sum(slope * more[slot] for slot, slope in context.slopes)
    if price * 10**precision % SCALE == 0:
        kept[more] = priced
        return
    rounded = kept.setdefault(more, Rounded(price, {}))
    if isinstance(rounded, Rounded):
        rounded.by_amount[int(priced.amount.scaleb(precision))] = priced
