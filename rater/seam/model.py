"""The seam between the engine and the application it runs.

The engine moves records, rows and outputs; the application decides, in one pure function (`Step`), what a batch of
records does to the rows and what comes out. Nothing here touches Kafka, so the step also runs over a file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

Row = Any
"""A row is the application's own immutable value; the engine only stores it and writes `TableSpec.encode(row)`."""

Changes = dict[str, dict[bytes, Row | None]]
"""table name -> row key -> the row's new value, or None where the row is deleted (a tombstone)."""


class Record(Protocol):
    """One record of the log, as a consumer sees it (`aiokafka.ConsumerRecord` is one)."""

    @property
    def offset(self) -> int:
        """Place within the partition."""

    @property
    def timestamp(self) -> int:
        """Milliseconds since the epoch, set by the broker (LogAppendTime)."""

    @property
    def key(self) -> bytes | None:
        """The key's bytes as received."""

    @property
    def value(self) -> bytes | None:
        """The value's bytes as received."""

    @property
    def headers(self) -> Sequence[tuple[str, bytes]]:
        """The headers as received."""


class LogRecord(NamedTuple):
    """A record of the log made by hand: from a file, or in a test."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()


class Output(NamedTuple):
    """A record that a step publishes, in the same transaction as its row changes."""

    topic: str
    """The topic's role (`charges`), which the engine maps to the real topic (`prod-charges`)."""
    partition: int
    key: bytes | None
    value: bytes | None
    timestamp: int
    """Milliseconds since the epoch; always derived from the log, never from the operating system."""
    headers: tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True)
class Head:
    """What a log partition knows of itself: one row per partition, written in every transaction."""

    next_offset: int
    """The offset of the first record whose effects are not in the rows yet."""
    partitions: int
    """The number of partitions of the log (N) when this partition was first processed; it must never change."""
    outcomes: Mapping[str, int] = field(default_factory=dict)
    """How many records ended in each outcome, from the log's start."""
    state: Any = None
    """What else the application keeps per partition (small, JSON-able; the engine does not look inside)."""
    format: int = 1
    """Of the rows (`EngineConfig.row_format`): rows of another format are refused, never read for something else."""


class Effects(NamedTuple):
    """What one batch of records does."""

    head: Head
    changes: Changes
    outputs: Sequence[Output]


class Rows(Protocol):
    """The committed rows of one log partition, read only."""

    def table(self, name: str) -> Mapping[bytes, Row]:
        """A table's rows by key, for a step that looks up many; it must not change them."""

    def get(self, table: str, key: bytes) -> Row | None:
        """The row, or None."""

    def group(self, table: str, group: bytes) -> Iterable[bytes]:
        """The keys of a table's rows that belong together (`TableSpec.group`), in no order that means anything."""

    def first(self, table: str, group: bytes, count: int) -> Sequence[bytes]:
        """The first `count` keys of such a group in their order as bytes."""


class Step(Protocol):
    """The pure function that the engine runs: no I/O, no clock, never raises for bad input.

    `records` are contiguous in the sense of the log and start at `head.next_offset` or later (transaction markers leave
    gaps). The result depends on the arguments alone; splitting `records` into two calls gives the same outputs. They
    are read once, in order: the engine may end them early, when a transaction's worth of work is done.
    """

    def __call__(self, rows: Rows, head: Head, partition: int, records: Iterable[Record]) -> Effects:
        """Apply `records` of log partition `partition` in order; the arguments are not changed."""


@dataclass(frozen=True, slots=True)
class TableSpec:
    """A table of the application: its rows are kept in memory and in the changelog `<app>-<name>-changelog`."""

    name: str
    encode: Callable[[Row], bytes]
    decode: Callable[[bytes], Row]
    group: Callable[[bytes, Row], bytes] | None = None
    """(key, row) to the name of what the row belongs to: such rows can be looked up together (`Rows.group`)."""
