"""THE step: the one function that turns the log into charges. The worker runs it in a transaction, `rater rate` over a
file, the audit over the log, the tests in memory; there is no second implementation.

It is pure and total: no I/O, no clock, and no bytes make it raise. Each record is decided on in a scratch of its own,
merged only when complete, so a record that fails half way (an error in the rules) is rejected as `internal-error`
and leaves nothing behind.

A record is checked in this order, and has exactly one outcome:

1. record-too-large; what `parse` finds in the bytes; key-mismatch
2. a record without a key of its own kind: tick-ahead; stale-book, currency-changed, plan-changed
3. forwarded: the account was never seen here, and its hash says another partition
4. the checks of its kind (`rater.processor.call_ended`, `rater.processor.subscribed`)
5. too-large: what it does would not fit a row or an output
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import localcontext

from rater.processor.adjusted import on_adjusted
from rater.processor.call_ended import on_call
from rater.processor.call_voided import on_voided
from rater.processor.clock_ticked import on_tick
from rater.processor.common_call import CommonCallCaches, CommonCalls
from rater.processor.decision import CHARGED, FORWARDED, REJECTED, Decision, RecordScope, Rejected, State, recorded_at
from rater.processor.due import after, first_live
from rater.processor.outputs import forward, rejection
from rater.processor.overlay import Overlay
from rater.processor.rows import ACCOUNTS, ADJUSTMENTS, CALLS, TABLES, TARIFFS, TARIFFS_KEY, USAGE
from rater.processor.subscribed import on_subscribed
from rater.processor.tariffs_published import on_tariffs
from rater.processor.untimed import noted, told_at, too_far_ahead
from rater.processor.watch import spends_of, watched
from rater.rating.account import Account
from rater.rating.limits import BOOK_BYTES, RECORD_BYTES, ROW_BYTES
from rater.rating.money import CONTEXT
from rater.rating.names import AccountKey
from rater.seam.model import Effects, Head, Output, Record, Rows, Step
from rater.seam.partitions import partition_of
from rater.wire.events import AccountAdjusted, AccountSubscribed, CallEnded, CallVoided, ClockTicked, TariffsPublished
from rater.wire.parse import Invalid, parse

__all__ = ["TABLES", "make_step"]

AccountEvent = CallEnded | CallVoided | AccountSubscribed | AccountAdjusted

BOOK_TYPE = b'"tariffs-published/1"'
"""What a tariff book that is wrong is known by: its error then says what is wrong."""
_GROWING = {ACCOUNTS, TARIFFS, USAGE}
_ENCODE = {table.name: table.encode for table in TABLES}


def make_step(topic: str = "calls", *, check_timestamps: bool = True, spend: bool = False, common: bool = True) -> Step:
    """The step of a log.

    `topic` is the log's name in `rater-from`. `check_timestamps` False is for bare events without timestamps of their
    own: then no event can lie in the future. `spend`: whether to publish the latest state of each
    period too. `common`: whether common calls take the short way (`rater.processor.common_call`); the same comes out.
    """
    caches = CommonCallCaches() if common and check_timestamps else None

    def step(rows: Rows, head: Head, partition: int, records: Iterable[Record]) -> Effects:
        with localcontext(CONTEXT):
            overlay = Overlay(rows)
            scope = _scope(overlay, head, partition)
            common_calls = None if caches is None else caches.batch(rows, head, overlay, scope)
            return _Fold(overlay, head, scope, common_calls).run(records)

    def _scope(overlay: Overlay, head: Head, partition: int) -> RecordScope:
        published = overlay.reader(TARIFFS)
        state = State.read(head.state)
        return RecordScope(
            accounts=overlay.reader(ACCOUNTS),
            usages=overlay.reader(USAGE),
            calls=overlay.reader(CALLS),
            adjustments=overlay.reader(ADJUSTMENTS),
            published=published,
            everyone=lambda: ((AccountKey(key), account) for key, account in overlay.items(ACCOUNTS)),
            calls_of=lambda place: overlay.group(CALLS, place),
            identities=overlay.first,
            plans={},
            state=state,
            clock=state.clock,
            tariffs=published(TARIFFS_KEY),
            place=f"{topic}/{partition}/",
            partition=partition,
            partitions=head.partitions,
            check_timestamps=check_timestamps,
            spend=spend,
        )

    return step


class _Fold:
    """A batch on its way through the rules: what its records did so far."""

    def __init__(self, overlay: Overlay, head: Head, scope: RecordScope, common_calls: CommonCalls | None) -> None:
        self.overlay, self.head, self.scope, self.common_calls = overlay, head, scope, common_calls
        self.outputs: list[Output] = []
        self.outcomes = dict(head.outcomes)

    def run(self, records: Iterable[Record]) -> Effects:
        """Apply the records in order."""
        common, outputs = self.common_calls, self.outputs
        charged, record = 0, None
        for record in records:
            if common is not None:
                try:
                    output = common.rate(record)
                except MemoryError:
                    raise
                except Exception:  # noqa: BLE001 - nothing was changed, and what the general rules say holds
                    output = None
                if output is not None:
                    if not charged:  # outcomes stand in the order in which they first came
                        self.outcomes.setdefault(CHARGED, 0)
                    outputs.append(output)
                    charged += 1
                    if common.raised:
                        outputs += common.raised
                        common.raised = []
                    continue
            self._decide(record)
        if charged:
            self.outcomes[CHARGED] += charged
        return Effects(self.head, {}, ()) if record is None else self._effects(record)

    def _decide(self, record: Record) -> None:
        """Decide on a record by the general rules, and take in what it does."""
        scope, common = self.scope, self.common_calls
        if common is not None:
            common.look_again_at(record.key)
        decision = decide(scope, record)
        if not scope.check_timestamps:
            decision = noted(scope, record, decision)
        self.outputs += decision.outputs
        self.outcomes[decision.outcome] = self.outcomes.get(decision.outcome, 0) + 1
        if not decision.grows and decision.state is None:  # nearly all are calls
            changes = self.overlay.changes
            for table, key, row in decision.changes:
                changes[table][key] = row
            return
        self.overlay.put(decision.changes)
        state = after(scope, decision)
        if record.key is not None and state == scope.state:
            return  # an account's event, which brings nothing due sooner: what all records look at is as it was
        self.scope = replace(scope, state=state, clock=state.clock, tariffs=scope.published(TARIFFS_KEY))
        if common is not None:
            common.go_on(self.scope)

    def _effects(self, last: Record) -> Effects:
        changes, scope = self.overlay.changes, self.scope
        if scope.spend:
            self.outputs += spends_of(scope, last, changes)
        done = replace(self.head, next_offset=last.offset + 1, outcomes=self.outcomes, state=scope.state._asdict())
        if self.common_calls is not None:
            self.common_calls.end(done)
        return Effects(done, {table: rows for table, rows in changes.items() if rows}, self.outputs)


def decide(scope: RecordScope, record: Record) -> Decision:
    """All that one record does; nothing but a lack of memory makes it raise."""
    try:
        found = _decide(scope, record)
        if isinstance(found, Decision):
            if not found.grows or _fits(found):
                return found
            found = Rejected("too-large", "its effects exceed 512 KiB")
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - a record that the rules fail on must not stop the stream
        found = Rejected("internal-error", _where(error))
    return _rejected(scope, record, found)


def _decide(scope: RecordScope, record: Record) -> Decision | Rejected:
    value = record.value
    key = None if record.key is None else AccountKey(record.key)
    size = len(value or b"") + len(key or b"")
    if size > RECORD_BYTES and (key is not None or size > BOOK_BYTES):
        return Rejected("record-too-large", "key and value have more than 64 KiB")
    event = parse(value)
    if size > RECORD_BYTES and not isinstance(event, TariffsPublished) and BOOK_TYPE not in (value or b""):
        return Rejected("record-too-large", "key and value have more than 64 KiB, and it is no tariff book")
    if type(event) is not CallEnded:  # nearly all are calls: they need not pass the other questions
        if isinstance(event, Invalid):
            return Rejected(event.reason, event.detail)
        if isinstance(event, (TariffsPublished, ClockTicked)):  # a union would be built for each
            return _keyless(scope, record, event)
    if key is None or key != event.account.encode():
        return Rejected("key-mismatch", "the key of the record is not the account")
    if not scope.check_timestamps and (far := too_far_ahead(scope.state.newest, told_at(event))):
        return far
    account: Account | None = scope.accounts(key)
    if account is None and (home := partition_of(key, scope.partitions)) != scope.partition:
        return Decision(FORWARDED, (), (forward(scope, record, event.type, home),))
    if account is not None and (scope.clock.past(account) or scope.pending(key, account)):
        return first_live(scope, record, key, account, lambda later, known: _act(later, record, event, key, known))
    return _act(scope, record, event, key, account)


def _act(
    scope: RecordScope, record: Record, event: AccountEvent, key: AccountKey, account: Account | None
) -> Decision | Rejected:
    """What an account's event does, when all that fell due before it is done, and what it shows."""
    if isinstance(event, CallEnded):
        return on_call(scope, record, event, key, account)
    if isinstance(event, AccountSubscribed):
        found = on_subscribed(scope, record, event, account)
    elif isinstance(event, CallVoided):
        found = on_voided(scope, record, event, key, account)
    else:
        found = on_adjusted(scope, record, event, key, account)
    if isinstance(found, Rejected):
        return found
    return watched(scope, record, key, account, found, recorded_at(record))


def _keyless(scope: RecordScope, record: Record, event: TariffsPublished | ClockTicked) -> Decision | Rejected:
    if record.key is not None:
        return Rejected("key-mismatch", "a record of this type has no key")
    if not scope.check_timestamps and (far := too_far_ahead(scope.state.newest, told_at(event))):
        return far
    return on_tariffs(scope, event) if isinstance(event, TariffsPublished) else on_tick(scope, record, event)


def _rejected(scope: RecordScope, record: Record, why: Rejected) -> Decision:
    return Decision(REJECTED + why.reason, (), (rejection(scope, record, why),))


def _fits(decision: Decision) -> bool:
    """Whether each row and each output fits. Those of a call are bounded by its record and need no check."""
    rows = (_ENCODE[table](row) for table, _, row in decision.changes if table in _GROWING and row is not None)
    values = (output.value for output in decision.outputs if output.value is not None)
    return all(len(row) <= ROW_BYTES for row in rows) and all(len(value) <= ROW_BYTES for value in values)


def _where(error: Exception) -> str:
    """The kind of error and the function it came from: enough to find it, and nothing of what the record says."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = "" if trace is None else f" in {trace.tb_frame.f_code.co_qualname}"
    return type(error).__name__ + place
