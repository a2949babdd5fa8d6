"""What becomes of a `call-ended` (rating.md, "From a call to units", "A charge", "Same call twice").

The checks, in this order; only what passes them all changes anything: ends-in-future, no-tariff-book, duplicate or
conflict, unknown-account or account-ended, too-far.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import NamedTuple

import orjson

from rater.core.account import Account, in_force
from rater.core.instant import SECOND, Instant, instant
from rater.core.ledger import (
    Charged,
    TooFar,
    begin,
    charge_call,
    default_calendar,
    opened,
    plan_of_segment,
    segment_at,
    with_period,
)
from rater.core.period import period_at
from rater.core.tariffs import Tariffs
from rater.core.units import talk_seconds
from rater.core.usage import Call, billed
from rater.events.log import CallEnded
from rater.service.decision import CHARGED, DUPLICATE, Change, Decision, Desk, Rejected
from rater.service.outputs import charge
from rater.service.rows import ACCOUNTS, CALLS, USAGE, KnownCall, call_key, decode_call, encode_call, usage_key
from rater.stream.model import Record

TOLERANCE = 300 * SECOND
"""How far the clock of a switch may be ahead of the broker's."""


class Rated(NamedTuple):
    """A call that can be charged: all that the charge says, decided and not yet written down."""

    account: Account
    fees: tuple[Charged, ...]
    charged: Charged


def on_call(desk: Desk, record: Record, event: CallEnded, key: bytes) -> Decision | Rejected:
    """Decide on a call of the account whose id as bytes is `key`; it belongs into this partition."""
    start, ended = instant(event.started_at), instant(event.ended_at)
    if desk.check_timestamps and ended > record.timestamp * 1000 + TOLERANCE:
        return Rejected("ends-in-future", "the call ends more than 5 minutes after its record's timestamp")
    tariffs = desk.tariffs()
    if tariffs is None:
        return Rejected("no-tariff-book", "no tariff book is published yet")
    answered = None if event.answered_at is None else instant(event.answered_at)
    identity = call_key(key, event.source, event.call_id)
    content = _fingerprint(event, start, answered, ended)
    known = desk.get(CALLS, identity)
    if known is not None:
        return _again(decode_call(known), content)
    talk = 0 if answered is None else talk_seconds(answered, ended)
    call = Call(event.direction, answered is not None, talk)
    rated = _rate(desk, tariffs, key, call, start)
    if isinstance(rated, Rejected):
        return rated
    remembered = KnownCall(content, rated.charged.usage.period, start, call.direction, call.connected, talk)
    return _charged(desk, record, event, tariffs, rated, call, (CALLS, identity, encode_call(remembered)))


def _fingerprint(event: CallEnded, start: Instant, answered: Instant | None, ended: Instant) -> str:
    """Of the parsed content: the same however the JSON was laid out and with whatever offsets times were written."""
    content = orjson.dumps((event.caller, event.callee, event.direction, event.disposition, start, answered, ended))
    return blake2b(content, digest_size=12).hexdigest()


def _again(known: KnownCall, content: str) -> Decision | Rejected:
    if known.fingerprint == content:
        return Decision(DUPLICATE)
    return Rejected("conflict", "a call with this source and call_id but other content was charged before")


def _rate(desk: Desk, tariffs: Tariffs, key: bytes, call: Call, start: Instant) -> Rated | Rejected:
    known = desk.account(key)
    account = known or Account(default_calendar(tariffs))
    ledger = desk.ledger(key, tariffs)
    period = period_at(account.calendar, start)
    usage = opened(account, period, ledger)
    index = segment_at(usage, start)
    if index is None:
        return _no_plan(account, start)
    fees: tuple[Charged, ...] = ()
    if account.next_fee is not None and start >= account.next_fee:
        begun = begin(account, start, ledger)
        if isinstance(begun, TooFar):
            return too_far(begun)
        account, fees = begun
        usage = next((fee.usage for fee in fees if fee.usage.period == period.name), usage)
    plan = plan_of_segment(account, usage.segments[index], desk.plan)
    charged = charge_call(plan, usage, index, call, start, tariffs.book.precision)
    return Rated(with_period(account, period.name), fees, charged)


def _no_plan(account: Account, start: Instant) -> Rejected:
    if in_force(account.history, start) is None:
        return Rejected(
            "unknown-account", "no subscription is in force when the call starts, and there is no default plan"
        )
    return Rejected("account-ended", "the account's subscription has ended when the call starts")


def _charged(
    desk: Desk, record: Record, event: CallEnded, tariffs: Tariffs, rated: Rated, call: Call, remembered: Change
) -> Decision:
    key, charged = record.key or b"", rated.charged
    words = {
        "source": event.source,
        "call_id": event.call_id,
        "started_at": event.started_at,
        "connected": call.connected,
        "talk_seconds": call.talk,
        "billed_seconds": billed(charged.plan, call),
    }
    currency = tariffs.book.currency
    output = charge(desk, record, charged, currency, words)
    changes: tuple[Change, ...] = ((USAGE, usage_key(key, charged.usage.period), charged.usage), remembered)
    if rated.account is not desk.account(key):
        changes = ((ACCOUNTS, key, rated.account), *usage_changes(key, rated.fees), *changes)
    fees = (charge(desk, record, fee, currency) for fee in rated.fees)
    return Decision(CHARGED, changes, (*fees, output))


def usage_changes(key: bytes, charges: tuple[Charged, ...]) -> tuple[Change, ...]:
    """The usage after each of the charges; of one period the later holds."""
    return tuple((USAGE, usage_key(key, charged.usage.period), charged.usage) for charged in charges)


def too_far(begun: TooFar) -> Rejected:
    """A date so far off that too many periods would fall due at once."""
    return Rejected("too-far", f"the fees of more than {begun.periods} periods would fall due at once")
