"""For how long a credit's id is known again (rating.md, "Same call twice"), and what holds forgetting back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

import orjson
import pytest

from rater.processor import due
from rater.processor.decision import State
from rater.processor.rows import ACCOUNTS, TABLES
from rater.rating.account import Account
from rater.rating.instant import NEVER
from tests.processor.test_history import PLANS, at, on
from tests.support.logs import Event, Log, book, call, published, tick, total
from tests.support.mutate import plant


def stamp(day: str) -> int:
    """Midnight in Shanghai, in milliseconds."""
    return int(datetime.fromisoformat(f"{day}T00:00:00+08:00").timestamp() * 1000)


def test_a_credit_is_known_again_until_its_month_is_forgotten() -> None:
    """Its id repeats like a subscription's while the month is remembered; nothing of it is kept for longer."""
    credit = {"type": "account-adjusted/1", "account": "A", "adjustment_id": "a-1", "amount": "-5.00", "reason": "x"}
    log = Log(words=book(PLANS))
    log.add(on("minutes", 1, "s-1"), call("A", 1, 60, at(5)))
    log.add(credit, tick("2026-12-11T00:00:00+08:00"))
    log.add(tick("2027-02-07T00:00:00+08:00", operator=True), credit)
    assert (log.outcomes["duplicate"], log.rejected) == (1, [])
    log.add(tick("2027-02-09T00:00:00+08:00", operator=True))
    assert len(log.replay.rows[0].table("adjustments")) == 0


SLOW: Event = book(PLANS, close_after="90d", remember="31d")
SOONER: Event = book(PLANS, version=2, close_after="1d", remember="31d")
CREDIT: Event = {
    "type": "account-adjusted/1",
    "account": "A",
    "adjustment_id": "a-1",
    "amount": "-5.00",
    "reason": "x",
}


def a_book_that_closes_sooner() -> Log:
    """A credit to November in January; a book that closes after a day and not after 90, and a tick: November closes.

    The credit comes again 30 days later. By its nominal closing on 2 December it would be long forgotten.
    """
    log = Log(words=SLOW)
    log.add(on("minutes", 1, "s-1"), call("A", 1, 60, at(5)), tick("2027-01-10T00:00:00+08:00"), CREDIT)
    log.add(published(SOONER), tick("2027-01-10T00:01:00+08:00", operator=True))
    log.add(tick("2027-02-09T00:00:00+08:00", operator=True), CREDIT)
    return log


def ticks_that_came_late() -> Log:
    """A credit to November on 15 January, no tick since it began; the first one closes it on the 16th.

    The credit comes again on 14 February. By its nominal closing on 11 December it would be forgotten on the 9th.
    """
    log = Log(words=book(PLANS))
    log.add(on("minutes", 1, "s-1"), call("A", 1, 60, at(5)))
    log.add(CREDIT, timestamp=stamp("2027-01-15"))
    log.add(tick("2027-01-16T00:00:00+08:00"), timestamp=stamp("2027-01-16"))
    log.add(tick("2027-02-14T00:00:00+08:00"), CREDIT, timestamp=stamp("2027-02-14"))
    return log


LATE = [(a_book_that_closes_sooner, "2027-02-10T00:01:00+08:00"), (ticks_that_came_late, "2027-03-17T00:00:00+08:00")]


@pytest.mark.parametrize(("closed_late", "gone"), LATE)
def test_a_credit_is_known_again_for_so_long_after_its_month_really_closed(
    closed_late: Callable[[], Log], gone: str
) -> None:
    """As long as the book remembers (31 and 60 days), and not a second longer."""
    log = closed_late()
    assert (log.outcomes["duplicate"], log.rejected) == (1, [])
    assert total(charge for charge in log.charges if charge["type"] == "charge/1") == Decimal("-4.80")
    assert [charge["period"] for charge in log.charges if charge["type"] == "period-closed/1"] == ["2026-11"]
    before = datetime.fromisoformat(gone) - timedelta(seconds=1)
    log.add(tick(before.isoformat(), operator=True))
    assert len(log.replay.rows[0].table("adjustments")) == 1
    log.add(tick(gone, operator=True))
    assert len(log.replay.rows[0].table("adjustments")) == 0


@pytest.mark.parametrize(("closed_late", "gone"), LATE)
def test_a_credit_that_is_posted_twice_would_be_caught(
    closed_late: Callable[[], Log], gone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mistake that there was; the lives find it by themselves."""
    assert gone
    plant(monkeypatch, due._kept, "late <= DAY or not", "late or not")
    assert closed_late().outcomes.get("duplicate", 0) == 0


def test_a_month_that_is_kept_does_not_keep_the_next_one() -> None:
    """October has a credit and November none; both close late, on 16 January. November's call goes on 9 February."""
    log = Log(words=book({"flat": {"calls": {"rate": "2.00"}}}, default_plan="flat"))
    october = datetime.fromisoformat("2026-10-05T12:00:00+08:00")
    log.add(call("A", 1, 60, october), call("A", 2, 60, at(5)))
    log.add(CREDIT, timestamp=stamp("2027-01-15"))
    log.add(tick("2027-01-16T00:00:00+08:00"), timestamp=stamp("2027-01-16"))
    log.add(tick("2027-02-09T00:00:00+08:00"), timestamp=stamp("2027-02-09"))
    assert [key.decode().split("\x1f")[2] for key in log.replay.rows[0].table("calls")] == ["c-1"]
    log.add(tick("2027-03-17T00:00:00+08:00"), timestamp=stamp("2027-03-17"))
    assert not log.replay.rows[0].table(ACCOUNTS)


def test_a_month_that_closes_within_a_day_is_kept_no_longer() -> None:
    """That is how long the closings of a large partition may take; its row says nothing of it then."""
    spec = next(table for table in TABLES if table.name == ACCOUNTS)
    for closes, kept in (("2026-12-12T00:00:00+08:00", False), ("2026-12-12T00:00:01+08:00", True)):
        log = Log(words=book(PLANS))
        log.add(on("minutes", 1, "s-1"), call("A", 1, 60, at(5)), CREDIT, tick(closes, operator=True))
        row: Account = log.replay.rows[0].table(ACCOUNTS)[b"A"]
        (november,) = row.closed
        assert (november.kept != NEVER) == kept
        assert spec.decode(spec.encode(row)) == row
        assert len(orjson.loads(spec.encode(row))["closed"][0]) == 2 + kept


def test_a_head_of_an_earlier_version_is_read() -> None:
    """One kept an instant before which nothing was forgotten."""
    assert State.read({"now": 5, "holds": 7}) == State(now=5)
