"""The common call: it adds to a period, which it may open where nothing else is due with it. Nearly all calls are.

What the rules say of such a call is derived once for its account (`Context`) and kept while the rows stay what they
are, so that a call costs about half of what it costs by the general rules. Everything else (a fee that is due, a late
call, a repetition, a value that is not surely read) is None here, and decided on by the general rules. A law holds the
two together: common calls on or off, outputs, rows and heads are the same.

Nothing is changed before the last statement of `CommonCalls.rate` (for a call that opens a period or raises an alert,
of `_note`), so an error at any line of it leaves nothing behind.
"""

from __future__ import annotations

from operator import add, ge
from typing import cast
from weakref import WeakKeyDictionary

from msgspec import UNSET, Raw, UnsetType

from rater.processor.common_context import MOST_CONTEXTS, Context, Contexts, alerts_from, context_for, lowest_cap
from rater.processor.common_prices import CallKind, Priced, Rounded, counted, keep, left_of, price_of_step, stand
from rater.processor.decision import TOLERANCE, RecordScope
from rater.processor.outputs import CHARGE, SOURCE, SPECVERSION, call_member, time_header
from rater.processor.overlay import Overlay
from rater.processor.rows import ACCOUNTS, CALLS, USAGE, call_row, labels_hash
from rater.processor.watch import raise_alerts
from rater.rating.account import Account
from rater.rating.instant import Instant
from rater.rating.limits import RECORD_BYTES
from rater.rating.line_cache import SCALE
from rater.rating.money import nothing, plain
from rater.rating.names import AccountKey
from rater.rating.units import MINUTES, NO_CLASS, OTHER, UNKNOWN, Call
from rater.rating.usage import Segment, Usage
from rater.seam.model import Head, Output, Record, Rows
from rater.wire.call_codec import CommonCallReader, started_text
from rater.wire.result_codec import CallCharge, CallMember, encode

_new_output = _new_segment = _new_usage = tuple.__new__
"""A named tuple from a tuple, in half the time of a call of its class."""


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
            contexts.begin_span()
        return CommonCalls(contexts, self._reader, rows, overlay, scope)


class CommonCalls:
    """Rates the common calls of one batch."""

    __slots__ = (
        *("_all", "_classes", "_clock", "_contexts", "_currency", "_half_up", "_known_accounts", "_known_calls"),
        *("_known_usages", "_new_accounts", "_new_calls", "_nothing", "_partition", "_place", "_precision", "_read"),
        *("_scope", "_span", "_usages", "raised"),
    )

    raised: list[Output]
    """The alerts of the call that was rated last, until somebody takes them."""

    def __init__(
        self, contexts: Contexts, reader: CommonCallReader, rows: Rows, overlay: Overlay, scope: RecordScope
    ) -> None:
        self._all, self._contexts, self._read = contexts, contexts.by_account, reader.read
        self._known_calls, self._new_calls = rows.table(CALLS), overlay.changes[CALLS]
        self._known_usages, self._usages = rows.table(USAGE), overlay.changes[USAGE]
        self._known_accounts, self._new_accounts = rows.table(ACCOUNTS), overlay.changes[ACCOUNTS]
        self._place, self._partition = scope.place, scope.partition
        self.raised = []
        self.go_on(scope)

    def go_on(self, scope: RecordScope) -> None:
        """What the next record may look at: at the start of a batch, and after the general rules have decided."""
        self._scope, self._clock, self._span = scope, scope.clock, self._all.span
        book = None if scope.tariffs is None else scope.tariffs.book
        self._currency, self._precision = ("", 0) if book is None else (book.currency, book.precision)
        self._classes = book.classes if book is not None and book.classes else None
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
            self._all.begin_span()
        elif (context := self._contexts.get(key)) is not None:
            context.since = None

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
        alerts_due = False
        direction = words.direction
        is_connected = answered is not None
        talk = (ended - answered + 500_000) // 1_000_000 if answered is not None else 0
        if context.meaning is not None or words.answered_by is not None or words.labels is not None:
            as_is, by = False, words.answered_by or UNKNOWN
            if is_connected and context.meaning is not None and context.meaning.why_not(talk, by) is not None:
                is_connected = False
        kind: CallKind = (direction, is_connected, talk)
        shown: str | UnsetType = UNSET
        if self._classes is not None:
            calendar = context.account.calendar
            call_class = self._classes.class_of(direction, words.caller, words.callee, started, calendar, words.labels)
            if call_class != OTHER:
                kind, shown = (direction, is_connected, talk, call_class), call_class
                as_is, quick = False, as_is
        more = context.counted.get(kind)
        if more is None:
            chain = NO_CLASS if self._classes is None or shown is UNSET else self._classes.chain(shown)
            more = counted(context, kind, Call(direction, is_connected, talk, chain, words.answered_by or UNKNOWN))
        if not is_connected and more == context.plan.zero:
            after, cost_after = counts, cost_before
            amount, text, lines = self._nothing
        else:
            after = tuple(map(add, counts, more))
            crosses = False
            for slot, limit in context.limits:
                if after[slot] > limit:
                    alerts_due = any(map(ge, [after[slot] for slot, _ in context.limits], context.alerts_at))
                    stand(context, counts, self._precision, self._all.same)
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
                    priced = price_of_step(context.plan, segment, after, self._precision)
                    if not crosses:
                        keep(context, more, priced, self._precision)
            amount, text, lines = priced
            cost_after = cost_before + amount
        total_after = total + amount

        total_text = str(total_after)
        if "E" in total_text or total_text[0] == "-":
            total_text = plain(total_after)

        # The charge.
        seq += 1
        charge_id = f"{words.account}:{period}:{seq}"
        if (left := context.left) is None:
            left = left_of(context, after)
        if as_is:
            member = CallMember(source, call_id, started_text(words), direction, is_connected, talk, more[MINUTES.slot])
            remembered = (
                f'["{period}",{started},{"null" if answered is None else answered},{ended},"{direction}",'
                f'"{words.disposition}","{words.caller}","{words.callee}",false]'
            ).encode()
        elif shown is not UNSET and quick:
            member = CallMember(
                source, call_id, started_text(words), direction, is_connected, talk, more[MINUTES.slot], shown
            )  # fmt: skip
            remembered = (
                f'["{period}",{started},{"null" if answered is None else answered},{ended},"{direction}",'
                f'"{words.disposition}","{words.caller}","{words.callee}",false,"{shown}"]'
            ).encode()
        else:
            by, call_class = words.answered_by or UNKNOWN, OTHER if shown is UNSET else shown
            rated = Call(direction, answered is not None, talk, (call_class,), by)
            member = call_member(
                source, call_id, started_text(words), rated, more[MINUTES.slot], context.meaning, words.labels
            )  # fmt: skip
            remembered = call_row(
                *(period, started, answered, ended, direction, words.disposition, words.caller, words.callee),
                call_class=call_class, answered_by=by, labels=labels_hash(words.labels),
            )  # fmt: skip
        charge = CallCharge(
            charge_id, words.account, period, seq, "usage", plan_id, member, lines, text,
            self._currency, total_text, left, False,  # noqa: FBT003 - not late
        )  # fmt: skip
        headers = (
            SPECVERSION, ("ce_id", charge_id.encode()), CHARGE, SOURCE, time_header(timestamp),
            ("rater-from", f"{self._place}{record.offset}".encode()),
        )  # fmt: skip
        output: Output = _new_output(Output, ("charges", self._partition, key, encode(charge), timestamp, headers))
        if direction == "outbound":
            attempts += 1
            connected += is_connected
        segment = _new_segment(Segment, (start, plan_id, inline, after, cost_after, days, of, until))
        at = context.index
        segments = (segment,) if len(segments) == 1 else (*segments[:at], segment, *segments[at + 1 :])
        row = _new_usage(
            Usage,
            (period, begins, ends, segments, seq, total_after, fees, manual, attempts, connected, looks, alerts),
        )
        if context.cap is not None and total_after >= context.cap:
            alerts_due = True
        if alerts_due or context.opens:
            self._note(record, context, row, ended, identity, remembered, alerts_due)
            return output
        # The point of no return: one statement, so that an error at any line above leaves nothing behind.
        context.row, self._usages[context.place], self._new_calls[identity] = row, row, remembered
        return output

    def _note(
        self,
        record: Record,
        context: Context,
        row: Usage,
        ended: Instant,
        identity: bytes,
        remembered: bytes,
        alerts_due: bool,  # noqa: FBT001 - not to be called from elsewhere
    ) -> None:
        """The end of `rate` for a call that opens a period, or that may raise an alert."""
        key, account, place = AccountKey(record.key or b""), context.account, context.place
        after, raised = context.at(place), list[Output]()
        if alerts_due:
            changes, raised = raise_alerts(self._scope, record, key, account, {place: row}, ended)
            row = cast("Usage", changes[0][2]) if changes else row
            after.alerts_at, after.cap = alerts_from(context.plan, row), lowest_cap(account, row)
        after.row, after.opens = row, False
        accounts: dict[bytes, Account | None] = self._new_accounts if context.opens else {}
        kept, usages, calls = self._contexts, self._usages, self._new_calls
        # The point of no return, as above.
        kept[key], usages[place], calls[identity], accounts[key], self.raised = after, row, remembered, account, raised

    def _context(self, key: AccountKey, started: Instant) -> Context | None:
        """The context for a call that starts then, found right for this batch; None where the general rules decide."""
        context = self._contexts.get(key)
        if context is not None and self._holds(context, key, started):
            context.since = self._span
            return context
        scope = self._scope
        context = context_for(scope, key, scope.accounts(key), started, self._precision, self._all)
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
            and not self._scope.pending(key, context.account)
        )
