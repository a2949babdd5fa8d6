"""A back-test: a log rated twice, as it was and under another tariff book, and what that changes for whom."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

import orjson

from rater.rating.money import ZERO, plain
from rater.seam.model import LogRecord
from rater.tools.log_file import LogLine
from rater.tools.rate_file import AccountTotal, FileRating, rate_lines
from rater.wire.events import TariffsPublished
from rater.wire.tariff_book import TariffBook

PUBLISHED = (b"tariffs-published", b"\\u")
"""What stands in every record that publishes a book; its type may be written with escapes."""


class Difference(NamedTuple):
    """An account under both books."""

    account: str
    before: Decimal
    after: Decimal
    currency: str

    @property
    def change(self) -> Decimal:
        """What the account would pay more; negative is less."""
        return self.after - self.before


@dataclass(slots=True)
class Backtest:
    """Both ratings of a log."""

    was: FileRating
    would: FileRating
    differences: list[Difference] = field(default_factory=list)
    """Every account's, by its id."""

    @property
    def total(self) -> Decimal:
        """The sum of all differences."""
        return sum((one.change for one in self.differences), ZERO)

    def as_dict(self) -> dict[str, Any]:
        """The result as JSON."""
        rows = [
            {**one._asdict(), "before": plain(one.before), "after": plain(one.after), "change": plain(one.change)}
            for one in self.differences
        ]
        return {
            "records": self.was.records,
            "outcomes": self.was.outcomes,
            "outcomes_under_the_other_book": self.would.outcomes,
            "accounts": rows,
            "total": plain(self.total),
        }


def rerate(lines: Iterable[LogLine], other: TariffBook, *, own: TariffBook | None, bare: bool) -> Backtest:
    """Rate a log as it is and under `other`, which takes the place of all books in it.

    `own` is the book of a log that brings none. The log is kept in memory once, for it is read twice.
    """
    kept = list(lines)
    was = rate_lines(kept, book=own, bare=bare, take=lambda _: None)
    front = other if own is not None else None
    would = rate_lines(_under(kept, other), book=front, bare=bare, take=lambda _: None)
    nothing = AccountTotal()
    differences = []
    for name in sorted({*was.accounts, *would.accounts}):
        before, after = was.accounts.get(name, nothing), would.accounts.get(name, nothing)
        differences.append(Difference(name, before.total, after.total, after.currency or before.currency))
    return Backtest(was, would, differences)


def _under(lines: Iterable[LogLine], other: TariffBook) -> Iterator[LogLine]:
    """The log with every book in it replaced: the first in a partition is the other one, the rest repeat it."""
    value = TariffsPublished(type="tariffs-published/1", book=other).to_json()
    for line in lines:
        yield line._replace(record=line.record._replace(value=value)) if _publishes(line.record) else line


def _publishes(record: LogRecord) -> bool:
    if record.key is not None or record.value is None or not any(word in record.value for word in PUBLISHED):
        return False
    try:
        words = orjson.loads(record.value)
    except orjson.JSONDecodeError:
        return False
    return isinstance(words, dict) and words.get("type") == "tariffs-published/1"
