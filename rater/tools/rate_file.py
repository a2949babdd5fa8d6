"""Rating a log file: the same step as the worker's, in memory, one state a partition, in the order of the file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import groupby, islice

import orjson

from rater.processor.replay import Replay
from rater.processor.step import make_step
from rater.seam.model import Head, LogRecord, Output
from rater.tools.log_file import LogLine
from rater.wire.events import TariffsPublished
from rater.wire.tariff_book import TariffBook

BATCH = 2000
"""Lines folded together; how they are batched changes nothing in what comes out."""

BEFORE = -1
"""The offset of a tariff book that is put before the log's own first record."""


@dataclass(slots=True)
class AccountTotal:
    """What the charges of an account add up to."""

    charges: int = 0
    total: Decimal = Decimal(0)
    currency: str = ""


@dataclass(slots=True)
class FileRating:
    """What rating a file came to: outcomes over all partitions, and sums per account."""

    outcomes: dict[str, int] = field(default_factory=dict)
    accounts: dict[str, AccountTotal] = field(default_factory=dict)
    partitions: int = 1
    """N of the log."""

    @property
    def records(self) -> int:
        """Every record has exactly one outcome."""
        return sum(self.outcomes.values())


OutputSink = Callable[[Output], None]


def rate_lines(
    lines: Iterable[LogLine], *, book: TariffBook | None, bare: bool, topic: str = "calls", take: OutputSink
) -> FileRating:
    """Rate records and hand every output to `take` in order; memory is the rows', not the file's.

    `book` is published before the first record of each partition; None where the log brings its own.
    """
    result = FileRating()
    replay: Replay | None = None
    for replay, outputs in feed_lines(lines, book=book, bare=bare, topic=topic):  # noqa: B007 - asked below
        for output in outputs:
            if output.topic == "charges":
                _count(result, output)
            take(output)
    if replay is not None:
        result.outcomes = replay.outcomes()
        result.partitions = len(replay.heads)
        if book is not None:
            result.outcomes["applied"] -= len(replay.heads)  # the book that we published is no record of the file
    return result


def feed_lines(
    lines: Iterable[LogLine], *, book: TariffBook | None, bare: bool, topic: str = "calls"
) -> Iterator[tuple[Replay, Sequence[Output]]]:
    """Rate records batch by batch: the replay after each, and what it put out."""
    replay: Replay | None = None
    for partitions, partition, batch in _batches(lines):
        if replay is None:
            replay = Replay(make_step(topic, check_timestamps=not bare), partitions)
            _publish(replay, book)
        yield replay, replay.feed(partition, batch).outputs


def _batches(lines: Iterable[LogLine]) -> Iterator[tuple[int, int, list[LogRecord]]]:
    for (partitions, partition), group in groupby(lines, key=lambda line: (line.partitions, line.partition)):
        while batch := [line.record for line in islice(group, BATCH)]:
            yield partitions, partition, batch


def _publish(replay: Replay, book: TariffBook | None) -> None:
    if book is None:
        return
    value = TariffsPublished(type="tariffs-published/1", book=book).to_json()
    for partition, head in list(replay.heads.items()):
        replay.heads[partition] = Head(BEFORE, head.partitions)
        replay.feed(partition, [LogRecord(BEFORE, 0, None, value)])


def _count(result: FileRating, output: Output) -> None:
    charge = orjson.loads(output.value or b"")
    if charge["type"] != "charge/1":
        return
    account = result.accounts.setdefault(charge["account"], AccountTotal())
    account.charges += 1
    account.total += Decimal(charge["amount"])
    account.currency = charge["currency"]
