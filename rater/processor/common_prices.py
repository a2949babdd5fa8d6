"""What steps of common calls cost (`rater.processor.common_call`), kept by stretch of prices."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from msgspec import Raw

from rater.processor.outputs import lines_json
from rater.rating.book import Plan
from rater.rating.line_cache import DISCOUNTS, ENDLESS, SCALE, linear, pooled_stands, steady
from rater.rating.money import plain
from rater.rating.units import Call, Counts
from rater.rating.usage import Segment, cost, explain

if TYPE_CHECKING:
    from rater.processor.common_context import Context

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


def stand(context: Context, counts: Counts, precision: int, same: dict[Any, Any]) -> None:
    """Note up to where lines stay alike from these counts on."""
    plan = context.plan
    stretches: list[int] = [precision]
    limits: list[tuple[int, int]] = []
    slopes: list[tuple[int, int]] = []
    intercept = 0
    paid = DISCOUNTS - int(plan.discount * DISCOUNTS)
    pooled = pooled_stands(plan, counts) if plan.pools else None
    for number, (meter, alert_at) in enumerate(zip(plan.meters, context.alerts_at, strict=True)):
        slot = meter.slot
        if pooled is None:
            lies, until = steady(meter, counts[slot])
            slope, constant = linear(meter, counts[slot], lies)
        else:
            (lies, until), (slope, constant) = pooled[number]
        stretches.append(lies)
        limits.append((slot, min(until, alert_at - 1)))
        slopes.append((slot, slope * paid // DISCOUNTS))  # exactly, as `SCALE` has them
        intercept += constant * paid // DISCOUNTS
    context.limits = same.setdefault(tuple(limits), tuple(limits))
    context.priced = plan.memo.setdefault(("priced", *stretches), {})
    context.slopes = tuple((slot, slope) for slot, slope in slopes if slope)
    context.intercept = intercept
    changes = any(counts[meter.slot] < whole < ENDLESS for meter, whole in context.allowances)
    context.left = None if changes else left_of(context, counts)


CallKind: TypeAlias = tuple[str, bool, int] | tuple[str, bool, int, str]
"""What decides how a call is counted: direction, whether it is connected, talk time; and its class, if it has one."""


def counted(context: Context, kind: CallKind, call: Call) -> Counts:
    """What the plan counts of a kind of call, kept for all plans that count alike."""
    if len(context.counted) >= MOST_KEPT:
        context.counted.clear()
    counts = context.counted[kind] = context.plan.count(call)
    return counts


def left_of(context: Context, counts: Counts) -> dict[str, str]:
    """What is left of the allowances, as `rater.processor.outputs.allowance_left` says it."""
    left = {}
    for meter, whole in context.allowances:
        rest = whole - counts[meter.slot]
        left[meter.name] = "unlimited" if whole == ENDLESS else meter.unit.text(rest) if rest > 0 else "0"
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
