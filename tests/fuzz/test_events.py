"""Hostile records: every value is an event or a known reason, always the same, at a cost that its size bounds."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rater.processor.replay import Replay
from rater.processor.step import make_step
from rater.seam.model import LogRecord
from rater.wire.events import LOG_EVENTS
from rater.wire.parse import Invalid, parse
from rater.wire.reasons import REASON_WORDS
from tests.fuzz.bounds import FUZZ, TooMuchWorkError, bounded, memory, work
from tests.laws.worlds import BEGINNING, EXTRA, SHIPPED, STAMP
from tests.support.logs import Event, call, published, record, subscribed, tick

BOOK = published({**SHIPPED, "plans": {**SHIPPED["plans"], **EXTRA}})
EVENTS: list[Event] = [
    call("A", 1),
    call("A", 2, None),
    subscribed("A", "hybrid-200", BEGINNING, billing_day=15),
    subscribed("B", {"fee": "1.5", "minutes": {"graduated": [{"from": 0, "rate": "1", "flat": "2"}]}}),
    BOOK,
    tick("2026-11-01T00:00:00Z"),
    {"type": "call-voided/1", "account": "A", "source": "pbx-1", "call_id": "c-1", "reason": "test"},
    {"type": "account-adjusted/1", "account": "A", "adjustment_id": "x", "amount": "-1.50", "reason": "test"},
]
"""One of each kind; what is torn and put in comes on top of them."""

LARGE = 65_000
"""Bytes: nearly the largest record that is read."""

ODD = [
    b"NaN",
    b"-Infinity",
    b"1e999999",
    b"-0",
    b"0." + b"9" * 400,
    b"9" * 5000,
    b'"\\ud800"',
    b'"\\udc00\\ud800"',
    b'"' + b"x" * 3000 + b'"',
    b'"\xff"',
    b'"\\u0000"',
    b'"2026-11-01T00:00:60Z"',
    b'"9999-12-31T23:59:59-23:59"',
    b'"0001-01-01T00:00:00+23:59"',
    b'"2026-02-30T00:00:00Z"',
    b'"1e5"',
    b"true",
    b"null",
    b"[" * 40 + b"]" * 40,
    b'{"a":' * 40 + b"1" + b"}" * 40,
    b"{}",
    b"[]",
]
"""Values that readers stumble over."""


def filled(head: bytes, part: bytes, tail: bytes) -> bytes:
    """A value of nearly the largest size, most of it `part` again and again."""
    return head + part * ((LARGE - len(head) - len(tail)) // len(part)) + tail


_BOOK = b'{"type":"tariffs-published/1","book":'
TRAPS = {
    "lists": filled(b"", b"[", b""),
    "objects": filled(b"", b'{"a":', b""),
    "names": filled(b'{"type":"call-ended/1"', b',"a":1', b"}"),
    "other-names": b'{"type":"call-ended/1",' + b",".join(b'"%d":1' % n for n in range(6000)) + b"}",
    "plans": _BOOK + b'{"plans":{' + b",".join(b'"%d":{}' % n for n in range(6000)) + b"}}}",
    "bands": filled(_BOOK + b'{"plans":{"a":{"calls":{"volume":[', b"{},", b"{}]}}}}}"),
    "entries": filled(_BOOK + b"[", b"[],", b"1]}"),
    "string": filled(b'{"type":"call-ended/1","account":"', b"x", b'"}'),
    "escapes": filled(b'{"type":"call-ended/1","account":"', b"\\u0041", b'"}'),
    "digits": filled(b'{"type":"clock-ticked/1","at":', b"9", b"}"),
    "zeros": filled(b'{"type":"account-adjusted/1","amount":"1.', b"0", b'"}'),
    "quotes": filled(b'{"type":"call-ended/1","account":"', b'\\"', b'"}'),
    "spaces": filled(b'{"type":"call-ended/1"', b" ", b"}"),
    "nothing": filled(b"", b"\x00", b""),
}
"""Large values that a careless reader pays for out of all proportion, or recurses into."""


def answered(value: bytes) -> None:
    """The value is an event or a known reason with one short line, the same each time, and for little."""
    found = bounded(lambda: parse(value), 2_000 + 8 * len(value), 1_000_000 + 1000 * len(value))
    assert found == parse(value)
    assert isinstance(found, (*LOG_EVENTS.values(), Invalid))
    if isinstance(found, Invalid):
        assert found.reason in REASON_WORDS
        assert 0 < len(found.detail) <= 300
        assert found.detail.isprintable()


def folded(records: list[LogRecord]) -> None:
    """The step gives each record an outcome other than an error in the rules, the same ones each time."""
    found = []
    for _ in range(2):
        log = Replay(make_step(), partitions=2)
        log.feed(0, [record(0, BOOK, STAMP)])
        found.append((log.feed(0, records), log.outcomes()))
    assert found[0] == found[1]
    assert "rejected:internal-error" not in found[0][1]
    assert sum(found[0][1].values()) == 1 + len(records)


@st.composite
def torn(draw: st.DrawFn) -> bytes:
    """An event with a part of its bytes replaced."""
    value = orjson.dumps(draw(st.sampled_from(EVENTS)))
    at, cut = draw(st.integers(0, len(value))), draw(st.integers(0, 30))
    return value[:at] + draw(st.binary(max_size=6) | st.sampled_from(ODD)) + value[at + cut :]


@st.composite
def replaced(draw: st.DrawFn) -> bytes:
    """An event with one of its values, however deep, replaced by an odd one, or said twice, or under another name."""
    event = json.loads(json.dumps(draw(st.sampled_from(EVENTS))))
    holder: Any = event
    while True:
        name = draw(st.sampled_from(list(holder) if isinstance(holder, dict) else list(range(len(holder)))))
        if not holder[name] or not isinstance(holder[name], dict | list) or draw(st.booleans()):
            break
        holder = holder[name]
    odd = draw(st.sampled_from(ODD))
    holder[name] = "@@"
    value = json.dumps(event, separators=(",", ":")).encode()
    if isinstance(holder, dict):
        said = json.dumps(name).encode()
        again = draw(st.sampled_from([said + b":@@", said + b":@@," + said + b":1", b'"\\u0061":@@']))
        value = value.replace(said + b':"@@"', again.replace(b"@@", odd))
    return value.replace(b'"@@"', odd)


values = torn() | replaced() | st.binary(max_size=80)


@FUZZ
@given(values)
def test_every_value_is_answered(value: bytes) -> None:
    """Torn and odd events are answered, deterministically, in work and memory that their size bounds."""
    answered(value)


@pytest.mark.parametrize("trap", TRAPS)
def test_large_traps_cost_in_proportion(trap: str) -> None:
    """No large value makes the parser recurse, multiply, or look at everything twice over."""
    answered(TRAPS[trap])
    folded([LogRecord(1, STAMP, b"A", TRAPS[trap])])


@FUZZ
@given(
    st.lists(st.tuples(values, st.none() | st.sampled_from([b"A", b"B", b"\xff"]), st.integers(-(2**63), 2**63 - 1)))
)
def test_the_step_folds_them(found: list[tuple[bytes, bytes | None, int]]) -> None:
    """In the step no record meets an error in the rules, whatever its value, key and timestamp."""
    stamped = [(value, key, stamp if stamp % 2 else STAMP) for value, key, stamp in found]
    folded([LogRecord(1 + n, stamp, key, value) for n, (value, key, stamp) in enumerate(stamped)])


def test_the_bounds_can_fail() -> None:
    """Work without end is broken off, and much memory is seen."""

    def endless() -> None:
        while True:
            len("")

    with pytest.raises(TooMuchWorkError):
        work(endless, 1000)
    assert memory(lambda: bytes(1_000_000))[1] >= 1_000_000
    with pytest.raises(AssertionError):
        bounded(lambda: bytes(1_000_000), 100, 1000)
