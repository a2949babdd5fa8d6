"""What common calls look at (`rater.processor.common_call`): what the rules say of an account's calls, derived once.

A context is derived from an account's rows and its plan, and holds while these stay what they are.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from rater.processor.common_opening import Openings
from rater.processor.common_prices import MOST_KEPT, MOST_KEPT_INLINE, CallKind, Priced, Rounded, stand
from rater.processor.decision import RecordScope
from rater.processor.rows import usage_key
from rater.rating.account import Account, in_effect
from rater.rating.alerts import ALLOWANCE_80, ALLOWANCE_100, CAP
from rater.rating.book import Connected, Meter, Plan
from rater.rating.calendar import Period, period_at
from rater.rating.charging import default_calendar, plan_of_segment, segment_at
from rater.rating.instant import Instant
from rater.rating.line_cache import ENDLESS
from rater.rating.names import AccountKey, UsageKey
from rater.rating.units import Counts
from rater.rating.usage import Usage
from rater.seam.model import Head

MOST_CONTEXTS = 16_384
"""Accounts of a partition whose contexts are kept; when there are more, they are forgotten and begun anew."""


class Context:
    """All that is derived from an account's rows for its calls of one segment."""

    __slots__ = (
        *("account", "alerts_at", "allowances", "begins", "cap", "closes_at", "counted", "ends", "fee_at"),
        *("index", "intercept", "left", "limits", "meaning", "most_kept", "opens", "place", "plan", "priced"),
        *("row", "since", "slopes"),
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
    meaning: Connected | None
    """What the plan means by connected, where that is not simply answered."""
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
    counted: dict[CallKind, Counts]
    """What the plan counts of a kind of call; one for all plans that count alike."""
    most_kept: int
    """Charges that `priced` may keep."""
    allowances: tuple[tuple[Meter, int], ...]
    """The meters of which some units are included, in base units."""
    left: dict[str, str] | None
    """What is left of allowances, where calls cannot change it any more."""
    since: object
    """The span of time in which it was found to be right."""

    opens: bool
    """Whether the account's row and the usage's are still to be written, by the first call that is charged."""

    def at(self, place: UsageKey) -> Context:
        """The same for another row, or for the same when it goes another way."""
        other = Context()
        for name in self.__slots__:
            setattr(other, name, getattr(self, name))
        other.place = place
        return other


class Contexts:
    """The contexts of a partition's accounts.

    Those of one `span` hold as they are: since it began, only common calls have changed their accounts' rows. A span
    ends with whatever may concern all accounts, and with rows that are not those that the step left.
    """

    __slots__ = ("by_account", "left_at", "new", "openings", "same", "span")

    def __init__(self) -> None:
        self.by_account: dict[bytes, Context] = {}
        self.left_at: Head | None = None
        """The head that the last batch returned."""
        self.same: dict[Any, Any] = {}
        """What equals for accounts, as one object for all of them, which stays in the processor's cache."""
        self.begin_span()

    def begin_span(self) -> None:
        """What was found right until now is to be looked at again."""
        self.span = object()
        self.openings = Openings()
        self.new: dict[Period, Context] = {}
        """The contexts of accounts that are new, by the period that they open."""


def context_for(
    scope: RecordScope, key: AccountKey, account: Account | None, started: Instant, precision: int, every: Contexts
) -> Context | None:
    """The context for a call that starts then; None where the general rules decide. `account` None: it is new."""
    tariffs = scope.tariffs
    if tariffs is None:
        return None
    if account is not None and (scope.clock.past(account) or scope.pending(key, account)):
        return None
    period = period_at(default_calendar(tariffs) if account is None else account.calendar, started)
    place = usage_key(key, period.name)
    row: Usage | None = scope.usages(place)
    if row is not None:
        return None if account is None else derived(scope, account, place, row, started, precision, every.same)
    opening = every.openings.opening(scope, tariffs, key, account, period)
    if opening is None:
        return None
    context = every.new.get(period) if account is None else None
    if context is not None:
        return context.at(place)  # which serves the whole period: identities of an open one are never forgotten
    context = derived(scope, opening.account, place, opening.row, started, precision, every.same)
    if context is None:
        return None
    context.opens = True
    if account is None:
        every.new[period] = context.at(place)
    return context


def derived(
    scope: RecordScope,
    account: Account,
    place: UsageKey,
    row: Usage,
    started: Instant,
    precision: int,
    same: dict[Any, Any],
) -> Context | None:
    """The context for a call that starts then, from the rows of its account; None where the general rules decide."""
    index = segment_at(row, started)
    if index is None:
        return None
    segment = row.segments[index]
    plan = plan_of_segment(account, segment, scope.plan)
    context = Context()
    context.opens, context.since = False, None
    context.account, context.row, context.place, context.index, context.plan = account, row, place, index, plan
    context.meaning = plan.connected
    closes_at = min(row.end, account.periods[0].end if account.periods else row.end)
    times = (*_bounds(account, row, index), ENDLESS if account.next_fee is None else account.next_fee, closes_at)
    context.begins, context.ends, context.fee_at, context.closes_at = same.setdefault(times, times)
    if not context.begins <= started < context.ends:
        return None
    context.cap = lowest_cap(account, row)
    alerts_at = alerts_from(plan, row)
    context.alerts_at = same.setdefault(alerts_at, alerts_at)
    if any(segment.counts[meter.slot] >= at for meter, at in zip(plan.meters, context.alerts_at, strict=True)):
        return None
    context.allowances = plan.memo.get("allowances") or plan.memo.setdefault("allowances", _allowances(plan))
    meters = (meter.counts_alike for meter in plan.meters)
    counting = ("counted", plan.counts_attempts, plan.named, *meters)
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


def lowest_cap(account: Account, row: Usage) -> Decimal | None:
    """The lowest spend cap at any instant of the period; None without one, or when its alert was raised."""
    if not account.watched or CAP in row.alerts:
        return None
    changes = [said.start for said in account.history if row.start < said.start < row.end]
    caps = (in_effect(account.history, "spend_cap", at) for at in (row.start, *changes))
    return min((cap for cap in caps if cap is not None), default=None)


def alerts_from(plan: Plan, row: Usage) -> tuple[int, ...]:
    """By meter: the count from which on an alert of it may be due."""
    return tuple(_alert_at(meter, row.alerts) for meter in plan.meters)


def _alert_at(meter: Meter, alerts: tuple[str, ...]) -> int:
    """The count from which on an alert of this meter may be due."""
    if not meter.allowance or f"{ALLOWANCE_100}:{meter.name}" in alerts:
        return ENDLESS
    whole = meter.allowance * meter.unit.per
    return whole if f"{ALLOWANCE_80}:{meter.name}" in alerts else -(-whole * 4 // 5)


def _allowances(plan: Plan) -> tuple[tuple[Meter, int], ...]:
    """The meters, each with its allowance in base units; those without one are left out."""
    whole = ((m, ENDLESS if m.allowance is None else m.allowance * m.unit.per) for m in plan.meters)
    return tuple((meter, included) for meter, included in whole if included)
