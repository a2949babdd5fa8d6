"""For how long a credit's id is known again (rating.md, "Same call twice"), and what holds forgetting back."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from rater.processor import adjusted, tariffs_published
from tests.processor.test_history import PLANS, at, on
from tests.support.logs import Event, Log, book, call, published, tick, total


def stamp(day: str) -> int:
    """Midnight in Shanghai, in milliseconds."""
    return int(datetime.fromisoformat(f"{day}T00:00:00+08:00").timestamp() * 1000)


def test_a_credit_is_known_again_until_its_month_is_forgotten() -> None:
    """Its id repeats like a subscription's while the month is remembered; nothing of it is kept for longer."""
    credit = {"type": "account-adjusted/1", "account": "A", "adjustment_id": "a-1", "amount": "-5.00", "reason": "x"}
    log = Log(words=book(PLANS))
    log.add(on("minutes", 1, "s-1"), call("A", 1, 60, at(5)))
    log.add(credit, timestamp=stamp("2026-12-10"))
    log.add(tick("2027-02-07T00:00:00+08:00", operator=True), credit)
    assert (log.outcomes["duplicate"], log.rejected) == (1, [])
    log.add(tick("2027-02-09T00:00:00+08:00", operator=True))
    assert len(log.replay.rows[0].table("adjustments")) == 0


SLOW: Event = book(PLANS, close_after="90d", remember="31d")
SOONER: Event = book(PLANS, version=2, close_after="1d", remember="31d")


def credited_twice(between: str, again: str) -> Log:
    """A credit to November in January; a book that closes after a day and not after 90; the credit once more."""
    credit = {"type": "account-adjusted/1", "account": "A", "adjustment_id": "a-1", "amount": "-5.00", "reason": "x"}
    log = Log(words=SLOW)
    log.add(on("minutes", 1, "s-1"), call("A", 1, 60, at(5)), tick("2027-01-10T00:00:00+08:00"), credit)
    log.add(published(SOONER), tick(between, operator=True), tick(again, operator=True), credit)
    return log


def test_a_credit_is_known_again_when_a_book_closes_its_month_at_once() -> None:
    """The month is over for long, and its identities are kept for as long as the book remembers, from the book on."""
    log = credited_twice("2027-01-10T00:01:00+08:00", "2027-02-09T00:00:00+08:00")
    assert (log.outcomes["duplicate"], log.rejected) == (1, [])
    assert total(charge for charge in log.charges if charge["type"] == "charge/1") == Decimal("-4.80")
    assert [charge["period"] for charge in log.charges if charge["type"] == "period-closed/1"] == ["2026-11"]
    assert len(log.replay.rows[0].table("adjustments")) == 1
    log.add(tick("2027-02-10T00:00:00+08:00", operator=True))
    assert len(log.replay.rows[0].table("adjustments")) == 0
    assert log.replay.heads[0].state is not None


def test_without_the_hold_it_would_be_posted_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mistake that there was."""
    monkeypatch.setattr(tariffs_published, "_holding", lambda desk, _: desk.state)
    log = credited_twice("2027-01-10T00:01:00+08:00", "2027-02-09T00:00:00+08:00")
    assert log.outcomes.get("duplicate", 0) == 0


def test_a_head_without_a_hold_is_as_it_was() -> None:
    """An audit compares it with heads of earlier versions; with one it is kept with the rest."""
    log = Log(words=SLOW)
    log.add(tick("2027-01-10T00:00:00+08:00"))
    assert "holds" not in (log.replay.heads[0].state or {})
    log.add(published(SOONER), published(book(PLANS, version=3, close_after="1d", remember="40d")))
    state = log.replay.heads[0].state or {}
    assert datetime.fromtimestamp(state["holds"] / 1e6, UTC).isoformat() == "2027-02-09T16:00:00+00:00"


def credited_without_ticks() -> Log:
    """A credit to November on 15 January, no tick since; one on the 16th closes November; the credit on 14 February.

    By its nominal closing on 11 December, November would be forgotten on 9 February (60 days).
    """
    credit = {"type": "account-adjusted/1", "account": "A", "adjustment_id": "a-1", "amount": "-5.00", "reason": "x"}
    log = Log(words=book(PLANS))
    log.add(on("minutes", 1, "s-1"), call("A", 1, 60, at(5)))
    log.add(credit, timestamp=stamp("2027-01-15"))
    log.add(tick("2027-01-16T00:00:00+08:00"), timestamp=stamp("2027-01-16"))
    log.add(tick("2027-02-14T00:00:00+08:00"), credit, timestamp=stamp("2027-02-14"))
    return log


def test_a_credit_is_known_again_when_ticks_were_late() -> None:
    """Its month should have closed long ago: forgetting counts from the credit, 60 days, and not from the month."""
    log = credited_without_ticks()
    assert (log.outcomes["duplicate"], log.rejected) == (1, [])
    log.add(tick("2027-03-16T00:00:00+08:00"), timestamp=stamp("2027-03-16"))
    assert len(log.replay.rows[0].table("adjustments")) == 0


def test_without_that_it_would_be_posted_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mistake that there was; the lives find it by themselves."""
    monkeypatch.setattr(adjusted, "_holding", lambda *_: None)
    log = credited_without_ticks()
    assert log.outcomes.get("duplicate", 0) == 0


def test_a_month_that_closes_in_time_holds_nothing() -> None:
    """A credit within a day of the closing: that is how long the work of a large partition may take."""
    credit = {"type": "account-adjusted/1", "account": "A", "adjustment_id": "a-1", "amount": "-5.00", "reason": "x"}
    for milliseconds, holds in ((0, False), (1, True)):
        log = Log(words=book(PLANS))
        log.add(on("minutes", 1, "s-1"), call("A", 1, 60, at(5)), tick("2026-12-01T00:00:00+08:00"))
        log.add(credit, timestamp=stamp("2026-12-12") + milliseconds)
        assert ("holds" in (log.replay.heads[0].state or {})) == holds
