"""What becomes of a `call-voided` (rating.md, "Same call twice").

The checks, in this order: unknown-call, duplicate (voided before), closed-period.
"""

from __future__ import annotations

from rater.processor.decision import DUPLICATE, VOIDED, Change, Decision, RecordScope, Rejected
from rater.processor.outputs import Cause, call_member, charge
from rater.processor.rows import (
    CALLS,
    USAGE,
    call_key,
    decode_call,
    encode_call,
    usage_key,
)
from rater.rating.account import Account
from rater.rating.charging import plan_of_segment, segment_of
from rater.rating.corrections import reverse_call
from rater.rating.instant import moment
from rater.rating.names import AccountKey
from rater.rating.units import MINUTES
from rater.rating.usage import Usage
from rater.seam.model import Record
from rater.wire.events import CallVoided


def on_voided(
    scope: RecordScope, record: Record, event: CallVoided, key: AccountKey, account: Account | None
) -> Decision | Rejected:
    """Take a rated call back: its period is then as if the call had never been."""
    tariffs = scope.tariffs
    identity = call_key(key, event.source, event.call_id)
    row: bytes | None = scope.calls(identity)
    if tariffs is None or account is None or row is None:
        return Rejected("unknown-call", "no call with this source and call_id was rated")
    known = decode_call(row)
    if known.voided:
        return Decision(DUPLICATE)
    place = usage_key(key, known.period)
    usage: Usage | None = scope.usages(place)
    if usage is None:
        return Rejected("closed-period", f"the call was charged in {known.period}, which is closed")
    found = segment_of(usage, known.start)
    index = found or 0
    plan = plan_of_segment(account, usage.segments[index], scope.plan)
    call = known.metered(tariffs.book.classes)
    reversed_ = reverse_call(plan, usage, index, call, tariffs.book.precision, uncounted=found is None)
    changes: tuple[Change, ...] = (
        (USAGE, place, reversed_.usage),
        (CALLS, identity, encode_call(known._replace(voided=True))),
    )
    started = moment(known.start).isoformat()
    member = call_member(event.source, event.call_id, started, call, plan.count(call)[MINUTES.slot], plan.connected)
    cause = Cause(member, reason=event.reason)
    return Decision(VOIDED, changes, (charge(scope, record, key, reversed_, tariffs.book.currency, cause),))
