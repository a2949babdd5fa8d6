"""Taking a partition over: what is read, what is refused, and what an interruption leaves behind."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition

from rater.engine import restore
from rater.engine.config import EngineConfig
from rater.kafka.failstop import Refused
from rater.seam import heads
from rater.seam.model import Head, LogRecord
from tests.support import toy

LOG = TopicPartition("toy-log", 0)
HEAD_LOG = TopicPartition("toy-heads-changelog", 0)
COUNTS_LOG = TopicPartition("toy-counts-changelog", 0)


@dataclass
class Cluster:
    """A broker by script: topic partitions with their records, where they start, and the group's commits."""

    records: dict[Any, list[tuple[bytes, bytes | None]]] = field(default_factory=dict)
    starts: dict[Any, int] = field(default_factory=dict)
    ends: dict[Any, int] = field(default_factory=dict)
    later: dict[Any, int] = field(default_factory=dict)
    """Ends as of when rows have been read."""
    commits: dict[Any, int] = field(default_factory=dict)
    events: list[str] = field(default_factory=list)
    hang: bool = False
    reading: asyncio.Event = field(default_factory=asyncio.Event)

    def end(self, tp: Any) -> int:
        return self.ends.get(tp, self.starts.get(tp, 0) + len(self.records.get(tp, [])))


CLUSTER = Cluster()


class FakeConsumer:
    def __init__(self, **options: Any) -> None:
        self.cluster, self.options, self.at = CLUSTER, options, dict[Any, int]()

    async def start(self) -> None:
        self.cluster.events.append("consumer started")

    async def stop(self) -> None:
        self.cluster.events.append("consumer stopped")

    def assign(self, tps: list[Any]) -> None:
        assert self.options["isolation_level"] == "read_committed"
        self.at = dict.fromkeys(tps, 0)

    def seek(self, tp: Any, offset: int) -> None:
        self.at[tp] = offset

    async def beginning_offsets(self, tps: list[Any]) -> dict[Any, int]:
        return {tp: self.cluster.starts.get(tp, 0) for tp in tps}

    async def end_offsets(self, tps: list[Any]) -> dict[Any, int]:
        return {tp: self.cluster.end(tp) for tp in tps}

    async def position(self, tp: Any) -> int:
        return self.at[tp]

    async def committed(self, tp: Any) -> int | None:
        return self.cluster.commits.get(tp)

    async def getmany(self, **_: Any) -> dict[Any, list[Any]]:
        self.cluster.reading.set()
        if self.cluster.hang:
            await asyncio.Event().wait()
        out = {}
        for tp, at in self.at.items():
            if at < self.cluster.end(tp):  # one poll reads all; an aborted tail has no records, but is passed
                records = self.cluster.records.get(tp, [])
                out[tp] = [SimpleNamespace(key=key, value=value) for key, value in records]
                self.at[tp] = self.cluster.end(tp)
        self.cluster.ends |= self.cluster.later
        return {tp: records for tp, records in out.items() if records}


class FakeProducer:
    def __init__(self, _config: EngineConfig, partition: int) -> None:
        self.partition = partition

    async def start(self) -> None:
        CLUSTER.events.append("producer started")

    async def stop(self) -> None:
        CLUSTER.events.append("producer stopped")


@pytest.fixture(autouse=True)
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    made = Cluster()
    monkeypatch.setitem(globals(), "CLUSTER", made)
    monkeypatch.setattr(restore, "AIOKafkaConsumer", FakeConsumer)
    monkeypatch.setattr(restore, "PartitionProducer", FakeProducer)
    return made


def head(next_offset: int, partitions: int = 4) -> tuple[bytes, bytes]:
    return heads.HEAD_KEY, heads.encode(Head(next_offset, partitions))


async def restored(**changes: Any) -> restore.Restored:
    return (await restore.restore(toy.config("nowhere:9", "toy", 4, **changes), {0}))[0]


async def test_a_new_log_begins_at_its_start() -> None:
    """No rows, a log from 0 and no commit of the group: surely new, so it begins."""
    taken = await restored()
    assert taken.head == Head(0, 4)
    assert taken.rows.head == taken.head


async def test_the_last_value_of_each_key_counts_and_tombstones_delete(cluster: Cluster) -> None:
    """Rows are what the changelog says last; a null value is a deleted row."""
    cluster.records = {
        HEAD_LOG: [head(1), head(3)],
        COUNTS_LOG: [(b"a", b"1"), (b"b", b"1"), (b"a", b"2"), (b"b", None)],
        LOG: [(b"", b"")] * 5,
    }
    taken = await restored()
    assert taken.head.next_offset == 3
    assert taken.rows.tables["counts"] == {b"a": 2}


async def test_an_aborted_or_compacted_tail_does_not_hang(cluster: Cluster) -> None:
    """Markers and aborted records hold offsets but no records: the restore ends when the position has passed them."""
    cluster.records = {HEAD_LOG: [head(3)], LOG: [(b"", b"")] * 5}
    cluster.ends = {HEAD_LOG: 40, COUNTS_LOG: 17}
    assert (await restored()).head.next_offset == 3


async def test_the_former_owner_is_fenced_before_anything_is_read(cluster: Cluster) -> None:
    """The producer's start comes first: what is read afterwards cannot change under us."""
    reading = FakeConsumer.beginning_offsets

    async def watched(self: FakeConsumer, tps: list[Any]) -> dict[Any, int]:
        cluster.events.append("read")
        return await reading(self, tps)

    FakeConsumer.beginning_offsets = watched  # type: ignore[method-assign]
    try:
        await restored()
    finally:
        FakeConsumer.beginning_offsets = reading  # type: ignore[method-assign]
    assert cluster.events.index("producer started") < cluster.events.index("read")


@pytest.mark.parametrize(
    ("setup", "words"),
    [
        ({"records": {COUNTS_LOG: [(b"a", b"1")]}}, "other tables have rows"),
        ({"starts": {LOG: 7}}, "the log starts at offset 7"),
        ({"commits": {LOG: 12}}, "has committed offset 12"),
    ],
)
async def test_missing_state_is_refused_unless_adopted(cluster: Cluster, setup: dict[str, Any], words: str) -> None:
    """A log that is not surely new must not be begun: if its rows were lost, calls would be charged twice."""
    for name, value in setup.items():
        setattr(cluster, name, value)
    with pytest.raises(Refused, match=words) as refused:
        await restored()
    assert "rater worker --adopt" in str(refused.value)
    assert cluster.events.count("producer stopped") == 1
    assert (await restored(adopt=True)).head.next_offset == cluster.starts.get(LOG, 0)


async def test_a_truncated_log_is_refused_with_the_range_that_is_gone(cluster: Cluster) -> None:
    """Records that vanished before they were rated are named; an operator may give them up."""
    cluster.records = {HEAD_LOG: [head(3)]}
    cluster.starts = {LOG: 10}
    with pytest.raises(Refused, match="toy-log/0: offsets 3 to 9 are gone"):
        await restored()
    assert (await restored(adopt=True)).head.next_offset == 10


async def test_a_log_that_ends_too_early_is_refused(cluster: Cluster) -> None:
    """A log that was made anew under a state that knows more would charge new calls as if they were seen."""
    cluster.records = {HEAD_LOG: [head(30)], LOG: [(b"", b"")] * 5}
    with pytest.raises(Refused, match="ends at offset 5, before 30"):
        await restored()


async def test_a_restore_that_took_long_is_not_taken_for_a_log_that_ends_too_early(cluster: Cluster) -> None:
    """A machine slept while it restored: a later owner went on, and its rows are read, beyond the end as of before.

    It is fenced by then, which its first transaction finds out; the log is whole, and no operator is needed.
    """
    cluster.records = {HEAD_LOG: [head(30)]}
    cluster.ends = {LOG: 5}
    cluster.later = {LOG: 40}
    assert (await restored()).head.next_offset == 30


async def test_a_changed_number_of_partitions_is_refused(cluster: Cluster) -> None:
    """N is stored in the rows: with another one, accounts would be split over partitions."""
    cluster.records = {HEAD_LOG: [head(3, partitions=8)], LOG: [(b"", b"")] * 5}
    with pytest.raises(Refused, match="first rated with 8 partitions, and now there are 4"):
        await restored()


async def test_rows_of_another_format_are_refused_unread(cluster: Cluster) -> None:
    """After an upgrade that encodes rows otherwise, old rows are refused before one of them is decoded."""
    cluster.records = {HEAD_LOG: [head(3)], COUNTS_LOG: [(b"a", b"not json at all")], LOG: [(b"", b"")] * 5}
    with pytest.raises(Refused, match="rows have format 1, and this rater reads format 2"):
        await restored(row_format=2)


async def test_a_new_log_gets_the_format_of_its_rows() -> None:
    """What is written from the start says how it is encoded, and a step keeps it."""
    taken = await restored(row_format=2)
    assert taken.head.format == 2
    record = LogRecord(0, 0, b"k", b"v")
    assert toy.count(taken.rows, taken.head, 0, [record]).head.format == 2


async def test_an_interrupted_restore_leaves_nothing_open(cluster: Cluster) -> None:
    """A rebalance in the middle of a restore cancels it; its producer and consumer are stopped when it is over."""
    cluster.records = {HEAD_LOG: [head(3)]}
    cluster.hang = True
    running = asyncio.create_task(restored())
    await cluster.reading.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert sorted(cluster.events[-2:]) == ["consumer stopped", "producer stopped"]
