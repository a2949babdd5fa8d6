"""The console's advice: what the read model says was charged, beside what plans would have cost."""

from __future__ import annotations

from decimal import Decimal

import pytest

from rater.readmodel import advice
from tests.console.readmodel import busy_log, opened
from tests.support.mutate import plant

LOG = busy_log()


def test_what_was_charged_leaves_credits_out() -> None:
    """A credit by hand is no price of a plan: October is its fee and its usage, 1.00 more than what is owed."""
    with opened(LOG) as store, store.read() as connection:
        found = advice.advice_on(connection, "A")
    assert found is not None
    october = [c for c in LOG.charges if (c["type"], c["account"], c["period"]) == ("charge/1", "A", "2026-10")]
    owed = sum(Decimal(charge["amount"]) for charge in october)
    assert [(month.period, Decimal(month.paid)) for month in found.months] == [("2026-10", owed + 1)]


def test_the_mistake_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the credit in it, October is what is owed."""
    plant(monkeypatch, advice.advice_on, "row.total - row.manual", "row.total")
    with pytest.raises(AssertionError):
        test_what_was_charged_leaves_credits_out()
