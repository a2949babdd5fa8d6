"""THE step: the one function that turns the log into charges. The worker runs it in a transaction, `rater rate` over a
file, the audit over the log, the tests in memory; there is no second implementation.

It is pure and total: no I/O, no clock, and no bytes make it raise. Each record is decided on in a scratch of its own,
merged only when complete, so a record that fails half way (an error in the rules) is rejected as `internal-error`
and leaves nothing behind.

A record is checked in this order, and has exactly one outcome:

1. record-too-large; what `parse` finds in the bytes; key-mismatch
2. a record without a key of its own kind: tick-ahead; stale-book, currency-changed, plan-changed
3. forwarded: the account was never seen here, and its hash says another partition
4. the checks of its kind (`rater.service.calls`, `rater.service.subscriptions`)
5. too-large: what it does would not fit a row or an output
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import localcontext

from aiokafka.partitioner import murmur2

from rater.core.account import Account
from rater.core.money import CONTEXT
from rater.events.log import AccountAdjusted, AccountSubscribed, CallEnded, CallVoided, ClockTicked, TariffsPublished
from rater.events.parse import Invalid, parse
from rater.service.calls import on_call
from rater.service.control import on_tariffs
from rater.service.corrections import on_adjusted, on_voided
from rater.service.decision import FORWARDED, REJECTED, Decision, Desk, Read, Rejected, State
from rater.service.outputs import forward, rejection
from rater.service.rows import ACCOUNTS, CALLS, MAX_ROW, SEPARATOR, TABLES, TARIFFS, TARIFFS_KEY, USAGE
from rater.service.subscriptions import on_subscribed
from rater.service.time import after, first_live, on_tick
from rater.service.watch import spends_of, watched
from rater.stream.model import Changes, Effects, Head, Output, Record, Row, Rows, Step

__all__ = ["TABLES", "make_step", "partition_of"]

AccountEvent = CallEnded | CallVoided | AccountSubscribed | AccountAdjusted

MAX_RECORD = 64 * 1024
"""Bytes of key and value of a record of the log."""

_GROWING = {ACCOUNTS, TARIFFS}
_ENCODE = {table.name: table.encode for table in TABLES}


def partition_of(key: bytes, partitions: int) -> int:
    """Where a key belongs: murmur2, as the Java client and aiokafka do it."""
    return int((murmur2(key) & 0x7FFFFFFF) % partitions)


def make_step(topic: str = "calls", *, check_timestamps: bool = True, spend: bool = False) -> Step:
    """The step of a log.

    `topic` is the log's name in `rater-from`. `check_timestamps` False is for bare events without timestamps of their
    own: then nothing is found to lie in the future. `spend`: is the latest state of each period told, beside charges?
    """

    def step(rows: Rows, head: Head, partition: int, records: Sequence[Record]) -> Effects:
        with localcontext(CONTEXT):
            return _fold(rows, head, partition, records)

    def _fold(rows: Rows, head: Head, partition: int, records: Sequence[Record]) -> Effects:
        changes: Changes = {table.name: {} for table in TABLES}
        outputs: list[Output] = []
        outcomes = dict(head.outcomes)
        published = _reader(changes[TARIFFS], rows.table(TARIFFS))
        state = State(**(head.state or {}))
        desk = Desk(
            accounts=_reader(changes[ACCOUNTS], rows.table(ACCOUNTS)),
            usages=_reader(changes[USAGE], rows.table(USAGE)),
            calls=_reader(changes[CALLS], rows.table(CALLS)),
            published=published,
            everyone=lambda: _all(changes[ACCOUNTS], rows.table(ACCOUNTS)),
            calls_of=lambda account: _calls_of(changes[CALLS], rows, account),
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
        for record in records:
            decision = decide(desk, record)
            for table, key, row in decision.changes:
                changes[table][key] = row
            outputs += decision.outputs
            outcomes[decision.outcome] = outcomes.get(decision.outcome, 0) + 1
            if decision.grows or decision.state is not None:
                state = after(desk, decision)
                desk = replace(desk, state=state, clock=state.clock, tariffs=published(TARIFFS_KEY))
        if spend and records:
            outputs += spends_of(desk, records[-1], changes)
        due = records[-1].offset + 1 if records else head.next_offset
        done = replace(head, next_offset=due, outcomes=outcomes, state=state._asdict())
        return Effects(done, {table: rows for table, rows in changes.items() if rows}, outputs)

    return step


_MISSING = object()


def _reader(overlay: Mapping[bytes, Row | None], committed: Mapping[bytes, Row]) -> Read:
    """Looks a row up in what this batch changed, then in what is committed."""
    changed, kept = overlay.get, committed.get

    def read(key: bytes) -> Row | None:
        row = changed(key, _MISSING)
        return kept(key) if row is _MISSING else row

    return read


def _all(overlay: Mapping[bytes, Row | None], committed: Mapping[bytes, Row]) -> Iterator[tuple[bytes, Row]]:
    """All rows of a table, with what this batch changed."""
    yield from ((key, row) for key, row in overlay.items() if row is not None)
    yield from ((key, row) for key, row in committed.items() if key not in overlay)


def _calls_of(overlay: Mapping[bytes, Row | None], rows: Rows, account: bytes) -> Iterator[tuple[bytes, Row]]:
    """The calls of an account, with what this batch changed."""
    start, committed = account + SEPARATOR, rows.table(CALLS)
    yield from ((key, row) for key, row in overlay.items() if row is not None and key.startswith(start))
    yield from ((key, committed[key]) for key in rows.group(CALLS, account) if key not in overlay)


def decide(desk: Desk, record: Record) -> Decision:
    """All that one record does; nothing but a lack of memory makes it raise."""
    try:
        found = _decide(desk, record)
        if isinstance(found, Decision):
            if not found.grows or _fits(found):
                return found
            found = Rejected("too-large", "its effects exceed 512 KiB")
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - a record that the rules fail on must not stop the stream
        found = Rejected("internal-error", _where(error))
    return _rejected(desk, record, found)


def _decide(desk: Desk, record: Record) -> Decision | Rejected:
    key, value = record.key, record.value
    if len(value or b"") + len(key or b"") > MAX_RECORD:
        return Rejected("record-too-large", "key and value have more than 64 KiB")
    event = parse(value)
    if type(event) is not CallEnded:  # nearly all are calls: they need not pass the other questions
        if isinstance(event, Invalid):
            return Rejected(event.reason, event.detail)
        if isinstance(event, (TariffsPublished, ClockTicked)):  # a union would be built for each
            return _keyless(desk, record, event)
    if key is None or key != event.account.encode():
        return Rejected("key-mismatch", "the key of the record is not the account")
    account: Account | None = desk.accounts(key)
    if account is None and (home := partition_of(key, desk.partitions)) != desk.partition:
        return Decision(FORWARDED, (), (forward(desk, record, event.type, home),))
    if account is not None and desk.clock.past(account):
        return first_live(desk, record, key, account, lambda later, known: _act(later, record, event, key, known))
    return _act(desk, record, event, key, account)


def _act(desk: Desk, record: Record, event: AccountEvent, key: bytes, account: Account | None) -> Decision | Rejected:
    """What an account's event does, when all that fell due before it is done, and what it shows."""
    if isinstance(event, CallEnded):
        return on_call(desk, record, event, key, account)
    if isinstance(event, AccountSubscribed):
        found = on_subscribed(desk, record, event, account)
    elif isinstance(event, CallVoided):
        found = on_voided(desk, record, event, key, account)
    else:
        found = on_adjusted(desk, record, event, key, account)
    if isinstance(found, Rejected):
        return found
    return watched(desk, record, key, account, found, record.timestamp * 1000)


def _keyless(desk: Desk, record: Record, event: TariffsPublished | ClockTicked) -> Decision | Rejected:
    if record.key is not None:
        return Rejected("key-mismatch", "a record of this type has no key")
    return on_tariffs(desk, event) if isinstance(event, TariffsPublished) else on_tick(desk, record, event)


def _rejected(desk: Desk, record: Record, why: Rejected) -> Decision:
    return Decision(REJECTED + why.reason, (), (rejection(desk, record, why),))


def _fits(decision: Decision) -> bool:
    """Does each row and output fit? Usage, calls and their charges are bounded by what a record can say."""
    rows = (_ENCODE[table](row) for table, _, row in decision.changes if table in _GROWING and row is not None)
    return all(len(row) <= MAX_ROW for row in rows)


def _where(error: Exception) -> str:
    """The kind of error and the function it came from: enough to find it, and nothing of what the record says."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = "" if trace is None else f" in {trace.tb_frame.f_code.co_qualname}"
    return type(error).__name__ + place
