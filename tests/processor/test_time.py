"""Ticks: fees of silent accounts, closing, late calls, what is forgotten, and how much one tick does."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import orjson
import pytest

from rater.audit.verify import Verifier
from rater.processor.decision import State
from rater.processor.due import work_left
from rater.processor.rows import TABLES
from rater.processor.step import make_step
from rater.wire.results import RESULTS
from tests.support.logs import Event, Log, bodies, book, call, shipped, subscribed, tick

OCTOBER = datetime.fromisoformat("2026-10-10T12:00:00+08:00")
NOVEMBER = datetime.fromisoformat("2026-11-03T12:00:00+08:00")
CLOSES = "2026-11-11T00:00:00+08:00"
"""The tick that closes October: ten days after its end."""
FORGETS = "2027-01-10T00:00:00+08:00"
"""The tick that forgets October's calls: sixty days later."""


def told(charges: list[Event]) -> list[tuple[str, ...]]:
    """Charges and closings in a few words."""
    return [
        ("closed", c["account"], c["period"], str(c["last_seq"]), c["total"])
        if c["type"] == "period-closed/1"
        else (c["kind"], c["charge_id"], c["amount"])
        for c in charges
    ]


def october(*words: Event) -> Log:
    """An account on hybrid-200 since October, with a call in it."""
    log = Log()
    log.add(subscribed("A", "hybrid-200", "2026-10-01T00:00:00+08:00"), call("A", 1, 60 * 60, OCTOBER), *words)
    return log


def test_a_silent_account_pays_its_fee_by_a_tick() -> None:
    """Each month's fee falls due at the first tick of the month, once."""
    log = Log()
    log.add(subscribed("A", "hybrid-200", "2026-10-01T00:00:00+08:00"))
    assert told(log.add(tick("2026-10-31T23:59:59+08:00"))) == []
    assert told(log.add(tick("2026-11-01T00:00:00+08:00"))) == [("fee", "A:2026-11:1", "200.00")]
    assert told(log.add(tick("2026-11-02T00:00:00+08:00"))) == []


def test_a_period_is_closed_once_with_all_that_it_came_to() -> None:
    """The final usage and total go out behind the last charge, the usage row goes, and the next month lives on."""
    log = october()
    assert told(log.add(tick("2026-11-10T23:59:59+08:00"))) == [("fee", "A:2026-11:1", "200.00")]
    (closed,) = log.add(tick(CLOSES))
    RESULTS["period-closed/1"].model_validate_json(orjson.dumps(closed))
    assert told([closed]) == [("closed", "A", "2026-10", "2", "204.30")]
    assert closed["segments"] == [
        {
            "plan": "hybrid-200@1",
            "start": "2026-09-30T16:00:00+00:00",
            "minutes": "60",
            "connected_calls": 1,
            "price": "4.30",
            "fee": "200.00",
        }
    ]
    assert (closed["attempts"], closed["connected"]) == (1, 1)
    assert set(log.replay.rows[0].tables["usage"]) == {b"A\x1f2026-11"}
    assert log.add(tick("2026-11-12T00:00:00+08:00")) == []


def test_an_own_event_first_does_what_is_due() -> None:
    """Where a tick's work is left over, the account's own call comes behind its fee and its closing."""
    log = october()
    log.replay.heads[0].state["due"] = None  # as if the budget had been used up for others
    log.add(tick(CLOSES))
    charges = log.add(call("A", 2, 60, NOVEMBER))
    assert [words[0] for words in told(charges)] == ["fee", "closed", "usage"]


def test_a_rejected_or_repeated_event_does_nothing_at_all() -> None:
    """What is due waits for the tick, or for an event that does something."""
    log = october()
    log.replay.heads[0].state["due"] = None
    log.add(tick(CLOSES))
    rows = {name: dict(kept) for name, kept in log.replay.rows[0].tables.items()}
    assert log.add(call("A", 1, 60 * 60, OCTOBER), call("A", 1, 61, OCTOBER)) == []
    assert log.replay.rows[0].tables == rows
    assert log.outcomes["duplicate"] == log.outcomes["rejected:conflict"] == 1


@pytest.mark.parametrize("policy", ["current", "reject"])
def test_a_late_call(policy: str) -> None:
    """For a closed period: rated into the oldest open one, marked late with its true start; or rejected."""
    log = Log(words=shipped(late=policy))
    log.add(subscribed("A", "hybrid-200", "2026-10-01T00:00:00+08:00"), tick(CLOSES))
    charges = log.add(call("A", 9, 120, OCTOBER))
    if policy == "reject":
        assert (charges, log.rejected) == ([], ["late"])
        return
    (charge,) = charges
    assert told([charge]) == [("usage", "A:2026-11:2", "2.50")]
    assert (charge["late"], charge["call"]["started_at"]) == (True, OCTOBER.isoformat())
    assert charge["allowance_left"] == {"minutes": "48"}


def test_a_late_call_of_an_account_that_has_ended() -> None:
    """No open period has a plan."""
    log = Log(words=book({"p": {"minutes": {"rate": "1"}}}))
    ended = subscribed("A", None, "2026-11-01T00:00:00+08:00", subscription_id="end")
    log.add(subscribed("A", "p", "2026-10-01T00:00:00+08:00"), ended, tick(CLOSES), call("A", 9, 60, OCTOBER))
    assert log.rejected == ["late-no-plan"]


def test_the_same_call_after_closing_and_after_forgetting() -> None:
    """Known while it is remembered: a duplicate. Forgotten: too old, under either policy."""
    log = october(tick(CLOSES))
    log.add(call("A", 1, 60 * 60, OCTOBER), tick("2027-01-09T23:59:59+08:00"), call("A", 1, 60 * 60, OCTOBER))
    assert log.outcomes["duplicate"] == 2
    log.add(tick(FORGETS), call("A", 1, 60 * 60, OCTOBER))
    assert log.rejected == ["too-old"]
    assert log.replay.rows[0].tables["calls"] == {}


def test_nothing_grows_for_ever() -> None:
    """An account without a subscription leaves no row behind when its last call is forgotten."""
    log = Log()
    log.add(call("A", 1, 60, OCTOBER), call("A", 2, None, NOVEMBER))
    log.add(tick("2027-06-01T00:00:00+08:00", operator=True))
    assert {name for name, rows in log.replay.rows[0].tables.items() if rows} == {"tariffs"}
    assert [words[0] for words in told(log.charges)] == ["usage", "usage", "closed", "closed"]


def test_a_tick_does_a_bounded_piece_of_work_in_a_fixed_order() -> None:
    """By instant, then account; what is left is done by the next ticks, and the end is the same."""
    names = [f"A{number:02d}" for number in range(30)]
    begin = [subscribed(name, "hybrid-200", "2026-10-01T00:00:00+08:00") for name in reversed(names)]
    calls = [call(name, 1, 60, OCTOBER) for name in names]
    whole = Log()
    whole.add(*begin, *calls)
    all_at_once = whole.add(tick(CLOSES, operator=True))
    assert [c["account"] for c in all_at_once] == names + names  # fees of 1 November, then closings
    log = Log()
    log.add(*begin, *calls)
    pieces: list[list[Event]] = [log.add(tick(CLOSES, operator=True, changes=7))]
    while work_left(State(**log.replay.heads[0].state)):
        pieces.append(log.add(tick(CLOSES, operator=True, changes=7)))
    assert max(len(piece) for piece in pieces) <= 7
    assert len(pieces) > 5
    assert [charge for piece in pieces for charge in piece] == all_at_once
    assert log.replay.rows[0].tables["usage"] == whole.replay.rows[0].tables["usage"]


def test_one_account_with_many_calls_is_forgotten_in_pieces() -> None:
    """Its calls go by as many ticks as they need; the rows come back from the changelogs in between."""
    log = Log()
    log.add(*(call("A", number, 60, OCTOBER) for number in range(35)), tick(CLOSES))
    left = []
    log.add(tick(FORGETS, changes=10))
    while work_left(State(**log.replay.heads[0].state)):
        left.append(len(log.replay.rows[0].tables["calls"]))
        for table in TABLES:
            rows = log.replay.rows[0].tables[table.name]
            rows.update({key: table.decode(table.encode(row)) for key, row in rows.items()})
        log.add(tick(FORGETS, changes=10))
    assert left == [25, 15, 5]
    assert log.replay.rows[0].tables["calls"] == {}


def test_a_void_takes_a_call_back_across_a_tier() -> None:
    """50 minutes at 0.18; without one of them 49 at 0.20: the reversal is +0.80, and lines explain it."""
    log = Log()
    log.add(*(call("A", number, 60) for number in range(50)))
    (back,) = log.add(void("A", 7))
    assert (back["kind"], back["amount"], back["period_total"]) == ("reversal", "0.80", "9.80")
    assert (back["reason"], back["call"]["call_id"], back["call"]["billed_seconds"]) == ("test call", "c-7", 60)
    assert back["lines"] == [
        {"meter": "minutes", "quantity": "-1", "covered": "0", "billable": "-1", "rate": "0.18", "amount": "-0.18"},
        {
            "meter": "minutes",
            "quantity": "49",
            "covered": "0",
            "billable": "49",
            "rate": "0.20",
            "amount": "0.98",
            "repriced_from": "0.18",
        },
    ]
    RESULTS["charge/1"].model_validate_json(orjson.dumps(back))


def void(account: str, number: object) -> Event:
    call_id = f"c-{number}"
    return {"type": "call-voided/1", "account": account, "source": "pbx-1", "call_id": call_id, "reason": "test call"}


def adjusted(account: str, amount: str, ident: str = "a-1") -> Event:
    words = {"type": "account-adjusted/1", "account": account, "adjustment_id": ident}
    return {**words, "amount": amount, "reason": "credit for outage"}


def test_a_void_leaves_everything_as_without_the_call() -> None:
    """Usage, totals and attempts, across an allowance; twice is a duplicate; the identity is spent."""
    for talk in (None, 0, 61, 60 * 49):
        plan = subscribed("A", "hybrid-200")
        without, log = Log(), Log()
        without.add(plan, call("A", 1, 600), call("A", 3, 1200))
        log.add(plan, call("A", 1, 600), call("A", 2, talk), call("A", 3, 1200), void("A", 2))
        ours, theirs = (one.replay.rows[0].tables["usage"][b"A\x1f2026-11"] for one in (log, without))
        assert ours._replace(seq=0, alerts=()) == theirs._replace(seq=0, alerts=())
        log.add(void("A", 2), call("A", 2, talk), call("A", 2, 77))
        assert log.outcomes["duplicate"] == 2
        assert (log.outcomes["voided"], log.rejected) == (1, ["conflict"])


def test_voids_that_can_not_be() -> None:
    """A call that nobody rated, and one whose period is closed."""
    log = october(void("A", 2), tick(CLOSES), void("A", 1), void("B", 1))
    assert log.rejected == ["unknown-call", "closed-period", "unknown-call"]


def test_a_credit_is_posted_once_in_the_oldest_open_period() -> None:
    """Signed, with its reason; the same again is a duplicate, another content a conflict; it counts in the closing."""
    log = october()
    (credit,) = log.add(adjusted("A", "-12.00"))
    RESULTS["charge/1"].model_validate_json(orjson.dumps(credit))
    assert told([credit]) == [("adjustment", "A:2026-10:3", "-12.00")]
    assert (credit["adjustment_id"], credit["reason"]) == ("a-1", "credit for outage")
    assert credit["lines"] == [{"meter": "adjustment", "amount": "-12.00"}]
    log.add(adjusted("A", "-12.0"), adjusted("A", "-13.00"), adjusted("A", "0.001", "a-2"), adjusted("B", "1.00"))
    assert log.outcomes["duplicate"] == 1
    assert log.rejected == ["conflict", "wrong-shape", "unknown-account"]
    *_, closed = log.add(tick(CLOSES))
    assert (closed["adjustments"], closed["total"]) == ("-12.00", "192.30")
    assert told(log.add(adjusted("A", "1", "a-3"))) == [("adjustment", "A:2026-11:2", "1.00")]


def test_the_books_hold_over_a_whole_life() -> None:
    """Charges and closings of months of calls, voids and credits hold by themselves."""
    log = october()
    for month in range(11, 13):
        start = datetime.fromisoformat(f"2026-{month}-05T12:00:00+08:00")
        log.add(*(call("A", (month, number), 70, start) for number in range(9)), void("A", f"({month}, 4)"))
        log.add(void("A", (month, 4)), adjusted("A", "-1.50", f"a-{month}"), tick(f"2026-{month}-28T00:00:00+08:00"))
    log.add(tick("2027-03-01T00:00:00+08:00", operator=True))
    verifier = Verifier()
    assert [fault for charge in log.charges for fault in verifier.faults(charge)] == []
    closings = [c for c in log.charges if c["type"] == "period-closed/1"]
    assert [c["period"] for c in closings] == ["2026-10", "2026-11", "2026-12", "2027-01"]
    paid = sum(Decimal(c["amount"]) for c in log.charges if c["type"] == "charge/1" and c["period"] < "2027-02")
    assert sum(Decimal(c["total"]) for c in closings) == paid


STAMPED = datetime.fromisoformat("2026-11-01T00:00:00+00:00")


@pytest.mark.parametrize("since", ["record", "tick"])
def test_an_operators_tick_goes_400_days_ahead_and_not_a_second_more(since: str) -> None:
    """Ahead of its record and of the last tick; what is further is most likely a slip (2062 for 2026)."""
    newest = STAMPED if since == "record" else STAMPED + timedelta(days=100)
    stamp = int(STAMPED.timestamp() * 1000)
    for more, outcome in ((0, "applied"), (1, "rejected:tick-ahead")):
        log = Log()
        if since == "tick":
            log.add(tick(newest.isoformat(), operator=True), timestamp=stamp)
        before = log.outcomes.get(outcome, 0)
        slip = newest + timedelta(days=400, seconds=more)
        log.add(tick(slip.isoformat(), operator=True), timestamp=stamp)
        assert log.outcomes[outcome] == before + 1
    (body,) = bodies(log.outputs, "rejected")
    assert body["detail"] == "the tick is more than 400 days ahead of the last one and of its record"


def test_without_timestamps_it_is_held_to_the_events_before_it() -> None:
    """Bare events: the first tick may say any time, the next ones not more than 400 days after all before them."""
    log = Log(make_step(check_timestamps=False))
    log.add(tick("2031-01-01T00:00:00Z"), tick("2032-02-05T00:00:00Z"))
    assert log.rejected == []
    log.add(tick("2033-03-12T00:00:01Z", operator=True))
    assert log.rejected == ["too-far"]
