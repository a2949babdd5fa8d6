"""The audit of a whole system, running or stopped: every partition's log replayed, against all that was published.

What is read first decides what can be asked: the heads (up to where the workers had come), then the ends of what was
published, then the end of the log. So all outputs of what the heads cover must be there, and every output has its cause
in the part of the log that is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer

from rater.audit import forwards
from rater.audit.partition import AuditContext, Origin, Pieces, Proof
from rater.audit.report import Report
from rater.audit.snapshot import ReplayState, Snapshot, SnapshotHeader, Writer
from rater.kafka.failstop import Refused
from rater.kafka.reader import Bounds, bounds, log_partitions, reader, span
from rater.kafka.settings import Settings
from rater.processor.rows import TABLES
from rater.seam.model import Head
from rater.seam.rows import PartitionRows
from rater.tools.tables import latest_heads

OUTPUTS = ("charges", "rejected", "alerts")

Progress = Callable[[int, int], None]
"""(offsets of the log done, of so many)."""


class Source(NamedTuple):
    """A topic to read, with a consumer of its own."""

    topic: str
    consumer: AIOKafkaConsumer
    bounds: Bounds


@dataclass(frozen=True, slots=True)
class Sources:
    """All that an audit reads."""

    log: Source
    outputs: Mapping[str, Source]


async def audit(
    settings: Settings,
    *,
    charges: str | None = None,
    snapshot: Snapshot | None = None,
    keep: Writer | None = None,
    progress: Progress = lambda _done, _total: None,
) -> Report:
    """Prove what is in the topics now; memory is that of one partition's rows.

    `charges` is a topic to be looked at in place of the real one. From `snapshot` on, if one is given. `keep` takes the
    rows where the workers had come; nothing behind that is looked at then. Raises `Refused` where the topics are not
    there, or the snapshot is of another log.
    """
    partitions = await log_partitions(settings)
    topic = settings.topic("calls")
    if snapshot is not None and (snapshot.header.log, snapshot.header.partitions) != (topic, partitions):
        raise Refused(f"the snapshot is of {snapshot.header.log} with {snapshot.header.partitions} partitions")
    scene = AuditContext(topic, partitions, await latest_heads(settings), Report(partitions))
    async with AsyncExitStack() as stack:
        sources = await _sources(settings, stack, charges)
        total = sum(sources.log.bounds.ends.values()) - sum(sources.log.bounds.starts.values())
        done = 0
        for partition, state in _states(scene, snapshot):
            base = done

            def passed_by(passed: int, base: int = base) -> None:
                progress(base + passed, total)

            await _prove(scene, partition, state, sources, keep, passed_by)
            done += sources.log.bounds.ends[partition] - sources.log.bounds.starts[partition]
    if (snapshot is None or snapshot.header.proven) and not scene.report.unproven:
        forwards.compare(scene.sent, scene.arrived, topic, scene.report)
    return scene.report


def header_after(settings: Settings, snapshot: Snapshot | None) -> SnapshotHeader:
    """The header of a snapshot that a proof from `snapshot` on makes."""
    proven = snapshot is None or snapshot.header.proven
    previous = None if snapshot is None else snapshot.sha256
    return SnapshotHeader(settings.topic("calls"), settings.partitions, proven, previous)


async def _sources(settings: Settings, stack: AsyncExitStack, charges: str | None) -> Sources:
    found = {}
    outputs = (*OUTPUTS, "spend") if settings.spend else OUTPUTS
    for role in (*outputs, "calls"):  # the log last: what was published has its cause before the log's end
        topic = charges if role == "charges" and charges else settings.topic(role)
        consumer = await stack.enter_async_context(reader(settings, topic))
        found[role] = Source(topic, consumer, await bounds(consumer, topic))
        if len(found[role].bounds.starts) != settings.partitions:
            raise Refused(f"{topic} has {len(found[role].bounds.starts)} partitions, the log {settings.partitions}")
    return Sources(found.pop("calls"), found)


def _states(scene: AuditContext, snapshot: Snapshot | None) -> Iterator[tuple[int, ReplayState]]:
    if snapshot is not None:
        yield from snapshot.states()
        return
    for partition in range(scene.partitions):
        yield partition, ReplayState(Origin(Head(0, scene.partitions), PartitionRows(TABLES), {}))


async def _prove(
    scene: AuditContext,
    partition: int,
    state: ReplayState,
    sources: Sources,
    keep: Writer | None,
    progress: Callable[[int], None],
) -> None:
    place, start = f"{scene.topic}/{partition}", state.origin.head.next_offset
    first, end = (limits[partition] for limits in sources.log.bounds)
    head = scene.heads.get(partition)
    if head is not None and not first <= head.next_offset <= end:
        gone = f"rated up to {head.next_offset}, and the log has {first} to {end}"
        scene.report.add_finding(
            "lost", place, gone, abs(head.next_offset - (first if head.next_offset < first else end))
        )
    if first > start:
        scene.report.unproven.append(
            f"{place} begins at offset {first}, and what came before is gone: it can be proved from a snapshot of"
            f" offset {first} or later on"
        )
        return
    scene.sent.take(state.sent)
    scene.arrived.take(state.arrived)
    until = end if keep is None else min(end, max(start, scene.cut(partition)))
    proof = Proof(scene, partition, state.origin, _published(partition, state.origin, sources))
    async for records, position in span(sources.log.consumer, sources.log.topic, partition, start, until):
        await proof.take(records)
        progress(position - first)
    passed = await proof.end(more=until < end)
    if keep is not None:
        keep.add(partition, _state_after(scene, proof, partition, state.origin, passed))


def _published(partition: int, origin: Origin, sources: Sources) -> dict[str, tuple[str, Pieces]]:
    found = {}
    for role, (topic, consumer, limits) in sources.outputs.items():
        start = max(limits.starts[partition], origin.outputs.get(role, 0))
        found[role] = topic, span(consumer, topic, partition, start, limits.ends[partition])
    return found


def _state_after(
    scene: AuditContext, proof: Proof, partition: int, origin: Origin, passed: Mapping[str, int]
) -> ReplayState:
    outputs = {role: max(origin.outputs.get(role, 0), passed[role] + 1) for role in OUTPUTS}
    after = Origin(proof.replay.heads[partition], proof.replay.rows[partition], outputs)
    return ReplayState(after, scene.sent.as_dict(partition, 0), scene.arrived.as_dict(partition, 1))
