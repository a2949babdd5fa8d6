"""What comes from a fetch, what a transaction is made of, and what was done: the values that pass through a unit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from rater.stream.model import Effects, Record
from rater.stream.producer import Outbox


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


@dataclass(slots=True)
class Tally:
    """What a unit has done since it was made; for logs and metrics, it decides nothing."""

    records: int = 0
    transactions: int = 0
    fold_seconds: float = 0.0
    commit_seconds: float = 0.0
    longest_fold: float = 0.0
    """Seconds of the longest fold, during which the loop does nothing else."""
    longest_commit: float = 0.0
    """Seconds of the longest transaction, from its beginning on the broker to its end."""

    def add(self, records: int, fold: float, commit: float) -> None:
        """Count one transaction more."""
        self.records += records
        self.transactions += 1
        self.fold_seconds += fold
        self.commit_seconds += commit
        self.longest_fold = max(self.longest_fold, fold)
        self.longest_commit = max(self.longest_commit, commit)

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.records + other.records,
            self.transactions + other.transactions,
            self.fold_seconds + other.fold_seconds,
            self.commit_seconds + other.commit_seconds,
            max(self.longest_fold, other.longest_fold),
            max(self.longest_commit, other.longest_commit),
        )
