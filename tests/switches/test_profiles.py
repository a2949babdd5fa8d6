"""Profiles: what is wrong with one is told with its place, and what to write."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rater.switches.numbers import e164
from rater.switches.profile import Profile, load_profile
from tests.switches.profiles import made, no_map

GOOD = b"source: pbx-1\nformat: asterisk-csv\ntime_zone: UTC\naccount: [{field: accountcode}]\ndirection: outbound\n"


@pytest.mark.parametrize(
    ("change", "place", "says"),
    [
        ((b"format: asterisk-csv", b"format: asterisk"), "2:9: format", "must be freeswitch-json"),
        ((b"time_zone: UTC\n", b""), "time_zone", "write time_zone: Asia/Shanghai"),
        ((b"time_zone: UTC", b"time_zone: Mars"), "3:12: time_zone", "no such time zone"),
        ((b"account: [{field: accountcode}]\n", b""), "account", "account: [{field: accountcode}]"),
        ((b"direction: outbound\n", b""), "direction", "direction: outbound"),
        ((b"direction: outbound", b"direction: {ctx: {a: out}}"), "direction.ctx.a", "must be inbound, outbound"),
        ((b"{field: accountcode}", b"{fild: accountcode}"), "account.0.fild", "did you mean field"),
        ((b"{field: accountcode}", b'{field: a, pattern: "(a)\\\\1"}'), "account.0.pattern", "no pattern of RE2"),
        ((b"{field: accountcode}", b'{field: a, pattern: "(?=a)"}'), "account.0.pattern", "no pattern of RE2"),
        ((b"{field: accountcode}", b'{field: a, pattern: "a", group: 2}'), "account.0.pattern", "no group 2"),
        ((b"{field: accountcode}", b"{field: a, map: gone.csv}"), "", "gone.csv: No such file"),
        ((b"source: pbx-1", b"source: pbx 1"), "1:9: source", ""),
        (
            (b"direction: outbound", b"direction: outbound\nnumbers: {country: ZZ}"),
            "numbers.country",
            "no such country",
        ),
        ((b"direction: outbound", b"direction: outbound\ntimes: DD/MM"), "times", "%d/%m/%Y"),
        ((b"format: asterisk-csv", b"format: csv"), "columns", "name every column"),
        ((b"format: asterisk-csv", b"format: json"), "fields", "fields: {id: COLUMN}"),
    ],
)
def test_what_is_wrong_is_told(change: tuple[bytes, bytes], place: str, says: str) -> None:
    assert isinstance(load_profile(GOOD, no_map), Profile)
    assert change[0] in GOOD
    found = load_profile(GOOD.replace(*change), no_map)
    assert isinstance(found, tuple)
    assert any(place in str(one) and says in str(one) for one in found), [str(one) for one in found]


@pytest.mark.parametrize("data", [b"a,b,c\n", b"a\n", b"a,x\na,y\n", b"\xff\xfe,x\n"])
def test_a_broken_map_is_told(data: bytes) -> None:
    text = GOOD.replace(b"{field: accountcode}", b"{field: src, map: m.csv}")
    found = load_profile(text, {"m.csv": data}.__getitem__)
    assert isinstance(found, tuple)
    assert "m.csv" in str(found[0])


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_no_bytes_make_it_raise(data: bytes) -> None:
    load_profile(data, no_map)


def test_a_pattern_is_linear_whatever_the_text() -> None:
    """With a backtracking engine this would not end."""
    rule = {"field": "clid", "pattern": "(a+)+$"}
    profile = made("asterisk-csv", account=[rule, {"value": "x"}])
    assert profile.account_of({"clid": "a" * 50_000 + "b"}) == "x"


def test_the_first_rule_that_finds_one() -> None:
    rules = [
        {"field": "accountcode"},
        {"field": "channel", "pattern": "^SIP/trunk-(\\w+)-"},
        {"field": "src", "map": "m.csv"},
        {"field": "src", "pattern": "^(86)(\\d+)$", "group": 2, "map": "m.csv"},
        {"value": "rest"},
    ]
    profile = made("asterisk-csv", account=rules, maps={"m.csv": b"\xef\xbb\xbf100,alpha\n200, beta \n\n"})
    found = [
        profile.account_of(fields)
        for fields in (
            {"accountcode": " acme "},
            {"accountcode": "", "channel": "SIP/trunk-t1-0001"},
            {"src": "100"},
            {"src": "86200"},
            {"src": "300"},
        )
    ]
    assert found == ["acme", "t1", "alpha", "beta", "rest"]


@pytest.mark.parametrize(
    ("written", "country", "area", "number"),
    [
        ("01087654321", "CN", "10", "+861087654321"),
        ("87654321", "CN", "10", "+861087654321"),
        ("87654321", "CN", None, "87654321"),
        ("008613800138000", "CN", "10", "+8613800138000"),
        ("+12125551234", "CN", "10", "+12125551234"),
        ("021-5888 1234", "CN", "10", "+862158881234"),
        ("sip:+442071838750@host;x=1", "CN", "10", "+442071838750"),
        ("5551234", "US", "212", "+12125551234"),
        ("71838750", "GB", "20", "+442071838750"),
        # no numbers: short codes, extensions, withheld, addresses
        *((text, "CN", "10", text) for text in ("10086", "95588", "8001", "", "anonymous", "*98", "sip:alice@host")),
        ("911", "US", "212", "911"),
        ("1-800-FLOWERS", "US", None, "1-800-FLOWERS"),
    ],
)
def test_numbers(written: str, country: str, area: str | None, number: str) -> None:
    assert e164(written, country, area) == number
