"""Reading a partition: whose time is whose. A broker that gives nothing is given up; a reader that is busy is not."""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

import pytest
from aiokafka import TopicPartition

from rater.kafka.failstop import Refused
from rater.kafka.reader import PATIENCE, span

TP = TopicPartition("calls", 0)


class Record(NamedTuple):
    offset: int


class Clock:
    """The event loop's, moved by hand: what counts here is whose seconds they are, not how fast a machine is."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: self.now)


class Consumer:
    """Gives what it is told to, an answer each time it is asked; then nothing. Each takes a second."""

    def __init__(self, *answers: list[Record], clock: Clock | None = None) -> None:
        self._answers, self._position, self._clock = list(answers), 0, clock

    def seek(self, _tp: TopicPartition, offset: int) -> None:
        self._position = offset

    def resume(self, _tp: TopicPartition) -> None:
        """Nothing to do."""

    pause = resume

    async def getmany(self, tp: TopicPartition, **_how: int) -> dict[TopicPartition, list[Record]]:
        if self._clock is not None:
            self._clock.now += 1
        records = self._answers.pop(0) if self._answers else []
        self._position += len(records)
        return {tp: records}

    async def position(self, _tp: TopicPartition) -> int:
        return self._position


async def read(clock: Clock, end: int, *answers: list[Record], work: float) -> list[int]:
    """What is read by a reader who takes so many seconds for each piece."""
    consumer: Any = Consumer(*answers, clock=clock)
    found = []
    async for records, _ in span(consumer, "calls", 0, 0, end):
        found += [record.offset for record in records]
        clock.now += work
    return found


async def test_time_that_the_reader_takes_is_not_the_brokers(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a long piece of work aiokafka's request is over time, and the next answers are empty."""
    assert await read(Clock(monkeypatch), 2, [Record(0)], [], [], [Record(1)], work=10 * PATIENCE) == [0, 1]


async def test_an_answer_with_nothing_is_no_piece() -> None:
    """Who takes the first piece has a record, however slow the broker is."""
    consumer: Any = Consumer([], [], [Record(0)], [], [Record(1)])
    assert [piece async for piece in span(consumer, "calls", 0, 0, 2)] == [([Record(0)], 1), ([Record(1)], 2)]


async def test_a_broker_that_gives_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    with pytest.raises(Refused, match="calls/0 gave nothing for 30 s at offset 1"):
        await read(clock, 2, [Record(0)], work=0)
    assert PATIENCE < clock.now < PATIENCE + 5
