"""Which rated calls of a log would be of another class by another tariff book: what a wrong prefix did.

A call keeps the class that it was rated by (rating.md, "Classes of calls"), so a book that mends a prefix changes later
calls alone. These are the earlier ones, to be voided and sent again under new ids.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import orjson

from rater.processor.replay import Replay
from rater.processor.rows import ACCOUNTS
from rater.rating.account import Account
from rater.rating.classes import Classes
from rater.rating.instant import instant
from rater.rating.units import OTHER
from rater.seam.model import LogRecord, Output
from rater.tools.log_file import LogLine
from rater.tools.rate_file import feed_lines
from rater.wire.events import CallEnded
from rater.wire.parse import parse
from rater.wire.tariff_book import TariffBook


class Affected(NamedTuple):
    """A rated call that would be of another class."""

    account: str
    source: str
    call_id: str
    started_at: str
    charge_id: str
    amount: str
    was: str
    """Its class, as the charge tells it."""
    would_be: str


def affected(lines: Iterable[LogLine], book: TariffBook, *, own: TariffBook | None, bare: bool) -> Iterator[Affected]:
    """The calls of a log that `book` classes otherwise, in the order of their charges, without those that are voided.

    `own` is published first, where the log brings no book.
    """
    classes = book.to_core().classes
    seen = _Seen(lines)
    found: dict[tuple[str, str, str], Affected] = {}
    for replay, outputs in feed_lines(seen.lines(), book=own, bare=bare):
        for output in outputs:
            charge = _of_a_call(output)
            if charge is None:
                continue
            place = charge["account"], charge["call"]["source"], charge["call"]["call_id"]
            if charge["kind"] == "reversal":
                found.pop(place, None)
            elif (event := seen.events.get(dict(output.headers)["rater-from"])) is not None:
                one = _compared(charge, event, _account(replay, charge["account"]), classes)
                if one is not None:
                    found[place] = one
        seen.forget()
    yield from found.values()


class _Seen:
    """Remembers the events of the lines that were taken since it last forgot them, by their places."""

    def __init__(self, lines: Iterable[LogLine]) -> None:
        self._lines = lines
        self.events: dict[bytes, LogRecord] = {}

    def lines(self) -> Iterator[LogLine]:
        for line in self._lines:
            self.events[f"calls/{line.partition}/{line.record.offset}".encode()] = line.record
            yield line

    def forget(self) -> None:
        """All but the last, which may have been taken to see that a batch ends before it."""
        self.events = dict(list(self.events.items())[-1:])


def _of_a_call(output: Output) -> dict[str, Any] | None:
    if output.topic != "charges" or output.value is None or b'"call":{' not in output.value:
        return None
    charge: dict[str, Any] = orjson.loads(output.value)
    return charge


def _account(replay: Replay, account: str) -> Account:
    key = account.encode()
    found: Account = next(row for rows in replay.rows.values() if (row := rows.get(ACCOUNTS, key)) is not None)
    return found


def _compared(charge: dict[str, Any], record: LogRecord, account: Account, classes: Classes) -> Affected | None:
    event = parse(record.value)
    if not isinstance(event, CallEnded):
        return None
    start = instant(event.started_at)
    now = classes.class_of(event.direction, event.caller, event.callee, start, account.calendar, event.labels)
    was = charge["call"].get("class", OTHER)
    if now == was:
        return None
    call = charge["call"]
    names = (charge["account"], call["source"], call["call_id"], call["started_at"], charge["charge_id"])
    return Affected(*names, charge["amount"], was, now)
