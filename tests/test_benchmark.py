"""What the benchmark counts, checks and divides, without Kafka."""

from __future__ import annotations

from decimal import Decimal
from types import MappingProxyType

import orjson
import pytest
from aiokafka import TopicPartition

from benchmarks import job, results
from benchmarks.contenders import CHARGES, FLOOR
from benchmarks.drain import Output, Sample, figure
from benchmarks.job import Due, Result
from benchmarks.results import Figure
from rater.tools.simulate import Event

ONE, TWO = TopicPartition("charges", 0), TopicPartition("charges", 1)


def usage(call: str) -> bytes:
    """A charge of a call, as far as the benchmark reads it."""
    words = {"kind": "usage", "call": {"call_id": call}, "amount": "2.50", "period_total": "2.50"}
    return orjson.dumps(words)


@pytest.fixture
def output() -> Output:
    """Two partitions: a fee, two calls around a transaction marker at 3; two calls."""
    made = Output()
    made.add(ONE, 0, orjson.dumps({"kind": "fee"}))
    for tp, offset, call in ((ONE, 2, "a"), (ONE, 4, "b"), (TWO, 0, "c"), (TWO, 1, "d")):
        made.add(tp, offset, usage(call))
    return made


def test_only_calls_count(output: Output) -> None:
    """Fees and transaction markers move the end of a topic, and are no calls."""
    assert output.count == 4
    assert output.below({ONE: 2, TWO: 0}) == 0
    assert output.below({ONE: 4, TWO: 1}) == 2
    assert output.below({ONE: 6, TWO: 3}) == 4


def test_what_contenders_put_out() -> None:
    """The rater's charge, a peer's, a call that was copied; what is no call is left out."""
    assert job.result_of(usage("a")) == Result("a", "2.50", "2.50")
    peer = {"call_id": "b", "amount": "0.18", "spend_to_date": "3.04", "seq": 2}
    assert job.result_of(orjson.dumps(peer)) == Result("b", "0.18", "3.04")
    assert job.result_of(orjson.dumps({"type": "call-ended/1", "call_id": "c"})) == Result("c", None, None)
    assert job.result_of(orjson.dumps({"type": "account-subscribed/1"})) is None


def called(number: int, seconds: int | None) -> Event:
    """A call of one account."""
    answered = None if seconds is None else "2026-10-02T10:00:00.000+00:00"
    ended = f"2026-10-02T10:{(seconds or 0) // 60:02d}:{(seconds or 0) % 60:02d}.000+00:00"
    words = {"call_id": str(number), "answered_at": answered, "ended_at": ended}
    return Event("A", orjson.dumps(words | {"disposition": "no-answer" if seconds is None else "answered"}))


def test_what_must_come_out_is_worked_by_hand() -> None:
    """49 minutes are included; of the next two minutes one is; then none; unanswered calls cost nothing."""
    due = job.due([called(0, 49 * 60), called(1, 61), called(2, None), called(3, 60)])
    amounts = [("2.50", "2.50"), ("2.68", "5.18"), ("0", "5.18"), ("2.68", "7.86")]
    assert list(due.values()) == [Due(Decimal(amount), Decimal(total)) for amount, total in amounts]


WANTED = MappingProxyType({"a": Due(Decimal("2.50"), Decimal("2.50")), "b": Due(Decimal("0.18"), Decimal("2.68"))})
RIGHT = [Result("a", "2.50", "2.50"), Result("b", "0.18", "2.68")]


@pytest.mark.parametrize(
    ("results_", "said"),
    [
        (RIGHT, []),
        ([Result("a", None, None), Result("b", None, None)], []),
        (RIGHT[:1], ["1 lost"]),
        ([*RIGHT, RIGHT[0]], ["1 more than once"]),
        ([*RIGHT, Result("c", None, None)], ["1 of no call"]),
        ([RIGHT[0], Result("b", "0.19", "2.68")], ["1 charged wrong"]),
        ([RIGHT[0], Result("b", "0.18", "2.69")], ["1 charged wrong"]),
    ],
)
def test_what_is_wrong_shows(results_: list[Result], said: list[str]) -> None:
    """A call that is lost, comes twice or from nowhere, and a wrong amount or total."""
    assert job.problems(results_, dict(WANTED)) == said


def test_the_calls_are_what_all_contenders_read_alike() -> None:
    """Whole seconds of talk, no internal calls, one month: the reference and the rater's own rules agree on them."""
    calls = [orjson.loads(value) for _, value in job.calls(300)]
    assert {call["direction"] for call in calls} == {"inbound", "outbound"}
    answered = [call for call in calls if call["answered_at"]]
    assert all(call["answered_at"][19:23] == call["ended_at"][19:23] for call in answered)
    assert len({call["started_at"][:7] for call in calls}) == 1


def test_from_the_first_call_seen_to_the_last(output: Output) -> None:
    """What was out at the first sight is left out, in calls, time and CPU; so is what comes after the last."""
    samples = [
        Sample(0.0, {ONE: 1, TWO: 0}, 5.0),
        Sample(1.0, {ONE: 3, TWO: 0}, 6.0),
        Sample(2.0, {ONE: 5, TWO: 0}, 6.5),
        Sample(2.5, {ONE: 5, TWO: 2}, 7.5),
        Sample(9.0, {ONE: 5, TWO: 3}, 9.0),
    ]
    assert figure(samples, output, 4, 99.0) == Figure(4, 2.0, 500_000.0, 99.0)


def test_medians_ratios_and_the_page() -> None:
    """Each column has its median; the ratio is to the first line; the chart has a dot for each run."""
    found = {
        "charges": [Figure(10, 10.0, 8.0, 100.0), Figure(10, 30.0, 2.0, 100.0), Figure(10, 20.0, 3.0, 100.0)],
        "floor": [Figure(10, 40.0, 1.0, 50.0), Figure(10, 40.0, 1.0, 50.0), Figure(10, 90.0, 1.0, 50.0)],
    }
    rows = results.rows_of((CHARGES, FLOOR), found)
    assert [(row.per_second, row.slowest, row.quickest, row.cpu_us) for row in rows] == [
        (20, 10, 30, 3),
        (40, 40, 90, 1),
    ]
    assert "| none | 10 | 40 | 40 | 90 | 1.0 | 50 | 2.00 |" in results.page(rows)
    assert results.chart(rows).count("<circle") == 6
