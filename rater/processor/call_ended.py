"""What becomes of a `call-ended` (rating.md, "From a call to units", "A charge", "Same call twice").

The checks, in this order; only what passes them all changes anything: ends-in-future, no-tariff-book, duplicate or
conflict, too-old, late, late-no-plan, unknown-account or account-ended, too-far.
"""

from __future__ import annotations

from rater.processor.decision import CHARGED, DUPLICATE, TOLERANCE, Change, Decision, RecordScope, Rejected, recorded_at
from rater.processor.opening import Opened, begin_period, no_plan, usage_changes
from rater.processor.outputs import Cause, call_member, charge
from rater.processor.rows import (
    ACCOUNTS,
    CALLS,
    USAGE,
    RememberedCall,
    call_key,
    call_row,
    decode_call,
    labels_hash,
    metered_call,
    usage_key,
)
from rater.processor.watch import watched
from rater.rating.account import Account
from rater.rating.alerts import cannot_alert
from rater.rating.calendar import Period, period_at
from rater.rating.catalog import Tariffs
from rater.rating.charging import (
    charge_call,
    newcomer,
    opened,
    plan_of_segment,
    segment_at,
)
from rater.rating.classes import Classes
from rater.rating.instant import Instant, instant
from rater.rating.names import AccountKey, PeriodName
from rater.rating.units import MINUTES, OTHER, UNKNOWN
from rater.rating.usage import Usage
from rater.seam.model import Record
from rater.wire.events import CallEnded

NO_PERIOD = PeriodName("")
"""Of a call that is only compared with one that was charged before."""


def on_call(
    scope: RecordScope, record: Record, event: CallEnded, key: AccountKey, account: Account | None
) -> Decision | Rejected:
    """Decide on a call of the account whose id as bytes is `key`; `account` is what is kept of it."""
    start, ended = instant(event.started_at), instant(event.ended_at)
    if ended > recorded_at(record) + TOLERANCE and scope.check_timestamps:
        return Rejected("ends-in-future", "the call ends more than 5 minutes after its record's timestamp")
    tariffs = scope.tariffs
    if tariffs is None:
        return Rejected("no-tariff-book", "no tariff book is published yet")
    answered = None if event.answered_at is None else instant(event.answered_at)
    identity = call_key(key, event.source, event.call_id)
    known: bytes | None = scope.calls(identity)
    if known is not None:
        return _again(decode_call(known), _remembered(event, NO_PERIOD, start, answered, ended))
    ready = _open(scope, tariffs, key, account, start)
    if isinstance(ready, Rejected):
        return ready
    answered_by = event.answered_by or UNKNOWN
    call_class = _class_of(event, tariffs.book.classes, ready.account, start)
    chain = tariffs.book.classes.chain(call_class)
    call = metered_call(event.direction, answered, ended, chain, answered_by)
    plan = plan_of_segment(ready.account, ready.usage.segments[ready.segment], scope.plan)
    charged = charge_call(plan, ready.usage, ready.segment, call, tariffs.book.precision)
    period = charged.usage.period
    words = (period, start, answered, ended, event.direction, event.disposition, event.caller, event.callee)
    remembered = call_row(*words, call_class=call_class, answered_by=answered_by, labels=labels_hash(event.labels))
    changes: tuple[Change, ...] = ((USAGE, ready.usage_key, charged.usage), (CALLS, identity, remembered))
    billed = charged.segment.counts[MINUTES.slot] - ready.usage.segments[ready.segment].counts[MINUTES.slot]
    started_at = event.started_at.isoformat()
    member = call_member(event.source, event.call_id, started_at, call, billed, plan.connected, event.labels)
    cause = Cause(member)
    output = charge(scope, record, key, charged, tariffs.book.currency, cause, late=ready.late)
    if ready.account is account:
        decision = Decision(CHARGED, changes, (output,))
        if cannot_alert(account, plan, charged.segment, charged.usage.alerts):
            return decision
    else:
        fees = (charge(scope, record, key, fee, tariffs.book.currency) for fee in ready.fees)
        changes = ((ACCOUNTS, key, ready.account), *usage_changes(key, ready.fees), *changes)
        decision = Decision(CHARGED, changes, (*fees, output), grows=True)
    return watched(scope, record, key, ready.account, decision, ended)


def _class_of(event: CallEnded, classes: Classes, account: Account, start: Instant) -> str:
    """The call's class, by the book in force, and by the wall clock of the account's zone at its true start."""
    if not classes:
        return OTHER
    return classes.class_of(event.direction, event.caller, event.callee, start, account.calendar, event.labels)


def _remembered(
    event: CallEnded, period: PeriodName, start: Instant, answered: Instant | None, ended: Instant
) -> RememberedCall:
    words = (event.direction, event.disposition, event.caller, event.callee)
    answered_by, labels = event.answered_by or UNKNOWN, labels_hash(event.labels)
    return RememberedCall(period, start, answered, ended, *words, answered_by=answered_by, labels=labels)


def _again(known: RememberedCall, said: RememberedCall) -> Decision | Rejected:
    """Equal content, with instants compared as instants, is a repetition; anything else a conflict."""
    if known == said._replace(period=known.period, voided=known.voided, call_class=known.call_class):
        return Decision(DUPLICATE)
    return Rejected("conflict", "a call with this source and call_id but other content was charged before")


def _open(
    scope: RecordScope, tariffs: Tariffs, key: AccountKey, known: Account | None, start: Instant
) -> Opened | Rejected:
    account = known or newcomer(tariffs, scope.clock.forgotten)
    if start < account.known_from:
        # It may have been here under another calendar, and be forgotten with all its calls.
        if known is None:
            return Rejected("too-old", "the account is not known, and calls of this time are forgotten")
        return Rejected("too-old", "nothing is kept of the account from that time: the call could be a repeat")
    period = period_at(account.calendar, start)
    if period.end <= scope.clock.closed:
        return _open_late(scope, tariffs, key, account, period)
    place = usage_key(key, period.name)
    usage: Usage | None = scope.usages(place)
    if usage is not None and (account.next_fee is None or start < account.next_fee):
        index = segment_at(usage, start)
        return no_plan(account, start) if index is None else Opened(account, (), usage, place, index)
    return begin_period(scope.ledger(key, tariffs), account, period, start, place)


def _open_late(
    scope: RecordScope, tariffs: Tariffs, key: AccountKey, account: Account, own: Period
) -> Opened | Rejected:
    """The call's own period is closed: by the book's policy it counts as if it had started in the oldest open one."""
    if own.end <= scope.clock.forgotten:
        return Rejected("too-old", f"the call's period {own.name} is forgotten: nobody could tell it from a repeat")
    if tariffs.book.late == "reject":
        return Rejected("late", f"the call's period {own.name} is closed")
    period = period_at(account.calendar, scope.clock.closed)
    ledger = scope.ledger(key, tariffs)
    usage = opened(account, period, ledger)
    planned = [segment.start for segment in usage.segments if not segment.stands_in]
    if not planned:
        return Rejected("late-no-plan", f"{own.name} is closed, and {period.name}, the oldest open period, has no plan")
    opens = begin_period(ledger, account, period, planned[0], usage_key(key, period.name))
    return opens if isinstance(opens, Rejected) else opens._replace(late=True)
