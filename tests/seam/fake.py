"""A Kafka in memory, as far as the engine's protocol sees one: logs, transactions, fences, and what a reader is shown.

What it keeps of the real one (`test_like_the_broker.py` holds both to the same script):

- a transaction's end writes a marker into each of its partitions, and the marker takes an offset;
- a `read_committed` reader sees nothing from the first record of the oldest open transaction on (the last stable
  offset), and no record of an aborted one;
- a commit is decided before its markers are written: while a partition's leader is away (`away`) the transaction is
  "prepared", its records are held, and whoever asks for the transactional id is told to wait;
- `InitProducerId` aborts an open transaction and raises the epoch; every request of an older epoch is refused;
- the coordinator aborts what is open for longer than its timeout, by a clock that the test moves.

The clients are in `clients.py`. Every await of theirs passes `step`, where a test may let it pass, raise, cancel it,
hold it, or end its process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import Enum

from aiokafka.errors import ConcurrentTransactions, InvalidTxnState, ProducerFenced

from rater.engine.producer import Header

Place = tuple[str, int]


class Crash(BaseException):
    """The process ends here, between two instructions."""


class Gone(BaseException):
    """A client of a process that has ended asked for something: it is refused."""


@dataclass(eq=False)
class Process:
    """What a worker's clients belong to. All of them end, and freeze, together."""

    name: str
    phase: str = "start"
    alive: bool = True
    open_clients: int = 0
    cancel: Callable[[str], None] = lambda _name: None
    """Cancels the task that waits for a step."""
    leave: Callable[[], None] = lambda: None
    """Takes everything from it that it owns, in good order."""
    running: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.running.set()

    def end(self) -> None:
        """Nothing of it reaches the broker any more."""
        self.alive = False
        self.over.set()


PROCESS: ContextVar[Process] = ContextVar("process")
"""Whose code is running; clients made there are its own."""


@dataclass(eq=False)
class Span:
    """A transaction's part of one log: from its first record to its marker."""

    first: int | None = None
    committed: bool | None = None
    """None while no marker says how it ended."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What one offset of a log holds."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[Header, ...] = ()
    span: Span | None = None
    marker: bool = False


@dataclass(eq=False)
class Log:
    """One topic partition."""

    entries: list[Entry] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    """With a record here and without a marker."""
    epochs: dict[str, int] = field(default_factory=dict)
    """The newest epoch of each transactional id that this partition has heard of."""

    @property
    def end(self) -> int:
        """The high watermark."""
        return len(self.entries)

    @property
    def stable(self) -> int:
        """The last stable offset: where a `read_committed` reader stops."""
        return min((span.first for span in self.spans if span.first is not None), default=self.end)

    def append(self, key: bytes | None, value: bytes | None, timestamp: int, headers: tuple[Header, ...] = ()) -> None:
        """A record of no transaction."""
        self.entries.append(Entry(self.end, timestamp, key, value, headers))

    def put(self, span: Span, records: list[tuple[bytes | None, bytes | None, int, tuple[Header, ...]]]) -> None:
        """Records of a transaction."""
        if span.first is None and records:
            span.first = self.end
            self.spans.append(span)
        for key, value, timestamp, headers in records:
            self.entries.append(Entry(self.end, timestamp, key, value, headers, span))

    def mark(self, span: Span, *, committed: bool) -> None:
        """A transaction's end; the marker is written even where the transaction has no record."""
        self.entries.append(Entry(self.end, 0, None, None, (), span, marker=True))
        span.committed = committed
        if span in self.spans:
            self.spans.remove(span)

    def read(self, start: int, *, committed: bool) -> Iterator[Entry]:
        """The records from an offset on that a reader is shown; markers are shown to nobody."""
        for entry in self.entries[start : self.stable if committed else self.end]:
            aborted = entry.span is not None and not entry.span.committed
            if not entry.marker and not (committed and aborted):
                yield entry


class Phase(Enum):
    """Where a transactional id stands."""

    IDLE = 0
    OPEN = 1
    PREPARED = 2
    """Decided, and not all of its markers are written."""


@dataclass(eq=False)
class Transactional:
    """What the coordinator keeps of one transactional id."""

    epoch: int = -1
    timeout: float = 0.0
    phase: Phase = Phase.IDLE
    spans: dict[Place, Span] = field(default_factory=dict)
    opened: float = 0.0
    commit: bool = False
    """How the transaction in hand, or the last one, was decided."""


async def _pass(_process: Process, _name: str) -> None:
    """Nothing happens."""


@dataclass(eq=False)
class FakeKafka:
    """The broker. Its own doings are instants; only its clients await."""

    logs: dict[Place, Log] = field(default_factory=dict)
    ids: dict[str, Transactional] = field(default_factory=dict)
    groups: dict[tuple[str, Place], int] = field(default_factory=dict)
    away: set[Place] = field(default_factory=set)
    """Partitions whose leader is dead: no marker is written there."""
    all_away: bool = False
    now: float = 0.0
    version: int = 0
    """Changes whenever someone who waits should look again."""
    hook: Callable[[Process, str], Awaitable[None]] = _pass
    trace: list[tuple[str, str]] = field(default_factory=list)
    """Every step: (process, its phase and the step's name)."""

    async def step(self, process: Process, name: str) -> None:
        """An await point of a client: the hook decides what becomes of it."""
        await self._check(process, name)
        full = f"{process.phase}: {name}"
        self.trace.append((process.name, full))
        await self.hook(process, full)
        await asyncio.sleep(0)
        await self._check(process, name)

    async def _check(self, process: Process, name: str) -> None:
        await process.running.wait()
        if not process.alive:
            raise Gone(f"{process.name}: {name}")

    async def changed(self, process: Process) -> None:
        """Wait until something on the broker is no longer as it was."""
        seen = self.version
        while self.version == seen:
            await asyncio.sleep(0)
            await self._check(process, "waiting")

    def log(self, place: Place) -> Log:
        """A topic partition; one that nobody has written to is empty."""
        return self.logs.setdefault(place, Log())

    def init_producer_id(self, ident: str, timeout: float) -> int:
        """The new epoch, which fences every older one."""
        state = self.ids.setdefault(ident, Transactional())
        if state.phase is Phase.OPEN:
            state.epoch += 1
            self._decide(ident, commit=False)
            raise ConcurrentTransactions
        if state.phase is Phase.PREPARED:
            raise ConcurrentTransactions
        state.epoch += 1
        state.timeout, state.spans = timeout, {}
        return state.epoch

    def add_partition(self, ident: str, epoch: int, place: Place) -> None:
        """Take a partition into the transaction; the first one opens it."""
        state = self._owned(ident, epoch)
        if state.phase is Phase.PREPARED:
            raise ConcurrentTransactions
        if state.phase is Phase.IDLE:
            state.phase, state.opened = Phase.OPEN, self.now
            state.spans = {}
        state.spans.setdefault(place, Span())

    def produce(
        self,
        ident: str,
        epoch: int,
        place: Place,
        records: list[tuple[bytes | None, bytes | None, int, tuple[Header, ...]]],
    ) -> int:
        """Write a batch; gives its first offset. The partition's leader judges by what it has heard itself."""
        log, state = self.log(place), self.ids[ident]
        if epoch < log.epochs.get(ident, -1):
            raise ProducerFenced
        span = state.spans.get(place)
        if span is None or span.committed is not None:
            self._owned(ident, epoch)
            raise InvalidTxnState
        log.epochs[ident] = epoch
        first = log.end
        log.put(span, records)
        return first

    def end_transaction(self, ident: str, epoch: int, *, commit: bool) -> None:
        """Decide the transaction; asked again after an answer that was lost, it says the same."""
        state = self._owned(ident, epoch)
        if state.phase is Phase.PREPARED:
            raise ConcurrentTransactions
        if state.phase is Phase.IDLE:
            if state.commit is not commit or not state.spans:
                raise InvalidTxnState
            return
        self._decide(ident, commit=commit)

    def advance(self, seconds: float) -> None:
        """Let time pass: what has been open for too long is aborted, and its owner is fenced."""
        self.now += seconds
        for ident, state in self.ids.items():
            if state.phase is Phase.OPEN and self.now - state.opened >= state.timeout:
                state.epoch += 1
                self._decide(ident, commit=False)

    def bring_back(self) -> None:
        """Every leader answers again: the markers that waited are written."""
        self.all_away = False
        self.away.clear()
        for ident, state in self.ids.items():
            if state.phase is Phase.PREPARED:
                self._mark(ident)
        self.version += 1

    def _owned(self, ident: str, epoch: int) -> Transactional:
        state = self.ids[ident]
        if epoch != state.epoch:
            raise ProducerFenced
        return state

    def _decide(self, ident: str, *, commit: bool) -> None:
        state = self.ids[ident]
        state.phase, state.commit = Phase.PREPARED, commit
        self._mark(ident)
        self.version += 1

    def _mark(self, ident: str) -> None:
        state = self.ids[ident]
        for place, span in state.spans.items():
            if span.committed is None and not self.all_away and place not in self.away:
                self.log(place).mark(span, committed=state.commit)
                self.log(place).epochs[ident] = state.epoch
        if all(span.committed is not None for span in state.spans.values()):
            state.phase = Phase.IDLE
