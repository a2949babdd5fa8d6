"""The step over records without Kafka: `rater rate`, the audit and the tests drive the log through this."""

from __future__ import annotations

from collections.abc import Sequence

from rater.processor.rows import TABLES
from rater.seam.model import Effects, Head, Record, Step
from rater.seam.rows import PartitionRows


class Replay:
    """The log through the step, one state per partition.

    `partitions` is N, the log's number of partitions. A forwarded record is an output like others: its copy comes with
    the log of the partition that it was forwarded to.
    """

    def __init__(self, step: Step, partitions: int = 1) -> None:
        self.step = step
        self.rows: dict[int, PartitionRows] = {p: PartitionRows(TABLES) for p in range(partitions)}
        self.heads: dict[int, Head] = {p: Head(next_offset=0, partitions=partitions) for p in range(partitions)}

    def feed(self, partition: int, records: Sequence[Record]) -> Effects:
        """Apply the next records of a partition, in the order of their offsets; those seen before are left out."""
        head = self.heads[partition]
        unseen = [record for record in records if record.offset >= head.next_offset]
        effects = self.step(self.rows[partition], head, partition, unseen)
        self.rows[partition].apply(effects.changes)
        self.heads[partition] = effects.head
        return effects

    def outcomes(self) -> dict[str, int]:
        """How many records ended in each outcome, over all partitions."""
        total: dict[str, int] = {}
        for _, head in sorted(self.heads.items()):
            for outcome, count in head.outcomes.items():
                total[outcome] = total.get(outcome, 0) + count
        return total
