"""The check of charges must itself be able to fail: each kind of fault is planted and found."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

from tests.support.logs import Log, call, subscribed
from tests.support.reading import check

Charge = dict[str, Any]


def three_calls() -> list[Charge]:
    """A fee and three calls of one account, as the step makes them."""
    log = Log()
    log.add(subscribed("A1", "hybrid-200"), *(call("A1", number, 60_000) for number in range(3)))
    assert [charge["seq"] for charge in log.charges] == [1, 2, 3, 4]
    return log.charges


def test_right_charges_are_not_found_wrong() -> None:
    """Charges as the step makes them: nothing is wrong, and each call is seen once."""
    calls, wrong = check(three_calls())
    assert wrong == []
    assert calls == Counter({("A1", "pbx-1", f"c-{number}"): 1 for number in range(3)})


def test_accounts_and_periods_count_for_themselves() -> None:
    """The charges of two accounts between each other are right as long as each account's are."""
    other = [{**charge, "account": "B2"} for charge in three_calls()]
    both = [charge for pair in zip(three_calls(), other, strict=True) for charge in pair]
    assert check(both).wrong == []


def test_a_missing_charge_is_found() -> None:
    """A charge left out shows as a gap in seq, as a total that jumps, and as a call without a charge."""
    charges = three_calls()
    del charges[2]
    calls, wrong = check(charges)
    assert [fault.split(": ")[1].split()[0] for fault in wrong] == ["seq", "period_total"]
    assert ("A1", "pbx-1", "c-1") not in calls


def test_a_repeated_charge_is_found() -> None:
    """The same charge twice shows in seq, in the total and in the count of its call."""
    charges = three_calls()
    calls, wrong = check([*charges, charges[-1]])
    assert len(wrong) == 2
    assert calls["A1", "pbx-1", "c-2"] == 2


def test_a_call_charged_again_under_a_new_seq_is_found() -> None:
    """A call charged twice with numbers and totals all in order still counts twice."""
    first, *rest = three_calls()
    last = rest[-1]
    total = Decimal(last["period_total"]) + Decimal(last["amount"])
    calls, wrong = check([first, *rest, {**last, "seq": 5, "period_total": str(total)}])
    assert wrong == []
    assert calls["A1", "pbx-1", "c-2"] == 2


def test_a_wrong_total_is_found() -> None:
    """A period_total that is a cent off is wrong, once."""
    charges = three_calls()
    charges[1] = {**charges[1], "period_total": charges[1]["period_total"] + "1"}
    wrong = check(charges[:2]).wrong
    assert len(wrong) == 1
    assert "period_total" in wrong[0]


def test_lines_that_do_not_sum_are_found() -> None:
    """An amount that is not the sum of its lines is wrong."""
    charges = three_calls()
    charges[-1] = {**charges[-1], "lines": charges[-1]["lines"][:-1]}
    assert [fault for fault in check(charges).wrong if "lines" in fault]


def test_charges_out_of_order_are_found() -> None:
    """Two charges of an account that changed places are wrong."""
    charges = three_calls()
    charges[1], charges[2] = charges[2], charges[1]
    assert check(charges).wrong
