"""What comes from a fetch, what a transaction is made of, and what was done: the values that pass through a unit."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from rater.engine.producer import Outbox
from rater.seam.model import Effects, Record


class FetchedBatch(NamedTuple):
    """The records of one partition from one fetch."""

    start: int
    """Up to where everything was handed on before: the end of the batch before it, or the target of a seek."""
    end: int
    """The consumer's position after the fetch. Markers and aborted records lie between the records and around them."""
    epoch: int
    """Which seek it follows; a batch of an older epoch was fetched before the rows that are here now."""
    records: Sequence[Record]
    size: int
    """Bytes of keys and values."""


class Delivery(Protocol):
    """A fetched batch on its way, as Faust's event carries it."""

    value: FetchedBatch
    message: Any
    """Faust's message, which knows the partition."""

    def ack(self) -> bool:
        """Tell Faust that it is done with."""


class Folded(NamedTuple):
    """A transaction that is ready to be sent."""

    effects: Effects
    outbox: Outbox | None
    """None: there is nothing to commit."""
    records: int
    """How many records these are the effects of."""


BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Seconds: the upper ends of the classes into which durations are counted; what is longer has a class of its own."""


@dataclass(slots=True)
class Durations:
    """How long something took, again and again: in all, and how often by class of `BUCKETS`."""

    seconds: float = 0.0
    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))

    def add(self, seconds: float) -> None:
        """Count one more."""
        self.seconds += seconds
        self.counts[bisect_left(BUCKETS, seconds)] += 1

    def __add__(self, other: Durations) -> Durations:
        return Durations(self.seconds + other.seconds, [a + b for a, b in zip(self.counts, other.counts, strict=True)])


@dataclass(slots=True)
class Tally:
    """What a unit has done since it was made; for logs and metrics, it decides nothing."""

    records: int = 0
    transactions: int = 0
    folds: Durations = field(default_factory=Durations)
    """In the rules, and filling record batches."""
    commits: Durations = field(default_factory=Durations)
    """From a transaction's beginning on the broker to its end."""

    def add(self, records: int, fold: float, commit: float) -> None:
        """Count one transaction more; durations in seconds."""
        self.records += records
        self.transactions += 1
        self.folds.add(fold)
        self.commits.add(commit)

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.records + other.records,
            self.transactions + other.transactions,
            self.folds + other.folds,
            self.commits + other.commits,
        )
