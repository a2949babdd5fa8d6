"""From bytes to an event of the log, or to the reason why not."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rater.wire.events import LOG_EVENTS, AccountSubscribed, CallEnded
from rater.wire.parse import Invalid, parse
from rater.wire.reasons import REASON_WORDS, REASONS
from rater.wire.tariff_book import PlanWords

CALL = (
    b'{"type":"call-ended/1","account":"A000123","source":"pbx-1","call_id":"c-1","caller":"+861012345678",'
    b'"callee":"+861087654321","direction":"outbound","started_at":"2026-11-01T08:00:00+08:00",'
    b'"answered_at":"2026-11-01T08:00:07+08:00","ended_at":"2026-11-01T08:01:54+08:00","disposition":"answered"}'
)
SUBSCRIBED = (
    b'{"type":"account-subscribed/1","account":"A1","subscription_id":"s-1","plan":PLAN,'
    b'"from":"2026-11-01T00:00:00+08:00"}'
)

junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=20,
)
times = st.datetimes(datetime(1970, 1, 2), datetime(2999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001 - bounds


def harmless(answer: object) -> None:
    """The answer is an event, or a known reason with one short line."""
    assert isinstance(answer, (*LOG_EVENTS.values(), Invalid))
    if isinstance(answer, Invalid):
        assert answer.reason in REASON_WORDS
        assert answer.detail
        assert len(answer.detail) <= 300
        assert answer.detail.isprintable()


@given(st.binary(max_size=200))
def test_bytes(data: bytes) -> None:
    """No bytes raise."""
    harmless(parse(data))


@given(st.binary(max_size=8), st.integers(0, len(CALL)), st.integers(0, 20))
def test_damaged_call(damage: bytes, at: int, cut: int) -> None:
    """A call with any few bytes replaced does not raise, and is judged the same each time."""
    data = CALL[:at] + damage + CALL[at + cut :]
    harmless(parse(data))
    assert parse(data) == parse(data)


@given(st.sampled_from(sorted(LOG_EVENTS)), st.dictionaries(st.text(max_size=12), junk, max_size=5))
def test_any_shape(name: str, fields: dict[str, Any]) -> None:
    """A known type with any fields does not raise."""
    harmless(parse(json.dumps({"type": name, **fields}).encode(errors="surrogatepass")))


@given(st.data())
def test_any_field_replaced(data: st.DataObject) -> None:
    """A call, subscription or tariff book with any field replaced by anything does not raise."""
    book = {"version": 1, "currency": "CNY", "time_zone": "UTC", "plans": {"p": {"calls": {"rate": "1"}}}}
    plan = {"fee": "1", "minutes": {"volume": [{"from": 0, "rate": "1"}], "directions": ["inbound"]}}
    event = data.draw(
        st.sampled_from(
            [
                json.loads(CALL),
                json.loads(SUBSCRIBED.replace(b"PLAN", json.dumps(plan).encode())),
                {"type": "tariffs-published/1", "book": book},
            ]
        )
    )
    holder: Any = event
    while True:
        names = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        name = data.draw(st.sampled_from(names))
        if not isinstance(holder[name], dict | list) or data.draw(st.booleans()):
            break
        holder = holder[name]
    holder[name] = data.draw(junk)
    harmless(parse(json.dumps(event).encode(errors="surrogatepass")))


@pytest.mark.parametrize(
    "data",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"type":"call-ended/1",' + b'"a":[' * 100_000,
        b'{"type":"call-ended/1","account":' + b"[" * 900 + b"]" * 900 + b"}",
        b'{"type":"clock-ticked/1","at":' + b"9" * 100_000 + b"}",
        b'{"type":"tariffs-published/1","book":{"version":' + b"9" * 5_000 + b"}}",
        b'{"type":"clock-ticked/1","at":1e999999}',
        b'{"type":"\\ud800"}',
        b'{"type":{}}',
        b"\xef\xbb\xbf{}",
        b"\x00" * 1_000,
    ],
)
def test_known_traps(data: bytes) -> None:
    """Deep nesting, endless numbers, lone surrogates and the like are refused."""
    assert isinstance(parse(data), Invalid)
    harmless(parse(data))


def test_tombstone() -> None:
    """A record without a value is refused."""
    assert parse(None) == Invalid("not-json", "the record has no value")


def test_call(call_bytes: bytes) -> None:
    """A call is read into aware datetimes and words."""
    read = parse(call_bytes)
    assert isinstance(read, CallEnded)
    assert read.started_at == datetime(2026, 11, 1, 0, 0, 0, 123000, UTC)
    assert read.answered_at == datetime(2026, 11, 1, 0, 0, 7, 1000, UTC)
    assert read.ended_at.utcoffset() == timedelta(hours=8)
    assert (read.account, read.call_id, read.disposition) == ("A000123", "c-0000001", "answered")


@pytest.mark.parametrize("change", [{}, {"answered_at": None, "disposition": "busy"}, {"caller": 'a "quoted" \\ name'}])
def test_both_paths_agree(call: dict[str, Any], change: dict[str, Any]) -> None:
    """A call is the same event whether or not `type` comes first, and however its JSON is spaced."""
    call.update(change)
    fast = json.dumps(call, separators=(",", ":")).encode()
    slow = json.dumps(dict(reversed(call.items())), indent=3).encode()
    assert isinstance(parse(fast), CallEnded)
    assert parse(fast) == parse(slow)


def test_answered_at_left_out(call: dict[str, Any]) -> None:
    """Without an answer, `answered_at` may be left out on the fast path too."""
    del call["answered_at"]
    read = parse(json.dumps(call | {"disposition": "failed"}, separators=(",", ":")).encode())
    assert isinstance(read, CallEnded)
    assert read.answered_at is None


@pytest.mark.parametrize(
    ("answered", "twice"),
    [
        (True, b'"account":"A000123"'),
        (True, b'"\\u0061ccount":"A000123"'),
        (True, b'"account":1'),
        (True, b'"answered_at":null'),
        (False, b'"account":1'),
        (False, b'"answered_at":null,"answered_at":null'),
        (False, b'"account":"A9"'),
    ],
)
def test_field_twice(call: dict[str, Any], answered: bool, twice: bytes) -> None:  # noqa: FBT001 - a table
    """A field that is given twice is refused, however it is written and whichever comes last."""
    if not answered:
        del call["answered_at"]
        call["disposition"] = "busy"
    data = json.dumps(call, separators=(",", ":")).encode()
    first = data.replace(b'"account"', twice + b',"account"', 1)
    assert parse(first) == Invalid("wrong-shape", "a field is given twice in the same object")


def test_misspelt_field_is_told_first(call: dict[str, Any]) -> None:
    """Of a misspelt field the misspelling is told, with the word that was meant."""
    call["calle"] = call.pop("callee")
    assert parse(json.dumps(call).encode()) == Invalid("wrong-shape", "calle: is not known here; did you mean caller?")


def test_no_phone_number_is_told(call: dict[str, Any]) -> None:
    """No detail repeats a value or a long number of the input."""
    for name in call:
        wrong = parse(json.dumps({**call, name: ["+861012345678"]}).encode())
        assert isinstance(wrong, Invalid)
        assert not re.search("[0-9]{5}", wrong.detail)
    wrong = parse(json.dumps({**call, "+861012345678": 1}).encode())
    assert isinstance(wrong, Invalid)
    assert "8610" not in wrong.detail


@given(times, st.integers(-14 * 60, 14 * 60), st.integers(0, 3600), st.integers(0, 3600))
def test_round_trip(started: datetime, offset: int, ring: int, talk: int) -> None:
    """A call that a model wrote is read back equal, at any offset and to the microsecond."""
    answered = started + timedelta(seconds=ring)
    sign = "-" if offset < 0 else "+"
    local = (started + timedelta(minutes=offset)).replace(tzinfo=None).isoformat()
    written = CallEnded.model_validate(
        {
            **json.loads(CALL),
            "started_at": f"{local}{sign}{abs(offset) // 60:02}:{abs(offset) % 60:02}",
            "answered_at": answered,
            "ended_at": answered + timedelta(seconds=talk),
        }
    )
    assert written.started_at == started
    assert parse(written.to_json()) == written


def test_subscription_says() -> None:
    """A field left out and a field given as null are told apart, also after writing and reading."""
    data = SUBSCRIBED.replace(b"PLAN", b"null").replace(b'"from"', b'"spend_cap":null,"from"')
    read = parse(data)
    assert isinstance(read, AccountSubscribed)
    assert (read.says("spend_cap"), read.says("billing_day")) == (True, False)
    again = parse(read.to_json())
    assert isinstance(again, AccountSubscribed)
    assert again.model_fields_set == read.model_fields_set


def test_inline_plan() -> None:
    """A plan is an id, an inline plan, or null."""
    read = parse(SUBSCRIBED.replace(b"PLAN", b'{"fee":"1000.00","calls":{"rate":"0.10"}}'))
    assert isinstance(read, AccountSubscribed)
    assert isinstance(read.plan, PlanWords)
    assert read.plan.to_core("s-1@1").fee == Decimal("1000.00")
    assert parse(SUBSCRIBED.replace(b"PLAN", b"7")) == Invalid("wrong-shape", "plan: must be a string")


def test_every_reason_is_told() -> None:
    """Each reason has a meaning and something to do, and no other has."""
    assert set(REASONS) == REASON_WORDS
    assert all(told.meaning and told.what_to_do for told in REASONS.values())
    assert all(re.fullmatch("[a-z]+(-[a-z]+)*", word) for word in REASON_WORDS)


@pytest.mark.parametrize("name", ["<", "<field>", "<value>"])
def test_a_field_is_named_as_it_was_written(name: str) -> None:
    """Also where its name is that of a branch of a union in some model."""
    found = parse(json.dumps({"type": "account-adjusted/1", name: None}).encode())
    assert isinstance(found, Invalid)
    assert found.detail.startswith(f"{name}: is not known here")
