"""What `/metrics` tells, in Prometheus' text: read from the heads of the partitions that this worker rates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from rater.stream.model import Head


class Rated(Protocol):
    """A partition at work (`rater.stream.unit.Unit` is one)."""

    @property
    def head(self) -> Head:
        """As of its last transaction."""


class Outcomes:
    """Collects how many records ended in each outcome, since each log partition's start.

    The counts are committed with the charges, so they survive restarts and never count a record twice; a partition is
    told by the worker that has it.
    """

    def __init__(self, units: Mapping[int, Rated]) -> None:
        self._units = units

    def collect(self) -> Iterator[Metric]:
        """One counter by outcome, and where each partition has come to."""
        counts = CounterMetricFamily(
            "rater_records", "Records of the log by outcome, since its start", labels=["partition", "outcome"]
        )
        due = GaugeMetricFamily("rater_next_offset", "Offset of the first record not rated yet", labels=["partition"])
        for partition, unit in sorted(self._units.items()):
            due.add_metric([str(partition)], unit.head.next_offset)
            for outcome, count in sorted(unit.head.outcomes.items()):
                counts.add_metric([str(partition), outcome], count)
        yield from (counts, due)


def exposition(units: Mapping[int, Rated]) -> bytes:
    """The metrics as Prometheus reads them."""
    registry = CollectorRegistry()
    registry.register(Outcomes(units))
    return generate_latest(registry)
