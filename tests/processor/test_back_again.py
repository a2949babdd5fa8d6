"""Accounts that come back after all that was known of them is forgotten: their old calls are not charged again."""

from __future__ import annotations

from datetime import datetime

import pytest

from rater.processor import call_ended
from rater.processor.rows import ACCOUNTS, TABLES
from tests.support.logs import Event, Log, book, call, published, subscribed, tick, total
from tests.support.mutate import plant

PLANS: Event = {"flat": {"calls": {"rate": "2.00"}}}
NEW_YORK = book(PLANS, time_zone="America/New_York", default_plan="flat", close_after="1d", remember="31d")
KIRITIMATI = {**NEW_YORK, "version": 2, "time_zone": "Pacific/Kiritimati"}
CALL = call("A", 1, 60, datetime.fromisoformat("2026-11-30T12:00:00Z"))
NEW = call("A", 2, 60, datetime.fromisoformat("2027-01-02T05:30:00Z"))


def back(*comes: Event) -> Log:
    """A call of November in New York is charged and forgotten; it is December in Kiritimati, by the book's new zone.

    December is closed and not forgotten, so the call could be charged as late in January. It comes again after `comes`.
    """
    log = Log(words=NEW_YORK)
    log.add(CALL, tick("2027-01-02T05:00:00Z"))
    assert not log.replay.rows[0].table(ACCOUNTS).items()
    log.add(published(KIRITIMATI), *comes, CALL)
    return log


SUBSCRIBED = subscribed("A", "flat", "2027-01-02T05:00:00Z")


@pytest.mark.parametrize("comes", [(), (SUBSCRIBED,), (NEW,), (SUBSCRIBED, NEW)], ids=["", "plan", "call", "both"])
def test_a_call_that_was_forgotten_is_too_old_whoever_came_back(comes: tuple[Event, ...]) -> None:
    log = back(*comes)
    assert log.rejected == ["too-old"]
    assert total(c for c in log.charges if c["type"] == "charge/1") == 2 * (1 + (NEW in comes))


def test_a_call_that_is_charged_twice_would_be_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mistake that there was: only the account's row was asked for, not since when there is one."""
    plant(monkeypatch, call_ended._open, "if start < account", "if known is None and start < account")
    assert total(c for c in back(SUBSCRIBED).charges if c["type"] == "charge/1") == 4


def test_since_when_an_account_is_known_stays_with_its_row() -> None:
    """Through its bytes too; a row that was made before anything was forgotten says nothing of it."""
    log = back(SUBSCRIBED)
    (row,) = log.replay.rows[0].table(ACCOUNTS).values()
    spec = next(table for table in TABLES if table.name == ACCOUNTS)
    assert spec.decode(spec.encode(row)) == row
    assert row.known_from == log.replay.heads[0].state["forgotten_until"]
    log = Log(words=NEW_YORK)
    log.add(CALL)
    (row,) = log.replay.rows[0].table(ACCOUNTS).values()
    assert b"known_from" not in spec.encode(row)
