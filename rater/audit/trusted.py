"""A snapshot of the tables as they are, where the log's head is gone and no snapshot can prove them: taken on trust."""

from __future__ import annotations

from rater.audit.partition import Origin
from rater.audit.run import OUTPUTS
from rater.audit.snapshot import ReplayState, SnapshotHeader, Writer
from rater.kafka.failstop import Refused
from rater.kafka.reader import bounds, log_partitions, reader
from rater.kafka.settings import Settings
from rater.kafka.topics import changelog
from rater.processor.rows import TABLES
from rater.seam.heads import HEADS
from rater.tools.tables import latest_head, latest_rows

TRIES = 5
"""Times that a partition's tables are read; each time a worker may commit meanwhile."""


def trusted_header(settings: Settings) -> SnapshotHeader:
    """The header of a snapshot that nothing proves."""
    return SnapshotHeader(settings.topic("calls"), settings.partitions, proven=False)


async def take_tables(settings: Settings, keep: Writer) -> None:
    """Write every partition's rows. Raises `Refused` where workers keep changing them, or nothing was rated yet."""
    for partition in range(await log_partitions(settings)):
        keep.add(partition, await _state(settings, partition))


async def _state(settings: Settings, partition: int) -> ReplayState:
    topics = [changelog(settings, table.name) for table in (HEADS, *TABLES)] + [settings.topic(r) for r in OUTPUTS]
    async with reader(settings, *topics) as consumer:
        for _ in range(TRIES):
            before = await latest_head(settings, consumer, partition)
            if before is None:
                raise Refused(f"partition {partition} was not rated yet: there is nothing to take a snapshot of")
            rows = await latest_rows(settings, consumer, partition)
            ends = {role: (await bounds(consumer, settings.topic(role))).ends[partition] for role in OUTPUTS}
            # Every transaction writes the head: the same one before and after means that none ended in between.
            if await latest_head(settings, consumer, partition) == before:
                return ReplayState(Origin(before, rows, ends))
    raise Refused(f"partition {partition} changes all the time: stop the workers for the time of the snapshot")
