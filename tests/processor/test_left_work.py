"""What a tick left undone for an account is done by the account's next event, as the tick would have done it."""

from __future__ import annotations

from collections.abc import Iterable

import orjson
import pytest

from rater.processor.step import make_step
from rater.seam.model import Output
from tests.support.logs import STAMP, Event, Log, bodies, book, call, record, subscribed, tick

PLANS: Event = {"p": {"fee": "200.00", "minutes": {"rate": "1"}}}
CREDIT: Event = {"type": "account-adjusted/1", "account": "A", "adjustment_id": "a", "amount": "-1", "reason": "outage"}
FEBRUARY = "2027-02-01T00:00:00+08:00"
FORGETTING = "2027-01-15T00:00:00+08:00"


def of_a(outputs: Iterable[Output]) -> dict[str, list[Event]]:
    """What was published of account A but for the credit, topic by topic, without where it was worked out."""
    found: dict[str, list[Event]] = {"charges": [], "alerts": []}
    for output in outputs:
        body: Event = orjson.loads(output.value or b"{}")
        if body.get("account") == "A" and output.topic in found and body.get("reason") != "outage":
            found[output.topic].append({name: value for name, value in body.items() if name != "at"})
    return found


def rated(changes: int | None) -> dict[str, list[Event]]:
    log = Log(make_step(spend=True), words=book(PLANS))
    log.add(*(subscribed(account, "p", spend_cap="200") for account in "0A"))
    far: Event = tick(FEBRUARY, operator=True) | ({} if changes is None else {"changes": changes})
    log.add(far)
    log.add(CREDIT)
    return of_a(log.outputs)


def test_fees_closings_and_alerts_are_those_of_a_tick_that_did_it_all() -> None:
    """Each month to February reached the cap, two of them closed, topic by topic; the tick did one step of another."""
    at_once = rated(None)
    assert rated(1) == at_once
    assert [body["period"] for body in at_once["alerts"]] == ["2026-11", "2026-12", "2027-01", "2027-02"]
    assert [(body["type"], body["period"]) for body in at_once["charges"]] == [
        ("charge/1", "2026-11"),
        ("charge/1", "2026-12"),
        ("period-closed/1", "2026-11"),
        ("charge/1", "2027-01"),
        ("period-closed/1", "2026-12"),
        ("charge/1", "2027-02"),
    ]


def test_more_than_can_be_done_at_once_rejects_the_event_and_waits_for_the_ticks() -> None:
    """Two hundred years of fees are left: the credit is refused until ticks have done them."""
    log = Log(words=book(PLANS))
    log.add(*(subscribed(account, "p") for account in "0A"))
    log.add(tick("2227-01-01T00:00:00Z", changes=1), timestamp=8_200_000_000_000)
    before = len(log.outputs)
    log.add(CREDIT, timestamp=8_200_000_000_000)
    [body] = bodies(log.outputs[before:], "rejected")
    assert (body["reason"], body["detail"]) == (
        "too-far",
        "more than 2400 fees and closings of the account are due at once",
    )
    assert len(log.outputs) == before + 1


@pytest.mark.parametrize(("most", "gone"), [(2, 2), (3, 3), (9, 3)])
def test_a_tick_forgets_as_many_calls_as_it_may(most: int, gone: int) -> None:
    """Of three; the period is forgotten, and its last spend withdrawn, with the last of them."""
    words = book({"p": {"minutes": {"rate": "1"}}}, default_plan="p", close_after="1d", remember="31d")
    log = Log(make_step(spend=True), words=words)
    log.add(*(call("A", n) for n in range(3)), tick("2026-12-12T00:00:00+08:00"))
    records = [record(log.offset, tick(FORGETTING, changes=most), STAMP)]
    effects = log.replay.feed(0, records)
    assert [row for row in effects.changes["calls"].values() if row is not None] == []
    assert len(effects.changes["calls"]) == gone
    withdrawn = [output for output in effects.outputs if output.topic == "spend" and output.value is None]
    assert len(withdrawn) == (gone == 3)
    account = log.replay.rows[0].get("accounts", b"A")
    assert (account is None) == (gone == 3)


def test_without_spend_nothing_of_it_is_withdrawn() -> None:
    """A step that tells no spend tells no end of it."""
    words = book({"p": {"minutes": {"rate": "1"}}}, default_plan="p", close_after="1d", remember="31d")
    log = Log(words=words)
    log.add(call("A", 1), tick("2026-12-12T00:00:00+08:00"), tick(FORGETTING))
    assert {output.topic for output in log.outputs} == {"charges"}
    assert log.replay.rows[0].get("accounts", b"A") is None
