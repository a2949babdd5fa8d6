"""Records as switches write them on their worse days, and the calls that they must become."""

from __future__ import annotations

from base64 import b64encode
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rater.switches.convert import Conversion, Converted, call_id_of, convert
from rater.switches.profile_words import FORMAT_NAMES
from rater.switches.raw import NotACall, Skipped
from tests.switches.profiles import made

ASTERISK = made("asterisk-csv")
FS = made("freeswitch-json")


def line(
    start: str, answer: str, end: str, billsec: int, disposition: str = "ANSWERED", more: str = ',"17.1",""'
) -> bytes:
    duration = 60
    return (
        f'"acme","100","200","ctx","""A, B"" <100>","SIP/100-1","","Dial","x,y","{start}","{answer}","{end}",'
        f'{duration},{billsec},"{disposition}","DOCUMENTATION"{more}'
    ).encode()


def fs(**variables: Any) -> dict[str, Any]:
    usual = {
        "uuid": "u-1",
        "direction": "inbound",
        "accountcode": "acme",
        "start_uepoch": "1793577600000000",
        "answer_uepoch": "1793577607500000",
        "end_uepoch": "1793577714000000",
        "hangup_cause": "NORMAL_CLEARING",
    }
    return {"variables": {**usual, **variables}, "callflow": []}


def call(found: Conversion) -> dict[str, Any]:
    assert isinstance(found, Converted), found
    words: dict[str, Any] = orjson.loads(found.value)
    return words


def test_times_are_those_in_microseconds() -> None:
    """Not billsec, which is off by up to a second."""
    words = call(convert(FS, orjson.dumps(fs(billsec="107", answer_epoch="1793577607"))))
    assert words["answered_at"] == "2026-11-02T00:00:07.500000+00:00"


def test_seconds_where_there_is_nothing_else() -> None:
    words = fs(answer_epoch="1793577607", start_epoch="1793577600", end_epoch="1793577700")
    for name in ("start_uepoch", "answer_uepoch", "end_uepoch"):
        del words["variables"][name]
    assert call(convert(FS, orjson.dumps(words)))["answered_at"] == "2026-11-02T00:00:07+00:00"


@pytest.mark.parametrize("posted", ["json", "url", "base64", "plus"])
def test_what_freeswitch_posts(posted: str) -> None:
    """As JSON, or in a form, encoded for URLs or in base64; with more parameters behind."""
    data = orjson.dumps(fs(sip_from_user=quote("+8610 1"), sip_to_user="a%26b"))
    body = {
        "json": data,
        "url": b"cdr=" + quote(data, safe="").encode(),
        "base64": b"cdr=" + b64encode(data),
        "plus": b"cdr=" + quote(data, safe="").encode() + b"&uuid=a_u-1",
    }[posted]
    words = call(convert(FS, body))
    assert (words["caller"], words["callee"], words["call_id"]) == ("+8610 1", "a&b", "u-1")


@pytest.mark.parametrize(
    ("bill", "leg", "account", "expected"),
    [
        ("with-account", "caller", "acme", "call"),
        ("with-account", "called", "acme", "call"),
        ("with-account", "caller", "", "no-account"),
        ("with-account", "called", "", "other-leg"),
        ("with-account", "dialler", "", "no-account"),
        ("originating", "called", "acme", "other-leg"),
        ("originating", "caller", "acme", "call"),
        ("terminating", "caller", "acme", "other-leg"),
        ("terminating", "called", "acme", "call"),
        ("terminating", "called", "", "no-account"),
        ("all", "called", "acme", "call"),
        ("all", "called", "", "no-account"),
    ],
)
def test_which_leg_is_billed(bill: str, leg: str, account: str, expected: str) -> None:
    """A channel that a dialler opened by itself goes out, but no other leg stands behind it."""
    says = {
        "caller": {"direction": "inbound"},
        "called": {"direction": "outbound", "originator": "u-0"},
        "dialler": {"direction": "outbound"},
    }[leg]
    found = convert(made("freeswitch-json", legs={"bill": bill}), orjson.dumps(fs(accountcode=account, **says)))
    assert (found.reason if isinstance(found, Skipped | NotACall) else "call") == expected


def test_answered_for_no_time_is_connected() -> None:
    words = call(convert(ASTERISK, line("2026-11-02 08:00:00", "2026-11-02 08:01:00", "2026-11-02 08:01:00", 0)))
    assert (words["disposition"], words["answered_at"]) == ("answered", words["ended_at"])


def test_not_answered_has_no_answer_whatever_its_talk_time() -> None:
    """35 of 1,000 real records say so."""
    data = line("2026-11-02 08:00:00", "2026-11-02 08:00:10", "2026-11-02 08:01:00", 50, "NO ANSWER")
    words = call(convert(ASTERISK, data))
    assert words["disposition"] == "no-answer"
    assert "answered_at" not in words


@pytest.mark.parametrize(
    ("more", "ident"),
    [
        ("", "SIP/100-1/20261102080000"),
        (',"17.1"', "17.1/SIP/100-1/20261102080000"),
        (',"17.1","user"', "17.1/SIP/100-1/20261102080000"),
        (',"peer","16.9",4', "SIP/100-1/20261102080000"),
        (',"17.1","peer","16.9",4', "17.1/4"),
        (',"17.1","user","peer","16.9",4', "17.1/4"),
    ],
)
def test_identity_by_what_cdr_conf_writes(more: str, ident: str) -> None:
    data = line("2026-11-02 08:00:00", "2026-11-02 08:00:10", "2026-11-02 08:01:00", 50, more=more)
    assert call(convert(ASTERISK, data))["call_id"] == ident


@pytest.mark.parametrize(
    ("start", "answer", "end", "expected"),
    [
        # the clock was set back by 1 s within the call
        ("2026-11-02 08:00:01", "2026-11-02 08:00:01", "2026-11-02 08:00:00", ("00:00:01", "00:00:01", "00:00:01")),
        ("2026-11-02 08:00:05", "2026-11-02 08:00:04", "2026-11-02 08:00:30", ("00:00:05", "00:00:05", "00:00:30")),
        ("2026-11-02 08:00:05", "2026-11-02 08:00:31", "2026-11-02 08:00:30", ("00:00:05", "00:00:30", "00:00:30")),
        ("2026-11-02 08:00:02", "2026-11-02 08:00:02", "2026-11-02 08:00:00", "times-out-of-order"),
        # no answer written: the end less the talk time
        ("2026-11-02 08:00:00", "", "2026-11-02 08:01:00", ("00:00:00", "00:00:10", "00:01:00")),
        # no end written: the start and the duration of 60 s
        ("2026-11-02 08:00:00", "2026-11-02 08:00:10", "", ("00:00:00", "00:00:10", "00:01:00")),
        ("not a time", "", "", "wrong-shape"),
        ("1969-11-02 08:00:00", "", "", "wrong-shape"),
    ],
)
def test_times(start: str, answer: str, end: str, expected: tuple[str, str, str] | str) -> None:
    found = convert(ASTERISK, line(start, answer, end, 50))
    if isinstance(expected, str):
        assert isinstance(found, NotACall)
        assert found.reason == expected
        return
    words = call(found)
    assert tuple(words[name][11:19] for name in ("started_at", "answered_at", "ended_at")) == expected


@pytest.mark.parametrize(
    ("start", "end", "started", "ended"),
    [
        # 1 November 2026, New York: 01:30 exists twice; the earlier offset is -04:00
        ("2026-11-01 01:30:00", "2026-11-01 01:40:00", "05:30:00", "05:40:00"),
        # it starts before the change and ends after it, at a local time that lies before its start
        ("2026-11-01 01:50:00", "2026-11-01 01:05:00", "05:50:00", "06:05:00"),
        ("2026-11-01 00:50:00", "2026-11-01 02:10:00", "04:50:00", "07:10:00"),
        # 8 March 2026: 02:30 does not exist; the earlier offset is -05:00
        ("2026-03-08 02:30:00", "2026-03-08 03:40:00", "07:30:00", "07:40:00"),
    ],
)
def test_a_change_of_clocks(start: str, end: str, started: str, ended: str) -> None:
    found = convert(made("asterisk-csv", time_zone="America/New_York"), line(start, "", end, 0, "BUSY"))
    words = call(found)
    assert (words["started_at"][11:19], words["ended_at"][11:19]) == (started, ended)
    assert isinstance(found, Converted)
    assert found.ambiguous == ("00:50" not in start)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not-json"),
        (b"{", "not-json"),
        (b"[]", "wrong-shape"),
        (b"{}", "wrong-shape"),
        (b"cdr=%7B", "not-json"),
        (b"cdr=!!!", "not-json"),
        (b'{"variables": {"uuid": "u"}}', "wrong-shape"),
        (b'{"variables": {"uuid": "u", "start_uepoch": "x"}}', "wrong-shape"),
        (b"x" * (256 * 1024 + 1), "record-too-large"),
    ],
)
def test_what_no_call_can_be_made_of(data: bytes, reason: str) -> None:
    found = convert(FS, data)
    assert isinstance(found, NotACall)
    assert found.reason == reason


def test_a_label_that_is_too_long_is_not_cut() -> None:
    """A class may hang on it: what is cut could be priced for something else."""
    found = convert(made("freeswitch-json", labels={"agent": {"field": "agent"}}), orjson.dumps(fs(agent="x" * 65)))
    assert isinstance(found, NotACall)
    assert "labels" in found.detail


def test_ids_that_call_id_does_not_take_are_escaped() -> None:
    """One id, one name; and two ids never the same one."""
    names = [call_id_of(ident) for ident in ("a b", "a%20b", "ü", "x" * 300, "x" * 301)]
    assert names[0] == "a%20b"
    assert len(set(names)) == len(names)


def test_a_switch_says_its_own_calls_only() -> None:
    """And nothing else: no book, no tick, no void."""
    profile = made("call-ended", source="own-1", time_zone=None)
    words = {
        "type": "call-ended/1",
        "account": "a",
        "source": "own-2",
        "call_id": "c",
        "caller": "",
        "callee": "",
        "direction": "inbound",
        "started_at": "2026-11-02T08:00:00Z",
        "ended_at": "2026-11-02T08:00:01Z",
        "disposition": "busy",
    }
    for words_, reason in (
        (words, "wrong-source"),
        ({"type": "clock-ticked/1", "at": "2026-11-02T08:00:00Z"}, "unknown-type"),
        ({"type": "call-voided/1", "account": "a", "source": "own-1", "call_id": "c", "reason": "r"}, "unknown-type"),
    ):
        found = convert(profile, orjson.dumps(words_))
        assert isinstance(found, NotACall)
        assert found.reason == reason
    assert isinstance(convert(profile, orjson.dumps({**words, "source": "own-1"})), Converted)


@pytest.mark.parametrize("format_name", FORMAT_NAMES)
def test_no_bytes_make_it_raise(format_name: str) -> None:
    """Bytes of any kind, and JSON of any shape, are answered."""
    more: dict[str, Any] = {}
    if format_name in {"csv", "json"}:
        fields = {"id": "a", "caller": "b", "callee": "c", "start": "d", "end": "e", "disposition": "f"}
        more = {"fields": fields, "columns": list("abcdef")}
    profile = made(format_name, **more)
    names = [
        "variables",
        "callflow",
        "uuid",
        "start",
        "src",
        "disposition",
        "Event",
        "a",
        "d",
        "f",
        "callid",
        "time",
        "type",
    ]
    json = st.recursive(
        st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats() | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(names), inner, max_size=5),
        max_leaves=10,
    )

    @given(
        st.binary(max_size=200)
        | json.map(lambda words: orjson.dumps(words, default=str, option=orjson.OPT_NON_STR_KEYS))
        | st.text(max_size=200).map(str.encode)
    )
    def answered(data: bytes) -> None:
        found = convert(profile, data)
        assert isinstance(found, Converted | Skipped) or found.reason != "internal-error"

    answered()
