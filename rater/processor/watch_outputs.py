"""The messages for people who watch: `spend` and `alert` (contracts.md), built by hand as the charges are."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache

import orjson
from msgspec import UNSET

from rater.processor.decision import RecordScope
from rater.processor.outputs import allowance_left, counts_words, headers
from rater.rating.account import Account, in_effect
from rater.rating.alerts import Alert
from rater.rating.book import Book
from rater.rating.connect_rate import interval
from rater.rating.forecast import Forecast, PlanOfSegment
from rater.rating.instant import Instant, moment
from rater.rating.money import plain
from rater.rating.names import AccountKey, PeriodName
from rater.rating.settlement import Standing, standing
from rater.rating.units import OF_UNITS, Counts
from rater.rating.usage import Segment, Usage
from rater.seam.model import Output, Record
from rater.wire.result_codec import ConnectRateMember, ForecastMember, GuaranteeMember, SpendMessage, encode

_SPEND = ("ce_type", b"spend/1")
_ALERT = ("ce_type", b"alert/1")


def spend_key(key: AccountKey, period: PeriodName) -> bytes:
    """The key of an account's period in the topic `spend`: `A000123:2026-11`."""
    return key + b":" + period.encode()


def spend(
    scope: RecordScope,
    record: Record,
    key: AccountKey,
    account: Account,
    usage: Usage,
    plan_of: PlanOfSegment,
    expected: Forecast | None,
    book: Book,
) -> Output:
    """The latest state of an account's period, as of the last record of a batch."""
    guarantee = standing(usage, plan_of, book.precision)
    segment, counts = _counts(usage)
    cap = guaranteed = None
    if account.watched:
        cap = in_effect(account.history, "spend_cap", usage.end - 1)
        guaranteed = in_effect(account.history, "guaranteed_connect_rate", usage.end - 1)
    name = spend_key(key, usage.period)
    body = SpendMessage(
        account=key.decode(),
        period=usage.period,
        start=_time(usage.start),
        end=_time(usage.end),
        time_zone=account.calendar.at(usage.start).zone,
        plan=segment.plan_id,
        seq=usage.seq,
        **counts_words(counts),
        allowance_left=allowance_left(plan_of(segment), segment),
        total=plain(usage.total),
        fees=plain(usage.fees.quantize(usage.total)),
        currency=book.currency,
        forecast=None if expected is None else ForecastMember(*map(plain, expected)),
        spend_cap=None if cap is None else plain(cap),
        guaranteed_connect_rate=None if guaranteed is None else plain(guaranteed),
        connect_rate=_connect_rate(usage.connected, usage.attempts),
        guarantee=UNSET if guarantee is None else _guarantee(guarantee),
    )
    marks = headers(scope, record, _SPEND, f"{name.decode()}:{usage.seq}")
    return Output("spend", scope.partition, name, encode(body), record.timestamp, marks)


def _guarantee(found: Standing) -> GuaranteeMember:
    (connect_rate, from_attempts, _), attempts, connected, credit = found
    return GuaranteeMember(plain(connect_rate), from_attempts, attempts, connected, plain(credit))


def _counts(usage: Usage) -> tuple[Segment, Counts]:
    """The segment that was used last in time, and what all of them counted."""
    segments = usage.segments
    if len(segments) == 1:
        return segments[0], segments[0].counts
    last = max(segments, key=lambda one: (any(one.counts), one.start))
    return last, tuple(sum(count) for count in zip(*(one.counts[OF_UNITS] for one in segments), strict=True))


def forgotten(scope: RecordScope, record: Record, key: AccountKey, period: PeriodName) -> Output:
    """The end of a period's spend: its topic keeps what the rater remembers, and no more."""
    name = spend_key(key, period)
    return Output(
        "spend", scope.partition, name, None, record.timestamp, headers(scope, record, _SPEND, f"{name.decode()}:end")
    )


def alert(scope: RecordScope, record: Record, key: AccountKey, usage: Usage, raised: Alert, at: Instant) -> Output:
    """Something that a person should know, shown by an event of the instant `at`."""
    account = key.decode()
    ident = f"{account}:{usage.period}:{raised.mark}"
    value = plain(Decimal(raised.value)) if raised.meter is None else raised.meter.unit.text(int(raised.value))
    body: dict[str, object] = {
        "type": "alert/1",
        "alert_id": ident,
        "account": account,
        "period": usage.period,
        "kind": raised.kind,
    }
    if raised.meter is not None:
        body["meter"] = raised.meter.name
    body |= {"at": moment(at).isoformat(), "value": value, "limit": plain(raised.limit)}
    if raised.around is not None:
        body |= {"low": plain(raised.around.low), "high": plain(raised.around.high)}
    if raised.measure == "money" and scope.tariffs is not None:
        body["currency"] = scope.tariffs.book.currency
    marks = headers(scope, record, _ALERT, ident)
    return Output("alerts", scope.partition, key, orjson.dumps(body), record.timestamp, marks)


@lru_cache(maxsize=4096)
def _time(at: Instant) -> str:
    return moment(at).isoformat()


@lru_cache(maxsize=16_384)
def _connect_rate(connected: int, attempts: int) -> ConnectRateMember:
    found = interval(connected, attempts)
    shares = () if found is None else (plain(found.rate), plain(found.low), plain(found.high))
    return ConnectRateMember(attempts, connected, *shares)
