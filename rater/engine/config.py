"""The engine's configuration: the topics, the tables, the step, and the timeouts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rater.seam.heads import HEADS
from rater.seam.model import Output, Step, TableSpec

MAX_ROW_OR_OUTPUT = 512 * 1024
"""Bytes: the step never makes a larger row or output (exactly_once.md), so each fits a batch of every topic."""

MIN_MESSAGE_BYTES = MAX_ROW_OR_OUTPUT + 64 * 1024
"""Bytes: what every topic must accept (`max.message.bytes`): a row or output with its key, headers and batch frame."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineConfig:
    """One engine: one log topic, its tables, and where the outputs go. Durations are in seconds."""

    app_id: str
    """The consumer group, and the start of every changelog's and transactional id's name; it includes the prefix."""
    log: str
    """The role of the log among `topics`."""
    topics: Mapping[str, str]
    """Role (as in `Output.topic`) to the real topic name; the log is among them."""
    partitions: int
    """N, the log's number of partitions; outputs and changelogs have as many."""
    tables: Sequence[TableSpec]
    """The application's tables; the engine adds its own, `heads`."""
    step: Step
    row_format: int = 1
    """Raised by the application whenever its rows are encoded otherwise."""
    readable_formats: frozenset[int] = frozenset()
    """Other formats whose rows the application still reads; they are written in its own."""
    client: Mapping[str, Any] = field(default_factory=dict)
    """aiokafka's connection options (addresses, TLS, SASL), the same for every client of the engine."""
    tick: Callable[[int, int], Output] | None = None
    """(partition, now in ms) to the tick record for the log; None writes none: time comes from elsewhere."""
    tick_interval: float = 60.0
    work_left: Callable[[Any], bool] = lambda _state: False
    """Whether a head's state says that a tick has left work; then the next tick is written at once."""
    session_timeout: float = 10.0
    rebalance_timeout: float = 20.0
    transaction_timeout: float = 10.0
    request_timeout: float = 5.0
    stall_timeout: float = 30.0
    """Until fetched batches of a partition must have moved on, once it is the partition's turn to fold."""
    turn_timeout: float = 300.0
    """Until a partition must have its turn: with very many partitions that are all busy, each waits for the others."""
    max_poll_records: int = 2000
    max_batch_size: int = 1 << 20
    """Bytes: the smallest `max.message.bytes` of our topics, read from the broker at start."""
    compression: str | None = None
    check_crcs: bool = True
    """False only on the embedded broker, whose transaction markers carry no valid checksum."""
    instance_id: str | None = None
    """Static group membership: a restart within the session timeout causes no rebalance."""
    adopt: bool = False
    """An operator's word that a log without rows here may be begun although it is not new."""

    @property
    def all_tables(self) -> tuple[TableSpec, ...]:
        """The application's tables and the engine's own."""
        return (HEADS, *self.tables)

    @property
    def log_topic(self) -> str:
        """The log's real topic name."""
        return self.topics[self.log]

    def changelog(self, table: str) -> str:
        """The real topic name of a table's changelog."""
        return f"{self.app_id}-{table}-changelog"

    def transactional_id(self, partition: int) -> str:
        """One per log partition, so that starting a producer fences the partition's former owner."""
        return f"{self.app_id}.{self.log_topic}.{partition}"
