"""The messages that a step publishes, as structs and dicts; a test holds each to its pydantic model.

Bodies depend on the log alone; where a message came from stands in its headers (contracts.md).
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from typing import Any, NamedTuple

import orjson
from msgspec import UNSET, Raw, UnsetType

from rater.processor.decision import RecordScope, Rejected
from rater.rating.book import Connected, Meter, Plan
from rater.rating.catalog import Tariffs
from rater.rating.charging import Charged
from rater.rating.fees import by_kind
from rater.rating.instant import moment
from rater.rating.lifecycle import Closing
from rater.rating.lines import FEE, GUARANTEE, UNPRICED, Line
from rater.rating.money import nothing, plain
from rater.rating.names import AccountKey
from rater.rating.units import CONNECTED_CALLS, MINUTES, OTHER, UNITS, UNKNOWN, Call, Counts
from rater.rating.usage import Segment
from rater.seam.model import Output, Record
from rater.wire.result_codec import CallMember, ChargeMessage, LineMember, encode

VALUE_LIMIT = 256 * 1024
KEY_LIMIT = 64 * 1024
"""Bytes that a `rejected` carries whole; of more it carries length, SHA-256 and the first 1 KiB. Both fit 512 KiB."""
EXCERPT = 1024
FIRST_PLACE = "rater-first"
"""Header of a record that was sent again: the place of its first rejection, under which it is one item."""

SPECVERSION = ("ce_specversion", b"1.0")
SOURCE = ("ce_source", b"rater")
CHARGE = ("ce_type", b"charge/1")
_CLOSED = ("ce_type", b"period-closed/1")
_REJECTED = ("ce_type", b"rejected/1")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@lru_cache(maxsize=1024)
def second_text(seconds: int) -> str:
    """A second since 1970 as RFC 3339 without an offset."""
    try:
        return (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")
    except OverflowError:
        return "1970-01-01T00:00:00"


@lru_cache(maxsize=1024)
def time_header(timestamp: int) -> tuple[str, bytes]:
    """The header `ce_time` of a record's timestamp in milliseconds; records of a batch often share theirs."""
    return "ce_time", f"{second_text(timestamp // 1000)}.{timestamp % 1000:03d}Z".encode()


def headers(
    scope: RecordScope, record: Record, message: tuple[str, bytes], ident: str
) -> tuple[tuple[str, bytes], ...]:
    """The headers of a message that `record` caused."""
    return message_headers(f"{scope.place}{record.offset}", record.timestamp, message, ident)


def message_headers(
    place: str, timestamp: int, message: tuple[str, bytes], ident: str
) -> tuple[tuple[str, bytes], ...]:
    """The CloudEvents attributes, and the place in the log that a message came from."""
    return (
        SPECVERSION,
        ("ce_id", ident.encode()),
        message,
        SOURCE,
        time_header(timestamp),
        ("rater-from", place.encode()),
    )


def forward(scope: RecordScope, record: Record, message: str, partition: int) -> Output:
    """The record, unchanged, to the partition that its key belongs to."""
    marks = headers(scope, record, ("ce_type", message.encode()), f"{scope.partition}:{record.offset}")
    return Output("calls", partition, record.key, record.value, record.timestamp, (*marks, *first_place(record)))


def rejection(scope: RecordScope, record: Record, why: Rejected) -> Output:
    """The record to the topic `rejected`, with the reason."""
    return rejected_record(f"{scope.place}{record.offset}", scope.partition, record, why)


def rejected_record(place: str, partition: int, record: Record, why: Rejected) -> Output:
    """A record as it came, which stands at `place`, to the role `rejected`; one sent again names its first place."""
    body: dict[str, Any] = {"type": "rejected/1", "reason": why.reason, "detail": why.detail}
    key, value = record.key, record.value
    body["key"] = _original(key, KEY_LIMIT)
    body["value"] = _original(value, VALUE_LIMIT)
    marks = message_headers(place, record.timestamp, _REJECTED, f"{partition}:{record.offset}")
    again = key if key is None else key[:EXCERPT]
    return Output("rejected", partition, again, orjson.dumps(body), record.timestamp, (*marks, *first_place(record)))


def first_place(record: Record) -> tuple[tuple[str, bytes], ...]:
    """The header of a record that was sent again, for what comes of it; nothing for others."""
    return tuple(mark for mark in record.headers if mark[0] == FIRST_PLACE)[:1]


def failures(outputs: Iterable[Output]) -> Iterator[tuple[str, str]]:
    """The places of the records that the rules failed on, and where in the rules; nothing that the records say."""
    for output in outputs:
        if output.topic == "rejected":
            body = orjson.loads(output.value or b"{}")
            if body["reason"] == "internal-error":
                yield dict(output.headers)["rater-from"].decode(), body["detail"]


def _original(data: bytes | None, limit: int) -> Any:
    if data is None:
        return None
    if len(data) <= limit:
        return b64encode(data).decode()
    return {"length": len(data), "sha256": sha256(data).hexdigest(), "start": b64encode(data[:EXCERPT]).decode()}


class Cause(NamedTuple):
    """What a charge is for; members that say nothing are left out of it."""

    call: CallMember | UnsetType = UNSET
    adjustment_id: str | UnsetType = UNSET
    subscription_id: str | UnsetType = UNSET
    reason: str | UnsetType = UNSET
    book: int | UnsetType = UNSET


NO_CAUSE = Cause()
"""Of a fee."""


def charge(
    scope: RecordScope,
    record: Record,
    key: AccountKey,
    charged: Charged,
    currency: str,
    cause: Cause = NO_CAUSE,
    *,
    late: bool = False,
) -> Output:
    """A charge of the account whose id as bytes is `key`, to the partition of its calls."""
    usage, segment = charged.usage, charged.segment
    account = key.decode()
    charge_id = f"{account}:{usage.period}:{usage.seq}"
    body = ChargeMessage(
        charge_id=charge_id,
        account=account,
        period=usage.period,
        seq=usage.seq,
        kind=charged.kind,
        plan=segment.plan_id,
        call=cause.call,
        adjustment_id=cause.adjustment_id,
        subscription_id=cause.subscription_id,
        reason=cause.reason,
        book=cause.book,
        lines=Raw(lines_json(charged.lines)),
        amount=plain(charged.amount),
        currency=currency,
        period_total=plain(usage.total),
        allowance_left=allowance_left(charged.plan, segment),
        late=late,
    )
    marks = headers(scope, record, CHARGE, charge_id)
    return Output("charges", scope.partition, key, encode(body), record.timestamp, marks)


def period_closed(scope: RecordScope, record: Record, key: AccountKey, words: dict[str, Any]) -> Output:
    """The end of a period, behind its last charge; `words` are those of `closed_words`."""
    account = key.decode()
    body = {"type": "period-closed/1", "account": account, **words}
    marks = headers(scope, record, _CLOSED, f"{account}:{words['period']}:closed")
    return Output("charges", scope.partition, key, orjson.dumps(body), record.timestamp, marks)


_SELDOM = ("items", "setup", "minimum", "credit")
"""What a segment of a closed period has only where there is any."""


def closed_words(closing: Closing, tariffs: Tariffs) -> dict[str, Any]:
    """A final usage for people and machines, segment by segment."""
    usage = closing.usage
    amounts = by_kind(closing.fees)
    for one in closing.settled:
        amounts[one.segment.start, one.kind] = one.amount
    parts = {place: plain(amount) for place, amount in amounts.items()}
    nought = plain(nothing(tariffs.book.precision))
    segments = [
        {
            "plan": segment.plan_id,
            "start": moment(segment.start).isoformat(),
            **counts_words(segment.counts),
            "price": plain(segment.cost),
            "fee": parts.get((segment.start, FEE), nought),
            **{kind: parts[segment.start, kind] for kind in _SELDOM if (segment.start, kind) in parts},
        }
        for segment in usage.segments
    ]
    return {
        "period": usage.period,
        "start": moment(usage.start).isoformat(),
        "end": moment(usage.end).isoformat(),
        "segments": segments,
        "adjustments": plain(usage.manual),
        "attempts": usage.attempts,
        "connected": usage.connected,
        "total": plain(usage.total),
        "currency": tariffs.book.currency,
        "last_seq": usage.seq,
    }


def counts_words(counts: Counts) -> dict[str, Any]:
    """What was used, as `spend` and `period-closed` say it: units other than the first two only where there are any."""
    first: dict[str, Any] = {
        "minutes": MINUTES.text(counts[MINUTES.slot]),
        "connected_calls": counts[CONNECTED_CALLS.slot],
    }
    more = {unit.name: unit.text(counts[unit.slot]) for unit in UNITS[2:] if counts[unit.slot]}
    return first | {"used": more} if more else first


def call_member(
    source: str,
    call_id: str,
    started_at: str,
    call: Call,
    billed: int,
    meaning: Connected | None,
    labels: Mapping[str, str] | None = None,
) -> CallMember:
    """The member `call` of a charge; `billed` in seconds, `meaning` is what its plan means by connected."""
    direction, connected, talk, classes, answered_by = call
    why_not = meaning.why_not(talk, answered_by) if meaning is not None and connected else None
    return CallMember(
        *(source, call_id, started_at, direction, connected and why_not is None, talk, billed),
        call_class=class_member(classes[0]),
        answered_by=UNSET if answered_by == UNKNOWN else answered_by,
        not_connected=UNSET if why_not is None else why_not,
        labels=dict(sorted(labels.items())) if labels else UNSET,
    )


def class_member(call_class: str) -> str | UnsetType:
    """A call's class, where it says something."""
    return UNSET if call_class == OTHER else call_class


def allowance_left(plan: Plan, segment: Segment) -> dict[str, str]:
    """What is left of the plan's allowances, of the meters that have one."""
    return {meter.name: _left(meter, segment.counts[meter.slot]) for meter in plan.meters if meter.allowance != 0}


def _left(meter: Meter, used: int) -> str:
    if meter.allowance is None:
        return "unlimited"
    return meter.unit.text(max(0, meter.allowance * meter.unit.per - used))


_TEXT = {unit.name: unit.text for unit in UNITS}
"""How the quantities of a line are written, by its meter."""


def lines_json(lines: tuple[Line, ...]) -> bytes:
    """The lines of a charge as JSON."""
    return encode([_line(line) for line in lines])


def _line(line: Line) -> LineMember:
    meter, quantity, covered, billable, rate, amount, repriced_from, plan, days, of, unit, part = line
    if meter in UNPRICED:
        return LineMember(meter, amount=plain(amount))
    if meter == GUARANTEE and rate is not None:
        return LineMember(meter, amount=plain(amount), guaranteed=plain(rate), attempts=quantity, connected=covered)
    count = _TEXT.get(meter, str) if unit is None else unit.text
    return LineMember(
        meter,
        count(quantity),
        count(covered),
        count(billable),
        UNSET if rate is None else plain(rate),
        plain(amount),
        UNSET if repriced_from is None else plain(repriced_from),
        plan=UNSET if plan is None else plan,
        days=days if of else UNSET,
        of=of or UNSET,
        call_class=part or UNSET,
        unit=UNSET if unit is None else unit.name,
    )
