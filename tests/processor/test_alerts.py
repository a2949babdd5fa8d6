"""Alerts: what is told, when, and that each is told once."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rater.processor.replay import Replay
from rater.processor.rows import usage_key
from rater.processor.step import make_step
from rater.processor.watch import once, remembering
from rater.rating.account import Account
from rater.rating.alerts import usage_alerts
from rater.rating.book import Plan
from rater.rating.calendar import Calendar
from rater.rating.names import AccountKey, PeriodName, PlanId
from rater.rating.usage import Segment, Usage
from rater.seam.model import LogRecord
from rater.wire.results import RESULTS
from tests.support.logs import Event, Log, bodies, book, call, published, record, shipped, subscribed, tick
from tests.support.plans import a_meter, a_plan, counts

FIRST = datetime.fromisoformat("2026-11-01T09:00:00+08:00")
MINUTE_BOOK = book({"m": {"minutes": {"rate": "1"}}, "bundle": {"calls": {"allowance": 5, "rate": "2"}}})


def told(log: Log) -> list[tuple[str, ...]]:
    """The alerts so far, in a few words; each is as its contract says."""
    alerts = bodies(log.outputs, "alerts")
    for alert in alerts:
        RESULTS["alert/1"].model_validate_json(orjson.dumps(alert))
    return [(a["kind"], a["value"], a["limit"]) for a in alerts]


def void(number: object) -> Event:
    return {"type": "call-voided/1", "account": "A", "source": "pbx-1", "call_id": f"c-{number}", "reason": "test"}


def test_an_allowance_is_told_at_80_and_at_100_percent() -> None:
    """hybrid-200 includes 50 minutes: told at 40 and at 50, by the event that shows it, and not again."""
    log = Log()
    log.add(subscribed("A", "hybrid-200"), call("A", 1, 39 * 60))
    assert told(log) == []
    log.add(call("A", 2, 60))
    assert told(log) == [("allowance-80", "40", "40")]
    log.add(call("A", 3, 9 * 60), call("A", 4, 60))
    assert told(log)[1:] == [("allowance-100", "50", "50")]
    (last,) = bodies(log.outputs, "alerts")[1:]
    assert last["alert_id"] == "A:2026-11:allowance-100:minutes"
    assert last["at"] == "2026-11-03T01:01:05+00:00", "the end of the call that shows it"
    log.add(void(2), call("A", 5, 60))
    assert len(told(log)) == 2, "it was told: going below and above again tells nothing new"


def test_one_call_may_show_both() -> None:
    """And the next period is told anew."""
    log = Log()
    log.add(subscribed("A", "hybrid-200"), call("A", 1, 60 * 60))
    assert [kind for kind, *_ in told(log)] == ["allowance-80", "allowance-100"]
    log.add(call("A", 2, 60 * 45, FIRST + timedelta(days=31)))
    assert told(log)[2:] == [("allowance-80", "45", "40")]


def test_connected_calls_have_an_allowance_too() -> None:
    """Five included: 80 % is the fourth, and calls that nobody answered do not count."""
    log = Log(words=MINUTE_BOOK)
    log.add(subscribed("A", "bundle"), *(call("A", n, None) for n in range(9)), *(call("A", 10 + n) for n in range(5)))
    assert told(log) == [("allowance-80", "4", "4"), ("allowance-100", "5", "5")]
    assert {a["meter"] for a in bodies(log.outputs, "alerts")} == {"connected-calls"}


def test_the_spend_cap_includes_fees() -> None:
    """A fee of 200 and a cap of 205: the second call of 2.50 + 0 makes it 205.00, which reaches it."""
    log = Log()
    log.add(subscribed("A", "hybrid-200", spend_cap="205"), call("A", 1))
    assert told(log) == []
    log.add(call("A", 2), call("A", 3))
    assert told(log) == [("spend-cap-reached", "205.00", "205")]
    assert bodies(log.outputs, "alerts")[0]["currency"] == "CNY"


def test_a_fee_alone_may_reach_the_cap() -> None:
    """By the subscription, and by the tick that brings the next month."""
    log = Log()
    log.add(subscribed("A", "hybrid-200", spend_cap="200"))
    assert [a["period"] for a in bodies(log.outputs, "alerts")] == ["2026-11"]
    log.add(tick("2026-12-01T00:00:00+08:00"))
    assert [a["period"] for a in bodies(log.outputs, "alerts")] == ["2026-11", "2026-12"]


def test_a_month_that_falls_due_and_closes_at_once_is_told_too() -> None:
    """One tick over three months: each month's fee reaches the cap."""
    log = Log()
    log.add(subscribed("A", "hybrid-200", spend_cap="200"), tick("2027-02-01T00:00:00+08:00", operator=True))
    periods = [a["period"] for a in bodies(log.outputs, "alerts") if a["kind"] == "spend-cap-reached"]
    assert periods == ["2026-11", "2026-12", "2027-01", "2027-02"]


def test_a_raised_cap_counts_from_where_it_is_in_force() -> None:
    """Raised before it was reached; and a cleared one (null) is none."""
    for cap, alerts in (("5", 1), (None, 0)):
        log = Log(words=MINUTE_BOOK)
        raised = subscribed("A", "m", "2026-11-02T00:00:00+08:00", subscription_id="s-2", spend_cap=cap)
        log.add(subscribed("A", "m", spend_cap="3"), call("A", 1, 120, FIRST), raised, call("A", 2, 120))
        assert told(log) == []
        log.add(call("A", 3, 60))
        assert len(told(log)) == alerts


def loses(log: Log, days: int, minutes: int, calls: int = 10) -> None:
    """So many days from the 1st, each with so many calls of a minute and a tick at its end."""
    for day in range(days):
        start = FIRST + timedelta(days=day)
        log.add(*(call("A", f"{day}-{n}", 60 * minutes / calls, start) for n in range(calls)))
        log.add(tick(f"2026-11-{day + 2:02}T00:00:10+08:00"))


def test_a_forecast_beyond_the_cap_is_told_before_it_is_reached() -> None:
    """20.00 a day is 600.00 in November: told on the 11th, with 100 calls, when a fifth of the month is over."""
    log = Log(words=MINUTE_BOOK)
    log.add(subscribed("A", "m", spend_cap="500"))
    loses(log, 9, 20)
    assert told(log) == []
    log = Log(words=MINUTE_BOOK)
    log.add(subscribed("A", "m", spend_cap="500"))
    loses(log, 12, 20)
    assert told(log) == [("forecast-beyond-cap", "600.00", "500")]
    assert bodies(log.outputs, "alerts")[0]["at"] == "2026-11-10T16:00:10+00:00"


def test_a_forecast_waits_for_a_fifth_of_the_period() -> None:
    """Six days of thirty: not on the 6th, however many the calls."""
    log = Log(words=MINUTE_BOOK)
    log.add(subscribed("A", "m", spend_cap="5000"))
    loses(log, 5, 200, calls=50)
    assert told(log) == []
    loses_more = FIRST + timedelta(days=5)
    log.add(call("A", "x", 200 * 60, loses_more), tick("2026-11-07T00:00:00+08:00"))
    assert told(log) == [("forecast-beyond-cap", "6000.00", "5000")]


@pytest.mark.parametrize(("connected", "alerts"), [(75, 0), (70, 0), (60, 1), (0, 1)])
def test_a_connect_rate_is_told_when_its_whole_interval_lies_below(connected: int, alerts: int) -> None:
    """Of 100 attempts, 75 % guaranteed: 70 may be chance (0.604 to 0.781), 60 is not (0.502 to 0.691)."""
    log = Log(words=MINUTE_BOOK)
    log.add(subscribed("A", "m", guaranteed_connect_rate="0.75"))
    log.add(*(call("A", n, 60 if n < connected else None, FIRST) for n in range(100)))
    log.add(tick("2026-11-06T23:59:00+08:00"))
    assert told(log) == [], "not before a fifth of the month is over"
    log.add(tick("2026-11-07T00:00:00+08:00"), tick("2026-11-07T01:00:00+08:00"), tick("2026-11-08T00:00:00+08:00"))
    assert len(told(log)) == alerts
    for alert in bodies(log.outputs, "alerts"):
        assert alert["low"] <= alert["value"] <= alert["high"] < "0.75"


def test_99_attempts_are_not_judged() -> None:
    """Inbound calls are no attempts."""
    log = Log(words=MINUTE_BOOK)
    log.add(subscribed("A", "m", guaranteed_connect_rate="0.75"))
    log.add(*(call("A", n, None, FIRST) for n in range(99)))
    log.add(*(call("A", n, None, FIRST, direction="inbound") for n in range(100, 110)))
    log.add(tick("2026-11-20T00:00:00+08:00"))
    assert told(log) == []


def test_alerts_are_the_same_bytes_however_the_log_is_split() -> None:
    """One record at a time, or all at once."""
    events = [published(shipped()), subscribed("A", "hybrid-200", spend_cap="210", guaranteed_connect_rate="0.9")]
    for day in range(12):
        start = FIRST + timedelta(days=day)
        events += [call("A", f"{day}-{n}", 60 if n % 2 else None, start) for n in range(12)]
        events.append(tick(f"2026-11-{day + 2:02}T00:00:00+08:00"))
    records: list[LogRecord] = [record(offset, event) for offset, event in enumerate(events)]
    whole, split = Replay(make_step()), Replay(make_step())
    at_once = [o for o in whole.feed(0, records).outputs if o.topic == "alerts"]
    one_by_one = [o for one in records for o in split.feed(0, [one]).outputs if o.topic == "alerts"]
    kinds = [orjson.loads(o.value or b"")["kind"] for o in at_once]
    assert kinds == ["spend-cap-reached", "allowance-80", "allowance-100", "connect-rate-below-guarantee"]
    assert at_once == one_by_one


FIVE_AND_FIVE = book({"both": {"minutes": {"allowance": 5, "rate": "1"}, "calls": {"allowance": 5, "rate": "2"}}})


def five_of_each() -> Plan:
    """The plan of that book: prices are no matter here."""
    return a_plan("both@1", Decimal(0), "none", a_meter(5, None), a_meter(5, None))


@given(st.lists(st.tuples(st.sampled_from([None, 20, 59, 61, 130]), st.booleans()), max_size=14))
def test_nothing_is_left_untold(calls: list[tuple[int | None, bool]]) -> None:
    """After each event the usage kept has nothing more to tell: the quick look of a call misses nothing."""
    log = Log(words=FIVE_AND_FIVE)
    log.add(subscribed("A", "both"))
    plan = five_of_each()
    for number, (talk, again) in enumerate(calls):
        log.add(call("A", number, talk), *([void(number)] if again else []))
        usage = log.replay.rows[0].get("usage", usage_key(AccountKey(b"A"), PeriodName("2026-11")))
        assert isinstance(usage, Usage)
        assert list(usage_alerts(Account(Calendar("Asia/Shanghai", 1)), usage, lambda _: plan, 0)) == []


def test_two_segments_that_reach_the_same_mark_at_once_tell_it_once() -> None:
    """A period is told of its allowance once, whichever plan's it is, and remembers that."""
    plan = five_of_each()
    usage = Usage(
        PeriodName("2026-11"),
        0,
        10,
        tuple(Segment(start, PlanId("both@1"), inline=False, counts=counts(0, 4)) for start in (0, 5)),
    )
    found = once(usage_alerts(Account(Calendar("Asia/Shanghai", 1)), usage, lambda _: plan, 0))
    assert [one.mark for one in found] == ["allowance-80:connected-calls"]
    assert remembering(usage, found).alerts == ("allowance-80:connected-calls",)
