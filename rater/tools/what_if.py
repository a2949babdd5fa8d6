"""What a tariff book that reaches back would change, account by account, if it were published now.

The step itself is asked: the book and the ticks behind it are rated over a copy of the rows, and nothing of it is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any, NamedTuple

import orjson

from rater.kafka.reader import log_partitions, reader
from rater.kafka.settings import Settings
from rater.kafka.topics import changelog
from rater.processor.decision import State
from rater.processor.replay import Replay
from rater.processor.rows import ACCOUNTS, TABLES, TARIFFS, USAGE
from rater.processor.step import make_step
from rater.rating.instant import moment
from rater.rating.money import ZERO, plain
from rater.seam.heads import HEADS
from rater.seam.model import Head, LogRecord, Output
from rater.seam.rows import PartitionRows
from rater.tools.log_file import LogLine
from rater.tools.rate_file import feed_lines
from rater.tools.tables import latest_head, latest_rows
from rater.wire.events import ClockTicked, TariffsPublished
from rater.wire.tariff_book import TariffBook

TICKS = 50
"""Of one batch: each goes through some thousand accounts."""


class Changed(NamedTuple):
    """A period of an account that the book re-rates."""

    account: str
    period: str
    currency: str
    before: Decimal
    after: Decimal

    @property
    def change(self) -> Decimal:
        """What the account would pay more; negative is less."""
        return self.after - self.before


class WhatIf(NamedTuple):
    """What became of the book, and the periods that it changes."""

    refused: str
    """Why it would not be applied; empty where it would."""
    periods: tuple[Changed, ...]

    @property
    def total(self) -> Decimal:
        """What all accounts would pay more."""
        return sum((one.change for one in self.periods), ZERO)

    def as_dict(self) -> dict[str, Any]:
        """The answer as JSON."""
        rows = [
            one._asdict() | {name: plain(getattr(one, name)) for name in ("before", "after", "change")}
            for one in self.periods
        ]
        return {"refused": self.refused or None, "periods": rows, "total": plain(self.total)}


def after_file(lines: Iterable[LogLine], book: TariffBook, *, own: TariffBook | None, bare: bool) -> WhatIf:
    """What the book would change at the end of a log; `own` is published first, where the log brings none."""
    replay: Replay | None = None
    for replay, _ in feed_lines(lines, book=own, bare=bare):  # noqa: B007 - the last one is what we ask
        pass
    return WhatIf("", ()) if replay is None else _asked(replay, book)


async def on_kafka(settings: Settings, book: TariffBook) -> WhatIf:
    """What the book would change by the rows as the changelogs have them now; calls go on meanwhile."""
    partitions = await log_partitions(settings)
    tables = tuple(table for table in TABLES if table.name in {TARIFFS, ACCOUNTS, USAGE})  # no book reads more
    replay = Replay(make_step(), partitions)
    async with reader(settings, *(changelog(settings, table.name) for table in (*tables, HEADS))) as consumer:
        for partition in range(partitions):
            found = await latest_rows(settings, consumer, partition, tables)
            rows = PartitionRows(TABLES)
            rows.apply({table.name: found.tables[table.name] for table in tables})
            replay.rows[partition] = rows
            replay.heads[partition] = await latest_head(settings, consumer, partition) or Head(0, partitions)
    return _asked(replay, book)


def _asked(replay: Replay, book: TariffBook) -> WhatIf:
    refused, found = "", dict[tuple[str, str], Changed]()
    for partition in replay.heads:
        for output in _told(replay, partition, book):
            body = orjson.loads(output.value or b"{}")
            if output.topic == "rejected":
                refused = f"{body['reason']}: {body['detail']}"
            elif output.topic == "charges" and body.get("book") == book.version:
                place, total = (body["account"], body["period"]), Decimal(body["period_total"])
                before = found[place].before if place in found else total - Decimal(body["amount"])
                found[place] = Changed(*place, body["currency"], before, total)
    return WhatIf(refused, tuple(found[place] for place in sorted(found)))


def _told(replay: Replay, partition: int, book: TariffBook) -> Iterator[Output]:
    """What a partition puts out for the book and the ticks behind it, which do not move its time."""
    head = replay.heads[partition]
    state = State.read(head.state)
    published = TariffsPublished(type="tariffs-published/1", book=book).to_json()
    tick = ClockTicked(type="clock-ticked/1", at=moment(state.now or 0), operator=True).to_json()
    values = [published, tick]
    while values:
        first = replay.heads[partition].next_offset
        stamp = -(-(state.now or 0) // 1000)
        records = [LogRecord(first + n, stamp, None, value) for n, value in enumerate(values)]
        yield from replay.feed(partition, records).outputs
        values = [tick] * TICKS if State.read(replay.heads[partition].state).left else []
