"""Lives whose books date versions into the month, against the independent model, and mistakes that it must catch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

import rater.processor.decision
import rater.processor.reach_back
import rater.processor.tariffs_published
import rater.rating.charging
import rater.rating.reach_back
from rater.rating.catalog import Tariffs, publish, rank
from tests.laws.common import records, same
from tests.laws.life_plans import PLANS, TEAMS
from tests.laws.lives import Told, life_of_late_books
from tests.laws.test_lives import agrees, rated

LIVES = 60
BOTH = [PLANS, TEAMS | {"calls": PLANS["calls"]}]


@pytest.mark.parametrize("seed", range(LIVES))
def test_a_life_with_late_books_comes_to_what_the_model_says(seed: int) -> None:
    """Versions that reach back and some that do not, over changes of plans, voids, late calls and closings."""
    agrees(life_of_late_books(seed, plans=BOTH[seed % 2]))


def test_the_lives_are_rich() -> None:
    """Books change usage and fees, of one account more than once, and of none a second time for one period."""
    charges = [one for seed in range(LIVES) for one in rated(life_of_late_books(seed, plans=BOTH[seed % 2]))[1]]
    made = Counter(one["kind"] for one in charges if "book" in one)
    assert made["adjustment"] > LIVES
    assert made["fee"] > LIVES


def test_common_calls_change_nothing_of_it() -> None:
    """On and off, with spend and its forecasts, in batches between which books are applied."""
    found = sum(same(records(life_of_late_books(seed, plans=BOTH[seed % 2])), seed)["common"] for seed in range(30))
    assert found > 100


def small_ticks(log: list[Told]) -> list[Told]:
    """The same log with ticks that may change two rows, and more of them behind the last."""
    less = [
        Told(one.event | {"changes": 2}, one.stamp) if one.event["type"] == "clock-ticked/1" else one for one in log
    ]
    return less + less[-1:] * 60


def test_who_does_the_work_and_when_changes_no_total() -> None:
    """Ticks that do little at once: calls and books that reach back come in between, and each period's sum stays.

    Where such ticks forget or close later, so that a record has another outcome, there is nothing to compare.
    """
    compared = 0
    for seed in range(LIVES):
        log = life_of_late_books(seed, plans=BOTH[seed % 2], share=1)
        at_once, bit_by_bit = (rated(one) for one in (log, small_ticks(log)))
        if bit_by_bit[0][: len(log)] == at_once[0]:
            assert _sums(bit_by_bit[1]) == _sums(at_once[1]), seed
            compared += 1
    assert compared > LIVES / 3


def _sums(charges: list[dict[str, Any]]) -> dict[tuple[str, str], Decimal]:
    found: dict[tuple[str, str], Decimal] = {}
    for one in charges:
        if one["type"] == "charge/1":
            place = one["account"], one["period"]
            found[place] = found.get(place, Decimal(0)) + Decimal(one["amount"])
    return {place: amount for place, amount in found.items() if amount}


Bug = Callable[[pytest.MonkeyPatch], None]


def all_versions_reach_back(patch: pytest.MonkeyPatch) -> None:
    """A segment takes the newest version whenever its account's history changes."""
    real = rater.rating.charging.segments_of
    patch.setattr("rater.rating.amendments.segments_of", lambda *given: real(*given[:4]))


def closed_at_the_time_of_the_work(patch: pytest.MonkeyPatch) -> None:
    """What closed since the book was published is left alone."""

    def late(tariffs: Any, book: Any, content: str, plan_of: Any, _closed: int, reached: int) -> Any:
        return publish(tariffs, book, content, plan_of, 2**60, reached)

    patch.setattr(rater.processor.tariffs_published, "publish", late)


def the_last_published_wins(patch: pytest.MonkeyPatch) -> None:
    """Whatever from when on it is in effect."""

    def last(self: Tariffs, name: str, at: int) -> int | None:
        known = [n for n, since in enumerate(self.effective.get(name, ()), 1) if since is None or since <= at]
        return known[-1] if known else None

    patch.setattr(Tariffs, "version_at", last)


def later_versions_are_overruled(patch: pytest.MonkeyPatch) -> None:
    """A version that reaches back replaces one with a later effective too."""
    patch.setattr(
        rater.rating.reach_back, "rank", lambda plan: (rank(plan)[0] if plan.reach_back else -2, rank(plan)[1])
    )


def the_middle_of_segments(patch: pytest.MonkeyPatch) -> None:
    """A version touches segments that began before it is in effect."""
    patch.setattr(rater.rating.reach_back, "rank", lambda plan: (min(rank(plan)[0], 0), rank(plan)[1]))


def fees_stay(patch: pytest.MonkeyPatch) -> None:
    """Only usage is taken anew."""
    patch.setattr(rater.rating.reach_back, "_fees_again", lambda *_: iter(()))


def only_fees_change(patch: pytest.MonkeyPatch) -> None:
    """Usage keeps its price."""
    patch.setattr(rater.rating.reach_back, "_same_prices", lambda *_: True)


def periods_without_charges_stay_so(patch: pytest.MonkeyPatch) -> None:
    """A fee that a version brings is due only where something was charged before."""
    real = rater.rating.reach_back._fee_again

    def again(account: Any, reach: Any, period: Any, before: Any, after: Any) -> Any:
        return None if before.usage_of(period.name) is None else real(account, reach, period, before, after)

    patch.setattr(rater.rating.reach_back, "_fee_again", again)


def ticks_do_nothing(patch: pytest.MonkeyPatch) -> None:
    """An account that is silent is never reached."""
    patch.setattr(rater.processor.reach_back.Turn, "_one", lambda *_: None)


def applied_twice(patch: pytest.MonkeyPatch) -> None:
    """What an account's own record did is charged again."""
    patch.setattr("rater.processor.reach_back.marked", lambda account, _: account)
    patch.setattr(rater.rating.reach_back, "rank", lambda plan: (-1, int(plan.reach_back)))


def all_agree() -> None:
    for seed in range(LIVES):
        agrees(life_of_late_books(seed, plans=BOTH[seed % 2]))


@pytest.mark.parametrize(
    "bug",
    [
        *(all_versions_reach_back, closed_at_the_time_of_the_work, the_last_published_wins),
        *(later_versions_are_overruled, the_middle_of_segments, fees_stay, only_fees_change),
        *(periods_without_charges_stay_so, ticks_do_nothing, applied_twice),
    ],
)
def test_the_model_catches_a_planted_bug(bug: Bug, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the bug in the rules the model and the rater part ways."""
    bug(monkeypatch)
    with pytest.raises(AssertionError):
        all_agree()
