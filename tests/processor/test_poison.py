"""An error in the rules: the record is rejected, told and counted, and nothing of it is left behind."""

from __future__ import annotations

import inspect
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType, SimpleNamespace
from typing import Any

import pytest

import rater
from rater.app.metrics import exposition
from rater.app.worker import engine_config, log_internal_errors
from rater.engine.batches import Tally
from rater.engine.engine import Engine
from rater.kafka.settings import Settings
from rater.processor import step as step_module
from rater.processor.common_call import CommonCalls
from rater.processor.replay import Replay
from rater.processor.step import make_step
from rater.seam.model import LogRecord, Step
from tests.support.logs import Event, call, published, record, shipped, subscribed

HOME = str(Path(rater.__file__).parent)
POISON = 4

EVENTS: list[Event] = [
    published(shipped()),
    subscribed("A", "hybrid-200"),
    subscribed("B", "per-minute"),
    call("A", 1, 90),
    {},
    call("A", 3, 300),
    call("B", 4, None),
]


SOURCE, FIRST = inspect.getsourcelines(CommonCalls.rate)
BEHIND = {("rate", line) for line, words in enumerate(SOURCE, FIRST) if words.strip() == "return output"}
"""The lines behind the points of no return, at which nothing can fail."""


class Planted:
    """Raises at the n-th line of the rules that deciding on the poisoned record comes to."""

    def __init__(self, decide: Callable[..., Any], line: int) -> None:
        self._decide, self._left = decide, line
        self.reached = False

    def __call__(self, scope: Any, given: Any) -> Any:
        if given.offset != POISON:
            return self._decide(scope, given)
        before = sys.gettrace()
        sys.settrace(self._entered)
        try:
            return self._decide(scope, given)
        finally:
            sys.settrace(before)

    def _entered(self, frame: FrameType, _event: str, _argument: object) -> Any:
        code = frame.f_code
        # `decide` itself is what catches; what answers for the failure is made after the rules.
        inside = code.co_filename.startswith(HOME) and code.co_name not in {"decide", "_rejected"}
        return self._line if inside and not self.reached else None

    def _line(self, frame: FrameType, event: str, _argument: object) -> Any:
        if event == "line" and not self.reached and (frame.f_code.co_name, frame.f_lineno) not in BEHIND:
            self._left -= 1
            if self._left < 0:
                self.reached = True
                raise ZeroDivisionError
        return self._line


def records(poison: Event) -> list[LogRecord]:
    return [record(n, poison if n == POISON else event) for n, event in enumerate(EVENTS)]


def fold(poison: Event, step: Step) -> tuple[Replay, list[bytes]]:
    """The log with the record in it; gives the charges' bytes."""
    replay = Replay(step)
    outputs = replay.feed(0, records(poison)).outputs
    return replay, [output.value or b"" for output in outputs if output.topic == "charges"]


POISONS: dict[str, Event] = {
    "a call": call("A", 2, 120),
    "a period's first call": call("B", 2, 61),
    "a subscription": subscribed("C", "hybrid-400"),
    "a book": published(shipped(version=2, close_after="9d")),
}


@pytest.mark.parametrize("poison", POISONS.values(), ids=POISONS)
def test_an_error_at_any_line_leaves_nothing_behind(poison: Event, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever the rules fail on a record, rows and charges are as if it had never been, and it has its outcome."""
    without, charges = fold(call("A", 2, 120) | {"color": "red"}, make_step())  # rejected, for another reason
    decide, line = step_module.decide, 0
    while True:
        planted = Planted(decide, line)
        monkeypatch.setattr(step_module, "decide", planted)
        replay, made = fold(poison, make_step(common=False))
        if not planted.reached:
            break
        line += 1
        assert replay.outcomes()["rejected:internal-error"] == 1
        assert sum(replay.outcomes().values()) == len(EVENTS)
        assert made == charges
        assert replay.rows[0].tables == without.rows[0].tables
        assert replay.heads[0].state == without.heads[0].state
    assert line > 20, "the error was planted at hardly any line"
    assert replay.outcomes().get("rejected:internal-error", 0) == 0


COMMON: dict[str, Event] = {
    "adds to a period": call("A", 2, 120),
    "opens a period": call("B", 2, 61),
    "raises an alert": call("A", 2, 2_400),
}


@pytest.mark.parametrize("poison", COMMON.values(), ids=COMMON)
def test_an_error_on_the_way_of_a_common_call_leaves_it_to_the_general_rules(
    poison: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever it fails, the call is charged as ever, once, and no row has more than that."""
    without, charges = fold(poison, make_step(common=False))
    rate, line = CommonCalls.rate, 0
    while True:
        planted = Planted(rate, line)
        monkeypatch.setattr(CommonCalls, "rate", lambda calls, given, planted=planted: planted(calls, given))
        replay, made = fold(poison, make_step())
        if not planted.reached:
            break
        line += 1
        assert made == charges
        assert replay.rows[0].tables == without.rows[0].tables
        assert replay.outcomes() == without.outcomes()
    assert line > 60, "the error was planted at hardly any line"


def test_it_is_told_and_counted(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """A log line names the record's place and where the rules failed, without what the record says; a metric counts."""
    monkeypatch.setattr(step_module, "decide", Planted(step_module.decide, 30))
    with caplog.at_level(logging.ERROR):
        replay, _ = fold(POISONS["a call"], log_internal_errors(make_step(common=False)))
    (line,) = [entry.getMessage() for entry in caplog.records]
    assert line.startswith(
        f"the rules failed on the record at calls/0/{POISON}, which is rejected: ZeroDivisionError in "
    )
    assert "+86" not in line

    engine = Engine(engine_config(Settings(_env_file=None)))
    engine.units = {0: SimpleNamespace(head=replay.heads[0], tally=Tally())}  # type: ignore[dict-item]
    text = exposition(engine).decode()
    assert 'rater_records_total{outcome="rejected:internal-error",partition="0"} 1.0' in text
    assert 'rater_records_total{outcome="charged",partition="0"} 3.0' in text
