"""What the benchmark counts and divides, without Kafka."""

from __future__ import annotations

import orjson
import pytest
from aiokafka import TopicPartition

from benchmarks.drain import Figure, Output, Sample, figure, median

ONE, TWO = TopicPartition("charges", 0), TopicPartition("charges", 1)


def usage(call: str) -> bytes:
    """A charge of a call, as far as the benchmark reads it."""
    return orjson.dumps({"kind": "usage", "call": {"call_id": call}})


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


def test_a_copied_call_counts() -> None:
    """The floor copies calls as they came; subscriptions that it copies are not counted."""
    made = Output()
    made.add(ONE, 0, orjson.dumps({"type": "account-subscribed/1"}))
    made.add(ONE, 1, orjson.dumps({"type": "call-ended/1", "call_id": "a"}))
    assert (made.count, made.calls) == (1, {"a"})


def test_a_call_that_came_out_twice_shows(output: Output) -> None:
    """The number of records and the number of different calls part."""
    output.add(TWO, 2, usage("d"))
    assert (output.count, len(output.calls)) == (5, 4)


def test_from_the_first_call_seen_to_the_last(output: Output) -> None:
    """What was out at the first sight is left out, in calls, time and CPU; so is what comes after the last."""
    samples = [
        Sample(0.0, {ONE: 1, TWO: 0}, 5.0),
        Sample(1.0, {ONE: 3, TWO: 0}, 6.0),
        Sample(2.0, {ONE: 5, TWO: 0}, 6.5),
        Sample(2.5, {ONE: 5, TWO: 2}, 7.5),
        Sample(9.0, {ONE: 5, TWO: 3}, 9.0),
    ]
    assert figure(samples, output, 4) == Figure(4, 2.0, 500_000.0)


def test_medians_are_by_column() -> None:
    """Of an even number of repeats, the mean of the middle two."""
    assert median([Figure(10, 5.0, 8.0), Figure(10, 7.0, 2.0)]) == Figure(10, 6.0, 5.0)
