"""The statement of a plan with a discount and a minimum adds up for who has only the plan's text."""

from __future__ import annotations

from decimal import Decimal

from rater.processor.step import make_step
from rater.readmodel.statement import Statement, by_kind, statement
from rater.readmodel.texts import meter_words
from tests.console.readmodel import opened
from tests.processor.test_discount_minimum import CLOSED, talked
from tests.support.logs import Log, book, subscribed

PLAN = {
    "fee": "20.00",
    "discount": "0.10",
    "minimum": "100.00",
    "minutes": {"allowance": 10, "rate": "0.125"},
    "calls": {"rate": "0.50"},
}


def test_the_lines_and_the_parts_sum_to_the_total() -> None:
    """Fee 20.00; 28 minutes less 10 at 0.125 and 3 calls at 0.50: 3.75, less a tenth 3.38; so 76.62 are short."""
    log = Log(make_step(spend=True), book({"deal": PLAN}))
    log.add(subscribed("A", "deal", "2026-10-01T00:00:00+08:00"))
    log.add(*(talked(number, seconds) for number, seconds in enumerate((570, 600, 480))), CLOSED)
    with opened(log) as store, store.read() as connection:
        found = statement(connection, "A", "2026-10")
        assert isinstance(found, Statement)
        lines = {line.meter: (line.covered, line.billable, line.rate, line.amount) for line in found.lines}
        parts = by_kind(found.period)
    assert lines.pop("fee") == ("0", "1", "20.00", "20.00")
    assert lines["minutes"] == ("10", "18", "0.125", "2.25")
    assert lines["connected-calls"] == ("0", "3", "0.50", "1.50")
    assert lines["minimum"] == ("0", "0", None, "76.62")
    assert lines["discount"] == ("0", "0", None, "-0.38")
    assert parts == {"fees": "96.62", "usage": "3.38", "adjustments": "0.00"}
    assert (
        sum(Decimal(amount) for *_, amount in lines.values()) + 20 == Decimal("100.00") == Decimal(found.period.total)
    )


def test_its_words_in_both_languages() -> None:
    """As a finance reader would say them."""
    assert [meter_words("minimum"), meter_words("minimum", "zh")] == ["up to the minimum", "最低消费补足"]
    assert [meter_words("discount"), meter_words("discount", "zh")] == ["discount", "折扣"]
