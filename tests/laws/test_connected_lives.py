"""Lives under plans with their own meaning of connected against the independent model, and mistakes it must catch."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

import rater.rating.corrections
import rater.rating.rerating
from rater.processor.replay import Replay
from rater.processor.rows import USAGE
from rater.processor.step import make_step
from rater.rating.book import Connected, Plan
from tests.laws.common import records, same
from tests.laws.life_model import Life
from tests.laws.life_plans import MEANINGS
from tests.laws.lives import Told, life
from tests.laws.test_lives import agrees

LIVES = 80


def meant(seed: int) -> list[Told]:
    return life(seed, plans=MEANINGS)


def rates_agree(log: list[Told]) -> int:
    """The law: attempts and connected ones of an account's open periods are the model's; how many were looked at."""
    model, replay, looked = Life(), Replay(make_step()), 0
    for told, record in zip(log, records(log), strict=True):
        outcome = model.outcome(told.event, told.stamp)
        replay.feed(0, [record])
        if outcome in {"voided", "applied"}:
            for key, usage in replay.rows[0].tables[USAGE].items():
                account, name = key.decode().split("\x1f")
                period = date.fromisoformat(name if len(name) > 7 else f"{name}-01")
                if account == told.event.get("account"):
                    assert (usage.attempts, usage.connected) == model.outbound(account, period), (account, name)
                    looked += 1
    return looked


@pytest.mark.parametrize("seed", range(LIVES))
def test_a_life_comes_to_what_the_model_says(seed: int) -> None:
    """Short talk, machines and faxes; changes between plans that mean it otherwise; guarantees judged by it; voids."""
    agrees(meant(seed))


def test_connect_rates_are_those_of_the_model() -> None:
    """By each period's plans, after re-ratings too."""
    assert sum(rates_agree(meant(seed)) for seed in range(LIVES)) > 2 * LIVES


def test_common_calls_change_nothing_of_it() -> None:
    """On and off, with spend and its forecasts."""
    assert sum(same(records(meant(seed)), seed)["common"] for seed in range(20)) > 100


Bug = Callable[[pytest.MonkeyPatch], None]


def any_length_is_connected(patch: pytest.MonkeyPatch) -> None:
    """Short talk counts."""
    real = Connected.why_not
    patch.setattr(Connected, "why_not", lambda self, _talk, by: real(self, 99_999, by))


def a_call_of_just_that_length_is_short(patch: pytest.MonkeyPatch) -> None:
    """More than `min_talk` is asked."""
    real = Connected.why_not
    patch.setattr(Connected, "why_not", lambda self, talk, by: real(self, talk - 1, by))


def machines_are_people(patch: pytest.MonkeyPatch) -> None:
    """Nobody asks who answered."""
    real = Connected.why_not
    patch.setattr(Connected, "why_not", lambda self, talk, _by: real(self, talk, min(self.answered_by)))


def the_guarantee_means_answered(patch: pytest.MonkeyPatch) -> None:
    """Meters go by the plan's meaning, the guarantee by the disposition."""
    real = Plan.count

    def count(self: Plan, call: Any) -> Any:
        counts = list(real(self, call))
        if self.counts_attempts and call.direction == "outbound":
            counts[4] = int(call.connected)
        return tuple(counts)

    patch.setattr(Plan, "count", count)


def meanings_count_alike(patch: pytest.MonkeyPatch) -> None:
    """A change to a plan that means it otherwise takes the sums over."""
    real = rater.rating.rerating._alike

    def alike(old: Plan, new: Plan) -> bool:
        object.__setattr__(new, "connected", old.connected) if old.counts_attempts else None
        return real(old, new)

    patch.setattr(rater.rating.rerating, "_alike", alike)


def a_re_rating_keeps_the_rate(patch: pytest.MonkeyPatch) -> None:
    """What was connected stays so under another plan."""
    real = rater.rating.rerating.rerated

    def rerated(before: Any, after: Any, usage: Any, *rest: Any) -> Any:
        found = real(before, after, usage, *rest)
        return found._replace(usage=found.usage._replace(connected=usage.connected))

    patch.setattr("rater.rating.amendments.rerated", rerated)


def a_void_takes_back_what_was_answered(patch: pytest.MonkeyPatch) -> None:
    """By the disposition, not as the plan means it."""
    real = rater.rating.corrections.reverse_call

    def reverse(plan: Any, usage: Any, index: int, call: Any, *rest: Any, **more: Any) -> Any:
        found = real(plan, usage, index, call, *rest, **more)
        outbound = call.direction == "outbound" and call.connected
        return found._replace(usage=found.usage._replace(connected=usage.connected - outbound))

    patch.setattr("rater.processor.call_voided.reverse_call", reverse)


def all_agree() -> None:
    for seed in range(LIVES):
        agrees(meant(seed))
        rates_agree(meant(seed))


@pytest.mark.parametrize(
    "bug",
    [
        *(any_length_is_connected, a_call_of_just_that_length_is_short, machines_are_people),
        *(the_guarantee_means_answered, meanings_count_alike, a_re_rating_keeps_the_rate),
        a_void_takes_back_what_was_answered,
    ],
)
def test_the_model_catches_a_planted_bug(bug: Bug, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the bug in the rules the model and the rater part ways."""
    bug(monkeypatch)
    with pytest.raises(AssertionError):
        all_agree()
