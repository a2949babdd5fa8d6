"""What connected means under a plan, in money, connect rate and charge: worked."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import orjson
import pytest

from rater.processor.rows import CALLS, TARIFFS, dated_call, decode_call, encode_call
from rater.processor.step import make_step
from rater.rating.classes import NO_CLASSES
from rater.readmodel.plan_texts import plan_terms
from rater.readmodel.queries import calls_by_month, period
from rater.wire.results import RESULTS
from rater.wire.tariff_book import PlanWords
from tests.console.readmodel import opened
from tests.support.logs import START, Event, Log, bodies, book, call, subscribed, tick

PRICE: Event = {"minutes": {"rate": "0.10"}, "calls": {"rate": "1.00"}}
PLANS: Event = {
    "any": PRICE,
    "long": PRICE | {"connected": {"min_talk": 6}},
    "people": PRICE | {"connected": {"min_talk": 6, "answered_by": ["person", "unknown"]}},
    "dialler": PRICE | {"connected": {"answered_by": ["person"]}, "attempts": {"rate": "0.02"}},
    "sure": PRICE
    | {
        "connected": {"answered_by": ["person"]},
        "guarantee": {"connect_rate": "0.75", "attempts": 4, "credit": "0.50"},
    },
}


def on(plan: str) -> Log:
    log = Log(make_step(spend=True), book(PLANS))
    log.add(subscribed("A", plan))
    return log


def ended(number: int, talk: float | None, **said: Any) -> Event:
    return call("A", number, talk, START + timedelta(minutes=number), **said)


@pytest.mark.parametrize(
    ("plan", "talk", "said", "amount", "why"),
    [
        ("any", 1, {"answered_by": "machine"}, "1.10", None),
        ("long", 6, {}, "1.10", None),
        ("long", 5.4, {}, "0.00", "short"),
        ("long", 60, {"answered_by": "fax"}, "1.10", None),
        ("people", 60, {"answered_by": "person"}, "1.10", None),
        ("people", 60, {"answered_by": "unknown"}, "1.10", None),
        ("people", 60, {}, "1.10", None),
        ("people", 60, {"answered_by": "machine"}, "0.00", "machine"),
        ("people", 2, {"answered_by": "fax"}, "0.00", "fax"),
        ("people", 2, {"answered_by": "person"}, "0.00", "short"),
        ("dialler", 60, {}, "0.02", "unknown"),
        ("dialler", 60, {"answered_by": "person"}, "1.12", None),
        ("dialler", None, {}, "0.02", None),
    ],
)
def test_a_call_that_is_not_connected_is_free_but_for_its_attempt(
    plan: str, talk: float | None, said: Event, amount: str, why: str | None
) -> None:
    """The charge says so, and why; the talk time stays what it was."""
    (charge,) = on(plan).add(ended(1, talk, **said))
    member = charge["call"]
    assert (charge["amount"], member.get("not_connected")) == (amount, why)
    assert member["connected"] == (talk is not None and why is None)
    assert member["talk_seconds"] == (0 if talk is None else round(talk))
    assert (member["billed_seconds"] == 0) == (not member["connected"])
    assert member.get("answered_by") == (None if said.get("answered_by") == "unknown" else said.get("answered_by"))
    RESULTS["charge/1"].model_validate_json(orjson.dumps(charge))


def test_the_connect_rate_and_the_guarantee_go_by_it() -> None:
    """Of four answered calls two by a person: 50 % where 75 % were guaranteed, half of 2.20 is given back."""
    log = on("sure")
    log.add(*(ended(n, 60, answered_by=by) for n, by in enumerate(("person", "machine", "person", "fax"))))
    spend = bodies(log.outputs, "spend")[-1]
    assert (spend["connect_rate"]["connected"], spend["connect_rate"]["attempts"]) == (2, 4)
    credit, closed, *_ = log.add(tick("2026-12-11T00:00:00+08:00"))
    assert (credit["kind"], credit["amount"]) == ("credit", "-1.10")
    assert (closed["attempts"], closed["connected"]) == (4, 2)


def test_a_change_of_plan_counts_again_by_the_new_meaning() -> None:
    """Two machines: connected under the one plan, not under the other; money and rate follow."""
    log = on("any")
    log.add(*(ended(n, 60, answered_by=by) for n, by in enumerate(("person", "machine", "machine"))))
    late = subscribed("A", "people") | {"subscription_id": "s-2"}
    (adjusted,) = log.add(late)
    assert (adjusted["kind"], adjusted["amount"]) == ("adjustment", "-2.20")
    spend = bodies(log.outputs, "spend")[-1]
    assert (spend["connect_rate"]["connected"], spend["connect_rate"]["attempts"]) == (1, 3)
    words = {name: ended(1, 60)[name] for name in ("account", "source", "call_id")}
    (back,) = log.add({"type": "call-voided/1", **words, "reason": "test"})
    assert (back["amount"], back["call"]["not_connected"], back["call"]["connected"]) == ("0.00", "machine", False)
    spend = bodies(log.outputs, "spend")[-1]
    assert (spend["connect_rate"]["connected"], spend["connect_rate"]["attempts"]) == (1, 2)


def test_who_answered_is_part_of_a_call() -> None:
    """Said otherwise under one identity it is a conflict; unknown is what a call says that says nothing."""
    log = on("people")
    log.add(ended(1, 60, answered_by="machine"), ended(1, 60, answered_by="machine"), ended(1, 60))
    assert (log.rejected, log.outcomes["duplicate"]) == (["conflict"], 1)
    log.add(ended(2, 60), ended(2, 60, answered_by="unknown"), ended(2, 60, answered_by=None))
    assert (log.rejected, log.outcomes["duplicate"]) == (["conflict"], 3)


@pytest.mark.parametrize("value", [{"answered_by": "dog"}, {"answered_by": 1}])
def test_other_words_are_no_call(value: Event) -> None:
    """And a call that was not answered was answered by nobody."""
    log = on("any")
    log.add(ended(1, 60, **value), ended(2, None, answered_by="person"))
    assert log.rejected == ["wrong-shape", "wrong-shape"]


def test_rows_remember_who_answered_only_where_it_was_said() -> None:
    """A call that says nothing takes no more room than before."""
    log = on("any")
    log.add(ended(1, 60), ended(2, 60, answered_by="fax"), ended(3, None))
    rows = list(log.replay.rows[0].table(CALLS).values())
    assert [row.endswith(end) for row, end in zip(rows, (b"false]", b'false,"other","fax"]', b"false]"), strict=True)]
    assert [decode_call(row).answered_by for row in rows] == ["unknown", "fax", "unknown"]
    for row in rows:
        assert encode_call(decode_call(row)) == row
        voided = encode_call(decode_call(row)._replace(voided=True))
        assert decode_call(voided).voided
        assert dated_call(voided, NO_CLASSES) is None


def test_advice_asks_what_a_call_was_and_not_what_its_plan_made_of_it() -> None:
    """The read model knows a machine's call as answered: another plan may take it for connected."""
    log = on("people")
    log.add(ended(1, 60, answered_by="machine"), ended(2, 60, answered_by="person"), ended(3, None))
    with opened(log) as store, store.read() as connection:
        (month,) = calls_by_month(connection, "A", NO_CLASSES).values()
        assert {(one.connected, one.answered_by): times for one, times in month.items()} == {
            (True, "machine"): 1,
            (True, "person"): 1,
            (False, "unknown"): 1,
        }
        view = period(connection, "A", "2026-11")
        assert view is not None
        assert (view.connect_rate.connected, view.connect_rate.attempts) == (1, 3)


def test_a_plan_says_it_to_people() -> None:
    """In both languages; rows and words keep it."""
    log = on("people")
    plan = log.replay.rows[0].tables[TARIFFS][b"plan\x1fpeople@1"]
    assert PlanWords.of(plan).to_core("people@1") == plan
    assert [term.price for term in plan_terms(plan) if term.what == "connected"] == [
        "6 s of talk, answered by a person, unknown"
    ]
    assert [term.price for term in plan_terms(plan, "zh") if term.what == "接通"] == [
        "通话满 6 秒，应答方：人工、未识别"
    ]
