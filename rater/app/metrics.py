"""What `/metrics` tells, in Prometheus' text: of the partitions that this worker rates, and of the worker itself.

Counts of outcomes are committed with the charges: they survive restarts and never count a record twice, and a partition
is reported by the worker that has it. Counts of transactions begin with the process.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sized
from itertools import accumulate
from typing import Protocol

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from rater.engine.batches import BUCKETS, Durations, Tally
from rater.seam.model import Head

WORKER = b"rater_"
INTAKE = b"rater_intake_"
"""What names of metrics begin with: a sum over records must not count one at the intake and again at the worker."""


class Rated(Protocol):
    """A partition at work (`rater.engine.partition_worker.PartitionWorker` is one)."""

    @property
    def head(self) -> Head:
        """As of its last transaction."""

    @property
    def tally(self) -> Tally:
        """What was done since the partition was taken."""


class Worked(Protocol):
    """A worker's engine (`rater.engine.engine.Engine` is one)."""

    @property
    def units(self) -> Mapping[int, Rated]:
        """The partitions that it rates."""

    @property
    def held(self) -> Mapping[str, Mapping[int, Sized]]:
        """Table -> partition -> rows."""

    def held_back(self) -> Mapping[int, int]:
        """Partition -> offsets of the log that an open transaction keeps from readers."""

    @property
    def ready(self) -> bool:
        """Whether it takes calls in."""

    @property
    def restored(self) -> tuple[int, int]:
        """Of the last restore: records read, and how many there are at most."""


class WorkerMetrics:
    """Collects from an engine."""

    def __init__(self, engine: Worked) -> None:
        self._engine = engine

    def collect(self) -> Iterator[Metric]:
        """Outcomes and offsets by partition, transactions, rows, and how far a restore is."""
        yield from self._partitions()
        yield from self._transactions()
        yield from self._state()

    def _partitions(self) -> Iterator[Metric]:
        counts = CounterMetricFamily(
            "rater_records", "Records of the log by outcome, since its start", labels=["partition", "outcome"]
        )
        due = GaugeMetricFamily("rater_next_offset", "Offset of the first record not rated yet", labels=["partition"])
        for partition, unit in sorted(self._engine.units.items()):
            due.add_metric([str(partition)], unit.head.next_offset)
            for outcome, count in sorted(unit.head.outcomes.items()):
                counts.add_metric([str(partition), outcome], count)
        held = GaugeMetricFamily(
            "rater_held_back", "Offsets of the log that an open transaction keeps from readers", labels=["partition"]
        )
        for partition, offsets in sorted(self._engine.held_back().items()):
            held.add_metric([str(partition)], offsets)
        yield from (counts, due, held)
        yield from self._ambiguous()

    def _ambiguous(self) -> Iterator[Metric]:
        """Of an intake: calls with a local time that does not exist, or exists twice (a change of clocks)."""
        family = CounterMetricFamily(
            "rater_ambiguous_times", "Calls with an ambiguous local time", labels=["partition"]
        )
        for partition, unit in sorted(self._engine.units.items()):
            if isinstance(unit.head.state, dict) and "ambiguous" in unit.head.state:
                family.add_metric([str(partition)], unit.head.state["ambiguous"])
        if family.samples:
            yield family

    def _transactions(self) -> Iterator[Metric]:
        done = sum((unit.tally for unit in self._engine.units.values()), Tally())
        figures = {
            "transactions": ("Transactions committed", done.transactions),
            "transaction_records": ("Log records processed in committed transactions", done.records),
            "fold_seconds": ("Seconds spent in the rules", done.folds.seconds),
            "commit_seconds": (
                "Seconds spent in Kafka's transactions",
                done.commits.seconds,
            ),
        }
        for name, (meaning, value) in figures.items():
            yield CounterMetricFamily(f"rater_{name}", meaning, value=value)
        yield _histogram("rater_fold_duration_seconds", "Time of one transaction in the rules", done.folds)
        yield _histogram("rater_commit_duration_seconds", "Time of one transaction in Kafka", done.commits)

    def _state(self) -> Iterator[Metric]:
        rows = GaugeMetricFamily("rater_state_rows", "Rows kept", labels=["table", "partition"])
        for table, partitions in sorted(self._engine.held.items()):
            for partition, kept in sorted(partitions.items()):
                rows.add_metric([table, str(partition)], len(kept))
        yield rows
        read, total = self._engine.restored
        yield GaugeMetricFamily("rater_ready", "1: every assigned partition takes calls in", value=self._engine.ready)
        yield GaugeMetricFamily("rater_restore_read", "Changelog records read by the last restore", value=read)
        yield GaugeMetricFamily("rater_restore_total", "Changelog records that it has to read at most", value=total)


def _histogram(name: str, meaning: str, durations: Durations) -> Metric:
    ends = [*map(str, BUCKETS), "+Inf"]
    counts = list(zip(ends, accumulate(durations.counts), strict=True))
    return HistogramMetricFamily(name, meaning, buckets=counts, sum_value=durations.seconds)


def exposition(engine: Worked, prefix: bytes = WORKER) -> bytes:
    """The metrics as Prometheus reads them; with the process's own, whose start tells of restarts."""
    registry = CollectorRegistry()
    registry.register(WorkerMetrics(engine))
    ProcessCollector(registry=registry)
    return generate_latest(registry).replace(WORKER, prefix)
