"""Whole lives against the independent model: each outcome and each period's total, to the cent."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import orjson
import pytest

import rater.processor.call_ended
import rater.processor.call_voided
import rater.processor.due
import rater.rating.amendments
import rater.rating.charging
import rater.rating.corrections
import rater.rating.lifecycle
import rater.rating.rerating
import rater.rating.settlement
import rater.rating.usage
import rater.wire.tariff_book
from rater.audit.verify import Verifier
from rater.processor.opening import begin_period
from rater.processor.replay import Replay
from rater.processor.rows import usage_key
from rater.processor.step import make_step
from rater.rating.account import plan_intervals
from rater.rating.charging import plan_of_segment
from rater.rating.corrections import reverse_call
from rater.rating.fees import Begun, charge_fee
from rater.rating.lifecycle import live
from rater.rating.money import rounded
from rater.rating.names import AccountKey
from rater.rating.proration import prorated
from rater.rating.settlement import credit_of
from rater.rating.units import MINUTES
from rater.rating.usage import list_price, minus, short_of_minimum
from rater.seam.model import LogRecord
from tests.laws.life_model import Life
from tests.laws.life_plans import CONTRACTS
from tests.laws.lives import Told, life
from tests.support.logs import Event, bodies

SEEDS = (*range(120), 200, 288, 480, 646)
"""The last ones are lives on which model and rules once disagreed."""
RICH = {"applied", "charged", "duplicate", "voided"} | {
    f"rejected:{reason}"
    for reason in (
        *("account-ended", "closed-period", "late", "late-no-plan"),
        *("tick-ahead", "too-old", "unknown-account", "unknown-call"),
    )
}


def record(offset: int, told: Told) -> LogRecord:
    account = told.event.get("account")
    stamp = int(told.stamp.timestamp() * 1000)
    return LogRecord(offset, stamp, account.encode() if account else None, orjson.dumps(told.event))


def rated(log: list[Told]) -> tuple[list[str], list[Event]]:
    """The outcome of each record as the rater has it, and what it puts into `charges`."""
    replay, outcomes, charges = Replay(make_step()), list[str](), list[Event]()
    for offset, told in enumerate(log):
        before = Counter(replay.outcomes())
        charges += bodies(replay.feed(0, [record(offset, told)]).outputs, "charges")
        (outcome,) = (Counter(replay.outcomes()) - before).elements()
        outcomes.append(outcome)
    return outcomes, charges


def agrees(log: list[Told]) -> set[str]:
    """The law: outcomes and totals are the model's, and each closed period is closed once with its total."""
    model = Life()
    outcomes, charges = rated(log)
    for number, (told, ours) in enumerate(zip(log, outcomes, strict=True)):
        assert ours == model.outcome(told.event, told.stamp), f"record {number}: {told}"
    sums: dict[tuple[str, str], Fraction] = defaultdict(Fraction)
    closed: dict[tuple[str, str], Fraction] = {}
    for charge in charges:
        key = charge["account"], charge["period"]
        if charge["type"] == "charge/1":
            assert key not in closed, "nothing is charged to a closed period"
            sums[key] += Fraction(charge["amount"])
        else:
            assert key not in closed, "a period is closed once"
            closed[key] = Fraction(charge["total"])
    theirs = model.totals()
    assert {k: v for k, v in sums.items() if v} == {k: v for k, v in theirs.items() if v}
    assert closed == {key: sums[key] for key in closed}
    verifier = Verifier()
    assert [fault for charge in charges for fault in verifier.faults(charge)] == []
    return set(outcomes)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_life_comes_to_what_the_model_says(seed: int) -> None:
    """Plan changes, ends, voids, credits, late ones, new versions, closings and forgetting, in four calendars."""
    agrees(life(seed))


@pytest.mark.parametrize("seed", range(80))
def test_a_life_under_contracts_comes_to_what_the_model_says(seed: int) -> None:
    """The same with discounts and minimums, by days and for whole months."""
    agrees(life(seed, plans=CONTRACTS))


def test_a_life_of_a_dozen_years_meets_no_error() -> None:
    """Histories are folded again and again. In this one a plan was forgotten that a later subscription still named."""
    outcomes, _ = rated(life(5, 3_900))
    assert "rejected:internal-error" not in outcomes


def test_the_lives_are_rich() -> None:
    """Every outcome that they can have comes up, and periods are closed."""
    seen: set[str] = set()
    closings = 0
    for seed in SEEDS:
        outcomes, charges = rated(life(seed))
        seen |= set(outcomes)
        closings += sum(charge["type"] == "period-closed/1" for charge in charges)
    assert seen == RICH
    assert closings > 10 * len(SEEDS)


Bug = Callable[[pytest.MonkeyPatch], None]
to_core = rater.wire.tariff_book.PlanWords.to_core


def no_days(patch: pytest.MonkeyPatch) -> None:
    """A part of a period pays as the whole does."""
    patch.setattr(rater.rating.charging, "prorated", lambda plan, _days, _of: plan)


def allowance_rounded_down(patch: pytest.MonkeyPatch) -> None:
    """A part of an allowance loses its broken unit."""

    def down(plan: Any, days: int, of: int) -> Any:
        part = prorated(plan, days, of)
        downs = (replace(one, allowance=one.allowance * days // of) for one in plan.meters if one.allowance)
        by_name = {one.name: one for one in downs if one.unit is MINUTES}
        return replace(part, meters=tuple(by_name.get(one.name, one) for one in part.meters))

    patch.setattr(rater.rating.charging, "prorated", down)


def late_is_not_rated_again(patch: pytest.MonkeyPatch) -> None:
    """A late subscription changes what comes, not what was charged."""
    patch.setattr(rater.rating.amendments, "_same", lambda _old, _new: True)


def void_keeps_the_money(patch: pytest.MonkeyPatch) -> None:
    """A void takes the call back, and not its units."""
    patch.setattr(rater.processor.call_voided, "reverse_call", lambda *given, **_: reverse_call(*given, uncounted=True))


def void_of_the_first_segment(patch: pytest.MonkeyPatch) -> None:
    """Every void takes its units out of the period's first segment."""
    patch.setattr(rater.processor.call_voided, "segment_of", lambda _usage, _start: 0)


def late_into_its_own_month(patch: pytest.MonkeyPatch) -> None:
    """A call of a closed period opens it again."""

    def own(scope: Any, tariffs: Any, key: bytes, account: Any, period: Any) -> Any:
        place = usage_key(AccountKey(key), period.name)
        return begin_period(scope.ledger(key, tariffs), account, period, period.start, place)

    patch.setattr(rater.processor.call_ended, "_open_late", own)


def ends_are_ignored(patch: pytest.MonkeyPatch) -> None:
    """A stretch without a plan goes on under the one before."""
    patch.setattr(
        rater.rating.charging,
        "plan_intervals",
        lambda *given: tuple(s for s in plan_intervals(*given) if s.plan is not None),
    )


def fees_of_the_first_month_only(patch: pytest.MonkeyPatch) -> None:
    """Ticks bring no fees."""

    def lived(account: Any, clock: Any, ledger: Any) -> Any:
        return live(account, clock._replace(now=-1), ledger)

    patch.setattr(rater.processor.due, "live", lived)


def fees_of_the_silent_forgotten(patch: pytest.MonkeyPatch) -> None:
    """Closing happens before the fees that are due."""
    patch.setattr(
        rater.rating.lifecycle, "charge_due_fees", lambda account, *_: Begun(replace(account, next_fee=None), ())
    )


def discounts_get_lost(patch: pytest.MonkeyPatch) -> None:
    """A plan is read without its discount."""
    patch.setattr(
        rater.wire.tariff_book.PlanWords,
        "to_core",
        lambda words, name: replace(to_core(words, name), discount=Decimal(0)),
    )


def discounts_of_rounded_prices(patch: pytest.MonkeyPatch) -> None:
    """The price is rounded before its discount is taken off."""
    patch.setattr(rater.rating.usage, "list_price", lambda plan, counts: rounded(list_price(plan, counts), 2))


def whole_minimums(patch: pytest.MonkeyPatch) -> None:
    """A part of a period owes the whole minimum."""

    def whole(account: Any, segment: Any, plan_of: Any) -> Any:
        plan = plan_of_segment(account, segment, plan_of)
        minimum = plan_of_segment(account, segment._replace(days=0, of=0), plan_of).minimum
        return replace(plan, minimum=minimum)

    patch.setattr(rater.rating.settlement, "plan_of_segment", whole)


def minimums_beside_the_fee(patch: pytest.MonkeyPatch) -> None:
    """The fee does not count towards the minimum."""

    def short(plan: Any, owed: Any, precision: int) -> Any:
        return short_of_minimum(plan, owed - rounded(plan.fee, precision), precision)

    patch.setattr(rater.rating.settlement, "short_of_minimum", short)


def attempts_stay_when_a_call_is_taken_back(patch: pytest.MonkeyPatch) -> None:
    """A void does not give the attempt back."""

    def kept(counts: Any, less: Any) -> Any:
        return (*minus(counts, less)[:3], *counts[3:])

    patch.setattr(rater.rating.corrections, "minus", kept)


def guarantees_of_one_attempt_fewer(patch: pytest.MonkeyPatch) -> None:
    """One that is just held is not."""

    def below(guarantee: Any, segment: Any, precision: int) -> Any:
        counts = segment.counts
        return credit_of(guarantee, segment._replace(counts=(*counts[:4], max(0, counts[4] - 1))), precision)

    patch.setattr(rater.rating.settlement, "credit_of", below)


def attempts_of_the_old_plan_are_lost(patch: pytest.MonkeyPatch) -> None:
    """A late change of plan forgets what its guarantee is judged by."""
    patch.setattr(rater.rating.rerating, "OUTBOUND_ATTEMPTS", 0)


def silent_months_owe_no_minimum(patch: pytest.MonkeyPatch) -> None:
    """A period without a call or a fee is not known when it should close."""
    patch.setattr(
        rater.rating.fees,
        "charge_fee",
        lambda *given: None if (fee := charge_fee(*given)) is None or not fee.amount else fee,
    )


def all_agree_under_contracts() -> None:
    for seed in range(80):
        agrees(life(seed, plans=CONTRACTS))


@pytest.mark.parametrize(
    "bug",
    [
        *(discounts_get_lost, discounts_of_rounded_prices),
        *(whole_minimums, minimums_beside_the_fee, silent_months_owe_no_minimum),
        *(attempts_stay_when_a_call_is_taken_back, guarantees_of_one_attempt_fewer, attempts_of_the_old_plan_are_lost),
    ],
)
def test_the_model_catches_a_planted_bug_of_contracts(bug: Bug, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the bug in the rules of discounts and minimums the model and the rater part ways."""
    bug(monkeypatch)
    with pytest.raises(AssertionError):
        all_agree_under_contracts()


def all_agree() -> None:
    for seed in SEEDS:
        agrees(life(seed))


BUGS: tuple[Bug, ...] = (
    no_days,
    allowance_rounded_down,
    late_is_not_rated_again,
    void_keeps_the_money,
    void_of_the_first_segment,
    late_into_its_own_month,
    ends_are_ignored,
    fees_of_the_first_month_only,
    fees_of_the_silent_forgotten,
)


@pytest.mark.parametrize("bug", BUGS)
def test_the_model_catches_a_planted_bug(bug: Bug, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the bug in the rules the model and the rater part ways."""
    bug(monkeypatch)
    with pytest.raises(AssertionError):
        all_agree()
