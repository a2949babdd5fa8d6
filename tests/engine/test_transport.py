"""Fetching: where a batch says it starts, whatever seeks happen while a fetch waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import NoOffsetForPartitionError, OffsetOutOfRangeError
from aiokafka.structs import TopicPartition
from faust.types import TP

from rater.engine.batches import FetchedBatch
from rater.engine.faust.transport import BatchConsumer, BatchConsumerThread

ZERO, ONE = TP("log", 0), TP("log", 1)


def record(offset: int) -> Any:
    return SimpleNamespace(offset=offset, serialized_key_size=1, serialized_value_size=9)


class FakeClient:
    """An aiokafka consumer as far as the thread uses one."""

    def __init__(self, positions: dict[Any, int]) -> None:
        self.positions = positions
        self.ends: dict[Any, int] = {}
        self.during: Callable[[], Any] = dict
        assignment = SimpleNamespace(tps=set(positions), state_value=self._state)
        self._subscription = SimpleNamespace(subscription=SimpleNamespace(assignment=assignment))
        self._fetcher = SimpleNamespace(
            _subscriptions=SimpleNamespace(fetch_context=nullcontext), fetched_records=self._fetched
        )

    def _state(self, tp: Any) -> Any:
        return SimpleNamespace(position=self.positions[tp], has_valid_position=self.positions[tp] >= 0)

    async def _fetched(self, *_: object, **__: object) -> Any:
        result = self.during()
        fetched = await result if asyncio.iscoroutine(result) else result
        for tp, records in fetched.items():
            self.positions[tp] = self.ends.get(tp, records[-1].offset + 1)
        return fetched

    def assignment(self) -> set[Any]:
        return set(self.positions)

    def seek(self, tp: Any, offset: int) -> None:
        assert isinstance(tp, TopicPartition)
        self.positions[tp] = offset


@pytest.fixture
def client() -> FakeClient:
    return FakeClient({ZERO: 5, ONE: -1})


@pytest.fixture
def thread(client: FakeClient) -> Any:
    """The consumer thread's own code, without a thread."""
    made = BatchConsumerThread.__new__(BatchConsumerThread)
    made.consumer = SimpleNamespace(flow_active=True)
    made._consumer = client
    made._positions, made._sought, made._epoch = {}, None, 0
    return made


async def fetch(thread: Any, client: FakeClient) -> dict[TP, FetchedBatch]:
    batches: dict[TP, FetchedBatch] = await thread._fetch_records(client, frozenset({ZERO, ONE}))
    return batches


async def test_batches_follow_each_other(thread: Any, client: FakeClient) -> None:
    """A batch starts where the one before it ended, with the markers on the way; it knows its epoch and its bytes."""
    await thread._seek_all({ZERO: 5})
    client.during = lambda: {ZERO: [record(7), record(8)]}
    client.ends[ZERO] = 10  # a marker at 9
    (first,) = (await fetch(thread, client)).values()
    assert (first.start, first.end, first.epoch, first.size) == (5, 10, 1, 20)
    assert [r.offset for r in first.records] == [7, 8]
    client.during = lambda: {ZERO: [record(12)]}  # more markers before it, in a fetch without records
    client.ends[ZERO] = 13
    (second,) = (await fetch(thread, client)).values()
    assert (second.start, second.end) == (10, 13)


async def test_nobody_else_seeks(thread: Any) -> None:
    """Faust's own ways to move the position are closed: they would leave records out."""
    with pytest.raises(RuntimeError, match="only the engine seeks"):
        thread.seek(ZERO, 50)
    with pytest.raises(RuntimeError, match="only the engine seeks"):
        await thread.seek_wait({ZERO: 50})
    with pytest.raises(RuntimeError, match="only the engine seeks"):
        await thread.seek_to_beginning(ZERO)


async def test_a_seek_during_the_wait_counts(thread: Any, client: FakeClient) -> None:
    """Records that arrive after a seek start at its target, and carry its epoch."""
    await thread._seek_all({ZERO: 5})

    async def seek_then_answer() -> Any:
        await thread._seek_all({ZERO: 2})
        return {ZERO: [record(3)]}

    client.during = seek_then_answer
    (batch,) = (await fetch(thread, client)).values()
    assert (batch.start, batch.end, batch.epoch) == (2, 4, 2)


async def test_nothing_is_handed_on_before_our_own_seek(thread: Any, client: FakeClient) -> None:
    """What aiokafka fetched from the group's committed offset is not ours to use."""
    client.during = lambda: {ZERO: [record(5)]}
    assert await fetch(thread, client) == {}


@pytest.mark.parametrize("error", [NoOffsetForPartitionError(ONE), OffsetOutOfRangeError({ONE: 3})])
async def test_offset_errors_matter_only_after_our_own_seek(thread: Any, client: FakeClient, error: Exception) -> None:
    """A group without a commit is no error; an offset of ours that the log does not have is one."""

    def fail() -> Any:
        raise error

    client.during = fail
    await thread._seek_all({ZERO: 5})
    assert await fetch(thread, client) == {}
    await thread._seek_all({ZERO: 5, ONE: 3})
    with pytest.raises(type(error)):
        await fetch(thread, client)


async def test_a_rebalance_makes_offset_errors_idle_again(thread: Any, client: FakeClient) -> None:
    """A partition that stays is without a place of ours until the next seek: a group without a commit is no error."""
    await thread._seek_all({ZERO: 5, ONE: 3})

    async def rebalance_then_fail() -> Any:
        client._subscription.subscription.assignment = SimpleNamespace(tps={ZERO, ONE}, state_value=client._state)
        raise NoOffsetForPartitionError(ONE)

    client.during = rebalance_then_fail
    assert await fetch(thread, client) == {}


async def test_rewind_fetches_again_unless_a_seek_came_first(thread: Any, client: FakeClient) -> None:
    """A batch that could not be handed on is fetched again; one from before a seek is not, it would go back."""
    await thread._seek_all({ZERO: 5})
    client.positions[ZERO] = 9
    await thread._rewind(ZERO, FetchedBatch(5, 6, 1, [record(5)], 1))
    assert client.positions[ZERO] == 5
    await thread._seek_all({ZERO: 7})
    await thread._rewind(ZERO, FetchedBatch(5, 6, 1, [record(5)], 1))
    assert client.positions[ZERO] == 7


class Flow:
    """As much of the consumer as its `getmany` asks."""

    def __init__(self, batches: dict[TP, FetchedBatch]) -> None:
        self.should_stop, self.flow_active = False, True
        self.app = SimpleNamespace(consumer_generation_id=1)
        self.rewound: list[tuple[TP, FetchedBatch]] = []
        self._thread, self._batches = self, batches

    async def rewind(self, tp: TP, batch: FetchedBatch) -> None:
        self.rewound.append((tp, batch))

    async def _wait_next_batches(self, _: float) -> dict[TP, FetchedBatch]:
        return self._batches

    def _message(self, _: TP, batch: FetchedBatch, generation: int) -> tuple[FetchedBatch, int]:
        return batch, generation


@pytest.mark.parametrize("change", ["flow_active", "generation"])
async def test_what_a_rebalance_leaves_unhanded_is_fetched_again(change: str) -> None:
    """One of two batches was handed on when the flow stopped or the group changed; the other is not lost."""
    batches = {tp: FetchedBatch(5, 6, 1, [record(5)], 1) for tp in (ZERO, ONE)}
    flow, handed = Flow(batches), []
    async for tp, _ in BatchConsumer.getmany(flow, 1.0):  # type: ignore[arg-type]
        handed.append(tp)
        if change == "flow_active":
            flow.flow_active = False
        else:
            flow.app.consumer_generation_id = 2
    assert (handed, flow.rewound) == ([ZERO], [(ONE, batches[ONE])])
