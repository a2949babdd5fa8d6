"""Spend: the latest state of each period, for dashboards."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from rater.processor.replay import Replay
from rater.processor.step import make_step
from rater.seam.model import Output
from rater.wire.results import RESULTS, Spend
from tests.support.logs import Event, Log, bodies, call, published, record, shipped, subscribed, tick

FIRST = datetime.fromisoformat("2026-11-01T09:00:00+08:00")


def latest(outputs: list[Output]) -> dict[bytes, Any]:
    """The last value of each key, as compaction leaves it; each is as its contract says."""
    found = {output.key or b"": output.value for output in outputs if output.topic == "spend"}
    for value in found.values():
        if value is not None:
            RESULTS["spend/1"].model_validate_json(value)
    return {key: None if value is None else orjson.loads(value) for key, value in found.items()}


def month(days: int) -> list[Event]:
    """An account with a cap, and a call of 3 minutes, a free one and a tick for each day of November."""
    events = [published(shipped()), subscribed("A", "hybrid-200", spend_cap="500", guaranteed_connect_rate="0.4")]
    for day in range(days):
        start = FIRST + timedelta(days=day)
        events += [call("A", f"{day}-1", 180, start), call("A", f"{day}-2", None, start)]
        events.append(tick(f"{(start + timedelta(days=1)).date()}T00:00:00+08:00"))
    return events


def fed(events: list[Event], sizes: list[int]) -> list[Output]:
    """What the step publishes, in batches of these sizes."""
    replay, records, outputs = (
        Replay(make_step(spend=True)),
        [record(n, e) for n, e in enumerate(events)],
        list[Output](),
    )
    while records:
        size = sizes.pop(0) if sizes else len(records)
        outputs += replay.feed(0, records[:size]).outputs
        records = records[size:]
    return outputs


def test_it_tells_what_finance_asks() -> None:
    """After 10 days of 3 minutes and two attempts: 30 of 50 minutes, 10 calls of 2.50, and where November will end."""
    spend = latest(fed(month(10), []))[b"A:2026-11"]
    assert spend == {
        "type": "spend/1",
        "account": "A",
        "period": "2026-11",
        "start": "2026-10-31T16:00:00+00:00",
        "end": "2026-11-30T16:00:00+00:00",
        "time_zone": "Asia/Shanghai",
        "plan": "hybrid-200@1",
        "seq": 21,
        "minutes": "30",
        "connected_calls": 10,
        "allowance_left": {"minutes": "20"},
        "total": "225.00",
        "fees": "200.00",
        "currency": "CNY",
        # 90 minutes, of which 40 cost 7.20, in 30 calls for 75.00, and the fee
        "forecast": {"total": "282.20", "low": "282.20", "high": "282.20"},
        "spend_cap": "500",
        "guaranteed_connect_rate": "0.4",
        "connect_rate": {"attempts": 20, "connected": 10, "rate": "0.500000", "low": "0.299298", "high": "0.700702"},
    }
    Spend.model_validate(spend)


def test_once_a_batch_for_each_period() -> None:
    """A batch of many calls tells it once, by the last of them."""
    assert len([o for o in fed(month(1), []) if o.topic == "spend"]) == 1
    assert len([o for o in fed(month(1), [1] * 9) if o.topic == "spend"]) == 4


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 30), max_size=60))
def test_the_last_value_of_a_key_depends_on_the_log_alone(sizes: list[int]) -> None:
    """Through the month's end, its closing, and the day on which it is forgotten."""
    raised = subscribed("A", "hybrid-200", "2026-11-20T00:00:00+08:00", subscription_id="s-2", spend_cap="700")
    later = call("A", "y", 60, FIRST + timedelta(days=30))
    events = [*month(30), raised, later, tick("2026-12-11T00:00:00+08:00")]
    assert latest(fed(events, list(sizes))) == latest(fed(events, []))
    final = latest(fed(events, list(sizes)))[b"A:2026-11"]
    assert final["forecast"]["total"] == final["total"] == "282.20"
    assert final["spend_cap"] == "700"
    gone = latest(fed([*events, tick("2027-02-09T00:00:00+08:00", operator=True)], list(sizes)))
    assert gone[b"A:2026-11"] is None, "the topic forgets what the rater forgets"


def test_charges_are_the_same_without_it() -> None:
    """Spend is told beside the charges, not instead of them."""
    log = Log(make_step(), publish=False)
    log.add(*month(3))
    assert bodies(fed(month(3), []), "charges") == log.charges
