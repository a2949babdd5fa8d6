"""Which plan fits an account: what every plan would have cost in each of its past months (rating.md, "Judging plans and
connect rates").

Each month is rated whole, from its real calls, with the rules of `rater.rating.usage`: the plan's fee, its allowances
and its prices, as if the account had been under it from the month's start to its end. The cheapest over all the months
is the best. Where the volume swings, the months are no guide to the next one: then the advice also tells the best
package from the best hybrid, what the package would have spared in the dearest month, and what the hybrid would have
spared in the quietest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal, localcontext
from typing import NamedTuple

from rater.rating.book import Plan
from rater.rating.money import CONTEXT, ZERO, rounded
from rater.rating.names import PeriodName
from rater.rating.sharing import shared_out
from rater.rating.units import ATTEMPTS, CONNECTED_CALLS, MINUTES, NO_COUNTS, Call, Counts
from rater.rating.usage import cost, plus, short_of_minimum, times_of

SWINGS = 2
"""The volume swings if the fullest month has so many times the talk time or the connected calls of the quietest."""

FEWEST = 3
"""Months from which on it can be said whether the volume swings."""


class Month(NamedTuple):
    """A past month of the account."""

    period: PeriodName
    calls: Mapping[Call, int]
    """How many there were of each kind of call, without those that were voided."""
    paid: Decimal
    """What was charged for usage and fees; no manual adjustments."""

    @property
    def talk(self) -> int:
        """Seconds of talk time of the connected calls."""
        return sum(call.talk * times for call, times in self.calls.items() if call.connected)

    @property
    def connected(self) -> int:
        """Connected calls."""
        return sum(times for call, times in self.calls.items() if call.connected)


class Offer(NamedTuple):
    """A plan of the book over the account's months."""

    plan: str
    costs: tuple[Decimal, ...]
    """Of each month, in the order of the months."""

    @property
    def total(self) -> Decimal:
        """Of all the months."""
        return sum(self.costs, ZERO)

    @property
    def worst(self) -> Decimal:
        """Of the dearest month."""
        return max(self.costs)


class Protection(NamedTuple):
    """What speaks for a package and what for a hybrid, where the volume swings."""

    package: Offer
    hybrid: Offer
    caps: Decimal
    """By how much the hybrid's dearest month is dearer than the package's; negative where it is cheaper."""
    saves: Decimal
    """By how much the package is dearer in its month of the greatest difference; negative where it never is."""
    saves_in: str
    """That month."""


class Advice(NamedTuple):
    """The answer."""

    months: tuple[Month, ...]
    offers: tuple[Offer, ...]
    """Of every plan, the cheapest first; of equal ones that with the cheaper dearest month."""
    current: str | None
    """The account's plan by its name in the book; None where it is none of the book's."""
    too_much: Decimal
    """What the account paid more in these months than under the best plan; negative where it paid less."""
    swings: bool
    protection: Protection | None
    """Only where the volume swings, and the book has a package and a hybrid."""

    @property
    def best(self) -> Offer:
        """The cheapest."""
        return self.offers[0]

    @property
    def paid(self) -> Decimal:
        """What was charged in all the months."""
        return sum((month.paid for month in self.months), ZERO)


def with_own_quantities(plan: Plan, quantities: Mapping[str, int]) -> Plan:
    """The plan with the quantities of its items that an account has of items of these names."""
    if not any(name in quantities for name, _ in plan.items):
        return plan
    items = ((name, item._replace(quantity=quantities.get(name, item.quantity))) for name, item in plan.items)
    return replace(plan, items=tuple(items))


def advise(months: Sequence[Month], plans: Mapping[str, Plan], current: str | None, *, precision: int) -> Advice | None:
    """The advice from these months, each of which is over; None without any, or without a plan."""
    if not months or not plans:
        return None
    offers = sorted(
        (
            Offer(name, tuple(month_cost(plan, month.calls, precision) for month in months))
            for name, plan in plans.items()
        ),
        key=_cheapest,
    )
    swings = _swings(months)
    paid = sum((month.paid for month in months), ZERO)
    protection = _protection(offers, plans, [month.period for month in months]) if swings else None
    known = current if current in plans else None
    return Advice(tuple(months), tuple(offers), known, paid - offers[0].total, swings, protection)


class Running(NamedTuple):
    """The month that runs, if the rest of it is like so far: its cost under the plan now, and under the best one."""

    period: str
    best: str
    cost: Decimal
    now: Decimal


def running(
    month: Month, elapsed: tuple[int, int], plans: Mapping[str, Plan], current: str, *, precision: int
) -> Running | None:
    """The plan that would be the cheapest for the month that runs, where that is not the account's.

    `elapsed` is how much of it is over, of how much. None where the current plan is the cheapest.
    """
    over, whole = elapsed
    if current not in plans or over <= 0:
        return None

    def cost_of(plan: Plan) -> Decimal:
        return plan_cost(plan, tuple(units * whole // over for units in _counted(plan, month.calls)), precision)

    costs = {name: cost_of(plan) for name, plan in plans.items()}
    best = min(costs, key=lambda name: (costs[name], name != current, name))
    return None if best == current else Running(month.period, best, costs[best], costs[current])


def month_cost(plan: Plan, calls: Mapping[Call, int], precision: int) -> Decimal:
    """What a whole month with these calls costs under the plan: its fee and R(price(usage))."""
    return plan_cost(plan, _counted(plan, calls), precision)


def _counted(plan: Plan, calls: Mapping[Call, int]) -> Counts:
    """What the plan's meters count of these calls."""
    counts = plan.zero
    for call, times in calls.items():
        counts = plus(counts, times_of(plan.count(call), times))
    return counts


def plan_cost(plan: Plan, counts: Counts, precision: int) -> Decimal:
    """What a whole month with this usage costs under the plan: fee, items, its minimum at least; without set-up."""
    with localcontext(CONTEXT):
        owed = cost(plan, counts, precision) + rounded(plan.fee, precision)
        for _, item in plan.items:
            owed += rounded(item.price * item.quantity, precision)
        return owed + short_of_minimum(plan, owed, precision)


class Figures(NamedTuple):
    """A month that is only thought of: billed minutes, connected calls, and attempts."""

    minutes: int
    calls: int
    attempts: int

    def counts(self, plan: Plan) -> Counts:
        """As the plan's meters would have counted it, if each counts every call; of a unit with several, the last."""
        counts = list(NO_COUNTS)
        counts[MINUTES.slot] = self.minutes * MINUTES.per
        counts[CONNECTED_CALLS.slot], counts[ATTEMPTS.slot] = self.calls, self.attempts
        return shared_out(plan, plan.zero, tuple(counts))


def what_if(months: Sequence[Figures], plans: Mapping[str, Plan], *, precision: int) -> tuple[Offer, ...]:
    """What such months would cost under each plan, the cheapest over all of them first."""

    def offer(name: str, plan: Plan) -> Offer:
        return Offer(name, tuple(plan_cost(plan, month.counts(plan), precision) for month in months))

    return tuple(sorted((offer(name, plan) for name, plan in plans.items()), key=_cheapest))


def _cheapest(offer: Offer) -> tuple[Decimal, Decimal, str]:
    return offer.total, offer.worst, offer.plan


def is_package(plan: Plan) -> bool:
    """A fee with minutes in it, and nothing for a call."""
    included = any(meter.unit is MINUTES and meter.allowance != 0 for meter in plan.meters)
    return bool(plan.fee) and included and not _priced_by_call(plan)


def is_hybrid(plan: Plan) -> bool:
    """A fee, and a price for a call."""
    return bool(plan.fee) and _priced_by_call(plan)


def _priced_by_call(plan: Plan) -> bool:
    return any(meter.unit is not MINUTES and meter.price is not None for meter in plan.meters)


def _swings(months: Sequence[Month]) -> bool:
    if len(months) < FEWEST:
        return False
    return any(_spread(sizes) for sizes in ([m.talk for m in months], [m.connected for m in months]))


def _spread(sizes: Iterable[int]) -> bool:
    known = sorted(sizes)
    return known[-1] > 0 and known[-1] >= SWINGS * known[0]


def _protection(offers: Sequence[Offer], plans: Mapping[str, Plan], periods: Sequence[str]) -> Protection | None:
    packages = [offer for offer in offers if is_package(plans[offer.plan])]
    hybrids = [offer for offer in offers if is_hybrid(plans[offer.plan])]
    if not packages or not hybrids:
        return None
    # What caps is the package whose dearest month is the cheapest; what follows the volume, the cheapest hybrid.
    package, hybrid = min(packages, key=lambda offer: (offer.worst, offer.total)), hybrids[0]
    saved = [ours - theirs for ours, theirs in zip(package.costs, hybrid.costs, strict=True)]
    most = max(saved)
    return Protection(package, hybrid, hybrid.worst - package.worst, most, periods[saved.index(most)])
