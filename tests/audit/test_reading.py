"""Reading a partition: whose time is whose. A broker that gives nothing is given up; a reader that is busy is not."""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

import pytest
from aiokafka import TopicPartition

from rater.kafka import reader
from rater.kafka.failstop import Refused
from rater.kafka.reader import span

TP = TopicPartition("calls", 0)


class Record(NamedTuple):
    offset: int


class Consumer:
    """Gives what it is told to, an answer each time it is asked; then nothing."""

    def __init__(self, *answers: list[Record]) -> None:
        self._answers, self._position = list(answers), 0

    def seek(self, _tp: TopicPartition, offset: int) -> None:
        self._position = offset

    def resume(self, _tp: TopicPartition) -> None:
        """Nothing to do."""

    pause = resume

    async def getmany(self, tp: TopicPartition, **_how: int) -> dict[TopicPartition, list[Record]]:
        await asyncio.sleep(0.02)
        records = self._answers.pop(0) if self._answers else []
        self._position += len(records)
        return {tp: records}

    async def position(self, _tp: TopicPartition) -> int:
        return self._position


async def read(consumer: Any, end: int, pause: float) -> list[int]:
    found = []
    async for records, _ in span(consumer, "calls", 0, 0, end):
        found += [record.offset for record in records]
        await asyncio.sleep(pause)
    return found


async def test_time_that_the_reader_takes_is_not_the_brokers(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a long piece of work aiokafka's request is over time, and the next answers are empty."""
    monkeypatch.setattr(reader, "PATIENCE", 0.1)
    assert await read(Consumer([Record(0)], [], [], [Record(1)]), 2, pause=0.15) == [0, 1]


async def test_an_answer_with_nothing_is_no_piece() -> None:
    """Who takes the first piece has a record, however slow the broker is."""
    consumer: Any = Consumer([], [], [Record(0)], [], [Record(1)])
    assert [piece async for piece in span(consumer, "calls", 0, 0, 2)] == [([Record(0)], 1), ([Record(1)], 2)]


async def test_a_broker_that_gives_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "PATIENCE", 0.1)
    with pytest.raises(Refused, match="calls/0 gave nothing for 0 s at offset 1"):
        await read(Consumer([Record(0)]), 2, pause=0.0)
