"""How usage is written to the changelog: `decode_usage(encode_usage(usage)) == usage` to the last decimal place.

Counters of units that were not always there stand behind the older fields, up to the last that is not 0: so the row of
a plan without them is what it was before they came.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import orjson

from rater.rating.catalog import shared
from rater.rating.instant import Instant
from rater.rating.names import PlanId
from rater.rating.units import NO_COUNTS, OF_UNITS, Counts
from rater.rating.usage import UNSEEN, DailyStats, Segment, Usage
from rater.wire.result_codec import encode


def encode_usage(usage: Usage) -> bytes:
    """A row of the table `usage`."""
    period, start, end, segments, seq, total, fees, manual, attempts, connected, looks, alerts = usage
    parts = [_segment_words(segment) for segment in segments]
    words = (period, start, end, parts, seq, total, fees, manual, attempts, connected)
    return encode(words if looks is UNSEEN and not alerts else (*words, _looks_words(looks), alerts))


def _segment_words(segment: Segment) -> tuple[object, ...]:
    """A segment; the counters of units that were not always there come last, up to the last that is not 0.

    Those of meters that share a unit stand behind them in a list of their own: with a new unit they are still found.
    """
    start, plan_id, inline, counts, cost, days, of, until = segment
    words = (start, plan_id, 1 if inline else 0, counts[0], counts[1], cost)
    if len(counts) > len(NO_COUNTS):
        units = counts[OF_UNITS]
        return (*words, days, of, until, *units[2 : _used_slots(units)], counts[len(NO_COUNTS) :])
    if any(counts[2:]):
        return (*words, days, of, until, *counts[2 : _used_slots(counts)])
    return (*words, days, of, until) if of or until else words


def _used_slots(*counts: Counts) -> int:
    """How many slots there are up to the last in which anything was counted."""
    return max((slot for some in counts for slot, count in enumerate(some, start=1) if count), default=0)


def _looks_words(looks: DailyStats) -> tuple[int, ...]:
    since, until, days, counts, squares = looks
    used = _used_slots(counts, squares)
    return (since, until, days, *counts[:2], *squares[:2], *counts[2:used], *squares[2:used])


def _looks(words: list[int]) -> DailyStats:
    """Read `_looks_words`, also of a version that had fewer units."""
    since, until, days, *units = words
    more = units[4:]
    half = len(more) // 2
    counts, squares = (*units[:2], *more[:half]), (*units[2:4], *more[half:])
    return DailyStats(since, until, days, _all_slots(counts), _all_slots(squares))


def _all_slots(counts: Sequence[int]) -> Counts:
    return (*counts, *NO_COUNTS[len(counts) :])


def decode_usage(value: bytes) -> Usage:
    """The usage of a row."""
    period, start, end, segments, seq, total, fees, manual, attempts, connected, *watched = orjson.loads(value)
    looks, alerts = (_looks(watched[0]), tuple(watched[1])) if watched else (UNSEEN, ())
    return Usage(
        shared(period),
        start,
        end,
        tuple(_segment(*words) for words in segments),
        seq,
        Decimal(total),
        Decimal(fees),
        Decimal(manual),
        attempts,
        connected,
        looks,
        alerts,
    )


def _segment(at: Instant, plan: PlanId, inline: int, seconds: int, calls: int, cost: str, *more: Any) -> Segment:
    days, units, own = more[:3], list(more[3:]), ()
    if units and isinstance(units[-1], list):
        own = units.pop()
    counts = (*_all_slots((seconds, calls, *units)), *own)
    return Segment(at, shared(plan), bool(inline), counts, Decimal(cost), *days)
