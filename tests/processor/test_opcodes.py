"""A budget of work a call: opcodes, which follow CPU time and are the same on every machine.

A change that makes the common way longer shows here, with its figure by plan, and not as noise in a benchmark.
"""

from __future__ import annotations

import sys
from itertools import chain, islice
from random import Random
from types import FrameType
from typing import Any

import pytest

from benchmarks import mix
from rater.processor.replay import Replay
from rater.processor.step import make_step
from rater.seam.model import LogRecord, Record

BUDGET = {"hybrid-200": 875, "per-minute": 825, "per-second": 927, "graduated": 879, None: 879}
"""By plan, None for the mix, on Python 3.11. Before there was a common way, hybrid took 1,856."""
OTHER_PYTHONS = 1.25
"""What the compilers of other versions make of the same source, at most."""
BEFORE, MEASURED = 6_000, 500


class Opcodes:
    """Counts the opcodes of all Python frames that are entered while it traces."""

    def __init__(self) -> None:
        self.count = 0

    def entered(self, frame: FrameType, _event: str, _argument: object) -> Any:
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return self._inside

    def _inside(self, _frame: FrameType, event: str, _argument: object) -> Any:
        self.count += event == "opcode"
        return self._inside


def opcodes_a_call(plan: str | None, classes: dict[str, Any] | None = None) -> float:
    """Of calls in a running month: the accounts have had calls before."""
    names = {mix.account(number) for number in range(200)}
    events = [event for event in mix.control(plan) if event.get("account", mix.account(0)) in names]
    events = [event | {"book": event["book"] | classes} if classes and "book" in event else event for event in events]
    calls = (event for event in chain(mix.calls(0), mix.calls(1)) if event["account"] in names)
    raw = mix.records(iter([*events, *islice(calls, BEFORE + MEASURED)]))
    records: list[Record] = [LogRecord(*one) for one in raw]
    replay = Replay(make_step())
    for start in range(0, len(records) - MEASURED, 1_000):
        replay.feed(0, records[start : min(start + 1_000, len(records) - MEASURED)])
    counted, before = Opcodes(), sys.gettrace()
    sys.settrace(counted.entered)
    try:
        replay.step(replay.rows[0], replay.heads[0], 0, records[-MEASURED:])
    finally:
        sys.settrace(before)
    return counted.count / MEASURED


@pytest.mark.parametrize("plan", BUDGET)
def test_a_common_call_stays_within_its_budget(plan: str | None) -> None:
    found = opcodes_a_call(plan)
    most = BUDGET[plan] * (1 if sys.version_info[:2] == (3, 11) else OTHER_PYTHONS)
    assert most * 0.5 < found <= most, f"{found:.0f} opcodes a call"


def test_classes_of_calls_cost_little() -> None:
    """With 15,000 prefixes, hours and holidays a call costs at most 1.15 times what it costs without (Python 3.11)."""
    rng, prefixes = Random(1), {"+86", "+861"}
    while len(prefixes) < 15_000:
        prefixes.add(f"+{rng.choice(['86', '8613', '44', '1'])}{rng.randrange(10 ** rng.randrange(1, 8))}")
    sets = {f"s{n}": sorted(prefixes)[n::10] for n in range(10)}
    hours = {"hours": ["Mon-Fri 20:00-08:00"], "holidays": False}
    nights = [{"name": f"n{n}", "numbers": [f"s{n}"], **hours} for n in range(10)]
    days = [{"name": f"d{n}", "numbers": [f"s{n}"]} for n in range(10)]
    classes = {"prefixes": sets, "classes": nights + days, "holidays": ["2026-10-01"], "workdays": ["2026-10-10"]}
    without, found = opcodes_a_call(None), opcodes_a_call(None, classes)
    most = 1.15 if sys.version_info[:2] == (3, 11) else 1.2
    assert without * 1.01 < found < without * most, f"{without:.0f} and {found:.0f} opcodes a call"


def test_the_general_rules_would_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were no call common, the budget would say so."""
    monkeypatch.setattr("rater.processor.common_call.CommonCalls.rate", lambda _self, _record: None)
    assert opcodes_a_call("hybrid-200") > BUDGET["hybrid-200"] * 1.5
