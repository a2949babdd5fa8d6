"""Lives with all there is at once: plans of every kind, classes, labels, items, late books; against the model."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

import rater.rating.book
from rater.processor.replay import Replay
from rater.processor.step import make_step
from rater.rating.alerts import usage_alerts
from tests.laws.alert_model import Mark, reached
from tests.laws.common import records, same
from tests.laws.life_model import Life
from tests.laws.lives import Told, life_of_everything
from tests.laws.test_connected_lives import rates_agree
from tests.laws.test_lives import agrees
from tests.support.logs import bodies

LIVES = int(os.environ.get("RATER_TEST_LIVES", "40"))


@pytest.mark.parametrize("seed", range(LIVES))
def test_a_life_comes_to_what_the_model_says(seed: int) -> None:
    """Each outcome, each period's total, and the connect rates of open periods."""
    told = life_of_everything(seed, 160)
    agrees(told)
    rates_agree(told)


def alerts_agree(told: list[Told]) -> int:
    """The law: alerts of allowances are raised just where some event leaves so much used; how many there were."""
    model, replay, ours, theirs = Life(), Replay(make_step()), set[Mark](), set[Mark]()
    for one, record in zip(told, records(told), strict=True):
        outcome = model.outcome(one.event, one.stamp)
        for alert in bodies(replay.feed(0, [record]).outputs, "alerts"):
            if alert["kind"].startswith("allowance"):
                mark = alert["account"], alert["period"], alert["kind"], alert["meter"]
                assert mark not in ours, "an alert is raised once"
                ours.add(mark)
        account = one.event.get("account")
        if outcome in {"charged", "voided", "applied"}:
            for name in [account] if account else list(model.people):
                theirs |= reached(model, name)
    assert ours == theirs
    return len(ours)


def test_alerts_are_those_of_the_model() -> None:
    """80 % and all of an allowance, shared ones and parts of months too; after voids, late plans and late books."""
    assert sum(alerts_agree(life_of_everything(seed)) for seed in range(LIVES // 2)) > LIVES


def shared_allowances_count_all(patch: pytest.MonkeyPatch) -> None:
    """Calls that an allowance does not cover use it up."""
    real = rater.rating.book.placed

    def placed(meters: Any) -> Any:
        found = real(meters)
        pools = {(one.unit, one.own_name): one.slot for one in found if one.shared}
        return tuple(
            replace(m, pool=pools[m.unit, m.own_name]) if (m.unit, m.own_name) in pools and not m.shared else m
            for m in found
        )

    patch.setattr(rater.rating.book, "placed", placed)


def only_the_first_plan_of_a_month(patch: pytest.MonkeyPatch) -> None:
    """Allowances of later segments raise nothing."""

    def first(account: Any, usage: Any, plan_of: Any, at: int) -> Any:
        return usage_alerts(account, usage._replace(segments=usage.segments[:1]), plan_of, at)

    patch.setattr("rater.processor.watch.usage_alerts", first)


def all_agree() -> None:
    for seed in range(LIVES):
        alerts_agree(life_of_everything(seed))


@pytest.mark.parametrize("bug", [shared_allowances_count_all, only_the_first_plan_of_a_month])
def test_the_model_catches_a_planted_bug(
    bug: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the bug the alerts are others."""
    bug(monkeypatch)
    with pytest.raises(AssertionError):
        all_agree()


def test_common_calls_change_nothing_of_it() -> None:
    """On and off, with spend and its forecasts."""
    assert sum(same(records(life_of_everything(seed)), seed)["common"] for seed in range(20)) > 100
