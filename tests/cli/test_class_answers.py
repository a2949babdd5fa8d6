"""What people ask about classes of calls: each one's rate, a charge explained, advice, the plans; in both languages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.cli.test_worked import EXAMPLES, HERE
from tests.support.command import Rater
from tests.support.logs import call

EVENTS = HERE / "prices-by-destination" / "events.jsonl"
OPTIONS = ("--charges", "charges.jsonl", "--tariffs", str(EXAMPLES))
MOBILE = "+8613800138000"


@pytest.fixture
def rated(rater: Rater) -> Rater:
    """The worked account, with three unanswered calls to mobiles, an inbound one, and a void, in November."""
    more: list[dict[str, Any]] = [call("A", f"x-{n}", None, callee=MOBILE) for n in range(3)]
    more.append(call("A", "in", 60, caller=MOBILE, direction="inbound"))
    more.append({"type": "call-voided/1", "account": "A", "source": "pbx-1", "call_id": "c-0", "reason": "test"})
    lines = EVENTS.read_bytes().splitlines()
    Path("events.jsonl").write_bytes(b"\n".join([*lines[:-1], *map(orjson.dumps, more), lines[-1]]) + b"\n")
    rater("rate", "events.jsonl", "--tariffs", str(EXAMPLES), "--out", "charges.jsonl")
    return rater


def test_each_class_has_its_rate(rated: Rater) -> None:
    """Outbound alone, voids taken off: 19 of 22 to mobiles by day, 3 of 3 by night."""
    found = json.loads(rated("connect-rate", "A", "--by", "class", "--json", *OPTIONS).stdout)["periods"]
    (november,) = [one for one in found if one["period"] == "2026-11"]
    counts = {name: (one["connected"], one["attempts"]) for name, one in november["classes"].items()}
    assert counts == {"mobile": (19, 22), "mobile-night": (3, 3), "other": (10, 10), "uk": (4, 4), "uk-mobile": (1, 1)}
    assert sum(attempts for _, attempts in counts.values()) == november["attempts"]
    table = rated("connect-rate", "A", "--by", "class", *OPTIONS).stdout
    assert "mobile-night" in table
    assert "86.4 %" in table
    assert "接通率" in rated("connect-rate", "A", "--by", "class", "--language", "zh", *OPTIONS).stdout
    assert rated("connect-rate", "A", "--by", "Route", *OPTIONS).exit_code == 2


def test_a_charge_tells_its_class(rated: Rater) -> None:
    said = rated("explain", "A:2026-11:3", *OPTIONS).stdout
    assert "outbound, class mobile, 2026-11-03" in said
    assert "mobile: 11 min covered by the allowance" in said
    chinese = rated("explain", "A:2026-11:3", "--language", "zh", *OPTIONS).stdout
    assert "类别 mobile" in chinese
    assert "额度内 11 分钟" in chinese
    assert "剩余额度：178 mobile" in chinese


def test_advice_prices_each_call_by_its_class(rated: Rater) -> None:
    """The account's own plan comes to what it was charged: also a class that the plan knows by its outer one."""
    found = json.loads(rated("advise", "A", "--json", *OPTIONS).stdout)
    (own,) = [offer for offer in found["offers"] if offer["plan"] == "by-destination"]
    assert own["total"] == found["paid"]


def test_plans_are_shown_in_both_languages(rated: Rater) -> None:
    shown = rated("tariffs", "show", "by-destination", "--file", str(EXAMPLES), "--language", "zh").stdout
    assert "分钟（其他）" in shown
    english = rated("tariffs", "show", "by-destination", "--file", str(EXAMPLES)).stdout
    assert "minutes (all others)" in english
    assert max(map(len, english.splitlines())) <= 106
