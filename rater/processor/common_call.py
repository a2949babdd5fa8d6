"""The common call: one that only adds to a period that is open, of an account that is known. Nearly all calls are.

What the rules say of such a call is derived once for its account (`Context`) and kept while the rows stay what they
are, so that a call costs about half of what it costs by the general rules. Everything else (a new period, a fee that
is due, an alert, a late call, a repetition, a value that is not surely read) is None here, and decided on by the
general rules. A law holds the two together: common calls on or off, outputs, rows and heads are the same.

Nothing is changed before the last statement of `CommonCalls.rate`, so an error at any line of it leaves nothing behind.
"""

from __future__ import annotations

from decimal import Decimal
from operator import add, ge
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from msgspec import Raw

from rater.processor.decision import TOLERANCE, RecordScope
from rater.processor.outputs import lines_json, second_text
from rater.processor.overlay import Overlay
from rater.processor.rows import ACCOUNTS, CALLS, USAGE, call_row, usage_key
from rater.rating.account import Account, in_effect
from rater.rating.alerts import ALLOWANCE_80, ALLOWANCE_100, CAP
from rater.rating.book import Meter, Plan
from rater.rating.calendar import period_at
from rater.rating.charging import plan_of_segment, segment_at
from rater.rating.instant import Instant
from rater.rating.limits import RECORD_BYTES
from rater.rating.line_cache import ENDLESS, SCALE, linear, steady
from rater.rating.money import nothing, plain
from rater.rating.names import AccountKey, UsageKey
from rater.rating.units import MINUTES, NO_COUNTS, Call, Counts, Unit
from rater.rating.usage import Segment, Usage, cost, explain
from rater.seam.model import Head, Output, Record, Rows
from rater.wire.call_codec import CommonCallReader, started_text
from rater.wire.result_codec import CallCharge, CallMember, encode

MOST_CONTEXTS = 16_384
"""Accounts of a partition whose contexts are kept; when there are more, they are forgotten and begun anew."""
MOST_KEPT = 4_096
"""Kinds of calls, and charges of them, that are kept for a plan."""

_SPECVERSION = ("ce_specversion", b"1.0")
_TYPE = ("ce_type", b"charge/1")
_SOURCE = ("ce_source", b"rater")

_new_output = _new_segment = _new_usage = tuple.__new__
"""A named tuple from a tuple, in half the time of a call of its class."""


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
        *("index", "intercept", "left", "limits", "place", "plan", "priced", "row", "since", "slopes"),
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
    """What the plan counts of a kind of call."""
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
        """Equal bounds and limits as one object for all accounts, which stays in the processor's cache."""


class CommonCallCaches:
    """What a step remembers from batch to batch. It is no state: without it the same comes out, more slowly."""

    def __init__(self) -> None:
        self._contexts: WeakKeyDictionary[Rows, Contexts] = WeakKeyDictionary()
        self._reader = CommonCallReader()

    def batch(self, rows: Rows, head: Head, overlay: Overlay, scope: RecordScope) -> CommonCalls:
        """The common calls of a batch that begins at a head."""
        contexts = self._contexts.get(rows)
        if contexts is None or len(contexts.by_account) > MOST_CONTEXTS:
            contexts = self._contexts[rows] = Contexts()
        elif contexts.left_at is not head:
            contexts.span = object()
        return CommonCalls(contexts, self._reader, rows, overlay, scope)


class CommonCalls:
    """Rates the common calls of one batch."""

    __slots__ = (
        *("_all", "_clock", "_contexts", "_currency", "_half_up", "_known_accounts", "_known_calls", "_known_usages"),
        *("_new_accounts", "_new_calls", "_nothing", "_partition", "_place", "_precision", "_read", "_scope", "_span"),
        "_usages",
    )

    def __init__(
        self, contexts: Contexts, reader: CommonCallReader, rows: Rows, overlay: Overlay, scope: RecordScope
    ) -> None:
        self._all, self._contexts, self._read = contexts, contexts.by_account, reader.read
        self._known_calls, self._new_calls = rows.table(CALLS), overlay.changes[CALLS]
        self._known_usages, self._usages = rows.table(USAGE), overlay.changes[USAGE]
        self._known_accounts, self._new_accounts = rows.table(ACCOUNTS), overlay.changes[ACCOUNTS]
        self._place, self._partition = scope.place, scope.partition
        self._in(scope)

    def _in(self, scope: RecordScope) -> None:
        self._scope, self._clock, self._span = scope, scope.clock, self._all.span
        book = None if scope.tariffs is None else scope.tariffs.book
        self._currency, self._precision = ("", 0) if book is None else (book.currency, book.precision)
        self._half_up = 2 * 10**self._precision
        free = nothing(self._precision)
        self._nothing = Priced(free, plain(free), Raw(b"[]"))

    def end(self, head: Head) -> None:
        """The batch is over, and its effects come with this head."""
        self._all.left_at = head

    def look_again_at(self, key: bytes | None) -> None:
        """The general rules decide on a record: its account's context is looked at again before it is used.

        A record without a key may change any account's rows, and time and tariffs: all contexts are looked at again.
        """
        if key is None:
            self._all.span = object()
        elif (context := self._contexts.get(key)) is not None:
            context.since = None

    def go_on(self, scope: RecordScope) -> None:
        """The general rules have decided, and this is what the next record may look at."""
        self._in(scope)

    def rate(self, record: Record) -> Output | None:  # noqa: C901, PLR0912, PLR0915 - see below
        """The charge of a common call, whose effects are noted; None, and nothing is changed, for any other record.

        One function that reads from top to bottom: this is where the worker spends its time, and each function that is
        called costs as much as one of the steps here.
        """
        priced: Priced | None
        value, key = record.value, record.key
        if value is None or key is None or len(value) + len(key) > RECORD_BYTES:
            return None
        call = self._read(value)
        if call is None:
            return None
        words, started, answered, ended, as_is = call
        timestamp = record.timestamp
        if key != words.account.encode() or ended > timestamp * 1000 + TOLERANCE:
            return None
        source, call_id = words.source, words.call_id
        identity = key + f"\x1f{source}\x1f{call_id}".encode()
        if identity in self._new_calls or identity in self._known_calls:
            return None
        context = self._contexts.get(key)
        if context is None or context.since is not self._span or not context.begins <= started < context.ends:
            context = self._context(AccountKey(key), started)
            if context is None:
                return None
        row = context.row
        period, begins, ends, segments, seq, total, fees, manual, attempts, connected, looks, alerts = row
        segment = segments[context.index]
        start, plan_id, inline, counts, cost_before, days, of, until = segment

        # What it counts, and what that costs.
        direction = words.direction
        is_connected = answered is not None
        talk = (ended - answered + 500_000) // 1_000_000 if answered is not None else 0
        kind = (direction, is_connected, talk)
        more = context.counted.get(kind)
        if more is None:
            more = _counted(context, Call(direction, is_connected, talk))
        if not is_connected and more == NO_COUNTS:
            after, cost_after = counts, cost_before
            amount, text, lines = self._nothing
        else:
            after = tuple(map(add, counts, more))
            crosses = False
            for slot, limit in context.limits:
                if after[slot] > limit:
                    if any(map(ge, [after[slot] for slot, _ in context.limits], context.alerts_at)):
                        return None
                    _stand(context, counts, self._precision, self._all.same)
                    crosses = any(after[slot] > limit for slot, limit in context.limits)
                    break
            known = None if crosses else context.priced.get(more)
            if type(known) is Priced:
                priced = known
            else:
                priced = None
                if type(known) is Rounded:
                    price = context.intercept
                    for slot, slope in context.slopes:
                        price += slope * counts[slot]
                    priced = known.by_amount.get(
                        ((price + known.price) * self._half_up + SCALE) // (2 * SCALE)
                        - (price * self._half_up + SCALE) // (2 * SCALE)
                    )
                if priced is None:  # over an edge of prices, or seen for the first time
                    priced = _priced(context.plan, segment, after, self._precision)
                    if not crosses:
                        _keep(context, more, priced, self._precision)
            amount, text, lines = priced
            cost_after = cost_before + amount
        total_after = total + amount
        if context.cap is not None and total_after >= context.cap:
            return None

        total_text = str(total_after)
        if "E" in total_text or total_text[0] == "-":
            total_text = plain(total_after)

        # The charge.
        seq += 1
        charge_id = f"{words.account}:{period}:{seq}"
        left = context.left
        if left is None:
            left = _left(context, after)
        member = CallMember(
            source, call_id, started_text(words), direction, is_connected, talk, more[MINUTES.slot]
        )  # fmt: skip
        charge = CallCharge(
            charge_id, words.account, period, seq, "usage", plan_id, member, lines, text,
            self._currency, total_text, left, False,  # noqa: FBT003 - not late
        )  # fmt: skip
        headers = (
            _SPECVERSION,
            ("ce_id", charge_id.encode()),
            _TYPE,
            _SOURCE,
            ("ce_time", f"{second_text(timestamp // 1000)}.{timestamp % 1000:03d}Z".encode()),
            ("rater-from", f"{self._place}{record.offset}".encode()),
        )
        output: Output = _new_output(Output, ("charges", self._partition, key, encode(charge), timestamp, headers))
        if as_is:
            remembered = (
                f'["{period}",{started},{"null" if answered is None else answered},{ended},"{direction}",'
                f'"{words.disposition}","{words.caller}","{words.callee}",false]'
            ).encode()
        else:
            remembered = call_row(
                period, started, answered, ended, direction, words.disposition, words.caller, words.callee
            )
        if direction == "outbound":
            attempts += 1
            connected += is_connected
        segment = _new_segment(Segment, (start, plan_id, inline, after, cost_after, days, of, until))
        segments = (
            (segment,) if len(segments) == 1 else (*segments[: context.index], segment, *segments[context.index + 1 :])
        )
        row = _new_usage(
            Usage,
            (period, begins, ends, segments, seq, total_after, fees, manual, attempts, connected, looks, alerts),
        )
        # The point of no return: one statement, so that an error at any line above leaves nothing behind.
        context.row, self._usages[context.place], self._new_calls[identity] = row, row, remembered
        return output

    def _context(self, key: AccountKey, started: Instant) -> Context | None:
        """The context for a call that starts then, found right for this batch; None where the general rules decide."""
        context = self._contexts.get(key)
        if context is not None and self._holds(context, key, started):
            context.since = self._span
            return context
        scope = self._scope
        account: Account | None = scope.accounts(key)
        if account is None or scope.tariffs is None or scope.clock.past(account):
            return None
        context = _derived(scope, key, account, started, self._precision, self._all.same)
        if context is not None:
            context.since = self._span
            self._contexts[key] = context
        return context

    def _holds(self, context: Context, key: bytes, started: Instant) -> bool:
        """Whether a context is still right: the rows that it was derived from are there, and nothing has fallen due."""
        return (
            context.begins <= started < context.ends
            and self._known_accounts.get(key) is context.account
            and key not in self._new_accounts
            and self._usages.get(context.place, self._known_usages.get(context.place)) is context.row
            and context.fee_at > self._clock.now
            and context.closes_at > self._clock.closed
        )


def _derived(
    scope: RecordScope, key: AccountKey, account: Account, started: Instant, precision: int, same: dict[Any, Any]
) -> Context | None:
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
    context.counted = plan.memo.setdefault("counted", {})
    _stand(context, segment.counts, precision, same)
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


def _stand(context: Context, counts: Counts, precision: int, same: dict[Any, Any]) -> None:
    """Note up to where lines stay alike from these counts on."""
    plan = context.plan
    stretches: list[int] = [precision]
    limits: list[tuple[int, int]] = []
    slopes: list[tuple[int, int]] = []
    intercept = 0
    for meter, alert_at in zip(plan.meters, context.alerts_at, strict=True):
        slot = meter.unit.slot
        lies, until = steady(meter, counts[slot])
        stretches.append(lies)
        limits.append((slot, min(until, alert_at - 1)))
        slope, constant = linear(meter, counts[slot])
        slopes.append((slot, slope))
        intercept += constant
    context.limits = same.setdefault(tuple(limits), tuple(limits))
    context.priced = plan.memo.setdefault(("priced", *stretches), {})
    context.slopes = tuple((slot, slope) for slot, slope in slopes if slope)
    context.intercept = intercept
    changes = any(counts[unit.slot] < whole < ENDLESS for unit, whole in context.allowances)
    context.left = None if changes else _left(context, counts)


def _counted(context: Context, call: Call) -> Counts:
    if len(context.counted) >= MOST_KEPT:
        context.counted.clear()
    counts = context.counted[call] = context.plan.count(call)
    return counts


def _left(context: Context, counts: Counts) -> dict[str, str]:
    """What is left of the allowances, as `rater.processor.outputs.allowance_left` says it."""
    left = {}
    for unit, whole in context.allowances:
        rest = whole - counts[unit.slot]
        left[unit.name] = "unlimited" if whole == ENDLESS else unit.text(rest) if rest > 0 else "0"
    return left


def _priced(plan: Plan, segment: Segment, after: Counts, precision: int) -> Priced:
    """What a step costs, by the rules."""
    cost_after = cost(plan, after, precision)
    lines = explain(plan, segment, segment._replace(counts=after, cost=cost_after), precision)
    amount = cost_after - segment.cost
    return Priced(amount, plain(amount), Raw(lines_json(lines)))


def _keep(context: Context, more: Counts, priced: Priced, precision: int) -> None:
    """Keep what a step costs in this stretch of prices.

    Only where its unrounded price is a whole number of smallest units is its amount the same wherever it is made.
    """
    kept = context.priced
    if len(kept) >= MOST_KEPT:
        kept.clear()
    price = sum(slope * more[slot] for slot, slope in context.slopes)
    if price * 10**precision % SCALE == 0:
        kept[more] = priced
        return
    rounded = kept.setdefault(more, Rounded(price, {}))
    if isinstance(rounded, Rounded):
        rounded.by_amount[int(priced.amount.scaleb(precision))] = priced
