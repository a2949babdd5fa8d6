"""The law of common calls: whatever the log and its batches, the short way and the general rules put out the same."""

from __future__ import annotations

import inspect
import os
import sys
import textwrap
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from rater.processor import common_call, common_context, common_prices
from rater.processor.common_call import CommonCalls
from rater.processor.common_opening import Openings
from rater.seam.model import LogRecord
from tests.laws.common import lives, mixed, same
from tests.laws.life_plans import CLASSED, CLASSES, NUMBERS
from tests.support.logs import STAMP, START, Event, book, call, published, record, subscribed, tick

CALLS = int(os.environ.get("RATER_TEST_COMMON_CALLS", "20000"))


@pytest.mark.parametrize("first", range(0, 120, 20))
def test_over_generated_lives(first: int) -> None:
    """Tame and wild ones, in batches of 1 to 9 records."""
    taken = sum(same(log, seed)["common"] for seed, log in lives(range(first, first + 20)))
    assert taken > 100


def test_over_calls_of_mixed_plans() -> None:
    """Per second, graduated, volume, attempts, prorated, capped, negotiated; equal numbers written differently."""
    found = same(mixed(1, CALLS), 1, 500, spend=False)
    assert found["common"] > found["general"] * 4


def test_in_single_records_and_in_one_batch() -> None:
    """The smallest batches, where contexts live on from batch to batch, and the largest."""
    log = mixed(2, 1_500)
    small, large = same(log, 2, 1), same(log, 2, len(log) * 2)
    assert small["common"] > 1_000
    assert large["common"] > 1_000


def written(*events: Event, timestamp: int = STAMP) -> list[LogRecord]:
    return [record(offset, event, timestamp) for offset, event in enumerate(events)]


PLAN: Event = {"calls": {"rate": "1.00"}}


def odd_keys_and_times() -> list[LogRecord]:
    """Known accounts, and values that only their key or their time tells from common calls."""
    log = written(published(book({"a": PLAN}, default_plan="a")), call("A", 1), call("A", 2))
    early = record(4, call("A", 3), timestamp=int(START.timestamp() * 1000) - 3_600_000)
    other = record(3, call("B", 4))._replace(key=b"A")
    names = ("", "A B", "a\n", "\u00e9", "x" * 65, "x" * 64, "_")
    nobody = [record(7 + n, call(name, n)) for n, name in enumerate(names)]
    return [*log, other, early, record(5, call("A", 5) | {"source": "pbx-2"}), record(6, call("A", 5)), *nobody]


def exponents() -> list[LogRecord]:
    """Amounts so small that Decimal writes them with an exponent, and a total below zero."""
    words = book({"a": {"minutes": {"rate": "0.000000001"}}}, default_plan="a", precision=9)
    credit = {"type": "account-adjusted/1", "account": "A", "adjustment_id": "a-1", "amount": "-5.00", "reason": "x"}
    calls = [call("A", n, 60 if n % 2 else None) for n in range(6)]
    return written(published(words), *calls[:3], credit, *calls[3:])


def plans_that_change() -> list[LogRecord]:
    """Calls before and after a change of plan and its end, in turn; a cap that comes without another plan."""
    daily = {"proration": "daily"}
    words = book({"n": PLAN, "a": PLAN | daily, "b": {"minutes": {"rate": "0.30"}} | daily})
    changes = [
        subscribed("A", "a"),
        subscribed("A", "b", "2026-11-04T12:00:00+08:00", subscription_id="s-2"),
        subscribed("A", None, "2026-11-05T18:00:00+08:00", subscription_id="s-3"),
        subscribed("C", "n"),
    ]
    calls = [call("A", n, 61, START + timedelta(hours=n * 29 % 72)) for n in range(24)]
    capped = subscribed("C", "n", "2026-11-02T00:00:00+08:00", subscription_id="c-2", spend_cap="3.00")
    more = [call("C", n) for n in range(6)]
    return written(published(words), *changes, *calls, *more[:2], capped, *more[2:])


def work_that_is_left() -> list[LogRecord]:
    """Ticks that may make one change each: fees are due and periods are to be closed while calls go on."""
    words = book({"a": {"fee": "5.00"} | PLAN}, close_after="1d")
    names = ("A", "B", "C", "D")
    events = [published(words), *(subscribed(name, "a", time_zone="UTC") for name in names)]
    at = datetime(2026, 11, 28, tzinfo=UTC)
    for day in range(12):
        events += [call(name, f"{day}-{back}", 60, at + timedelta(days=back)) for name in names for back in (-5, day)]
        events.append(tick((at + timedelta(days=day + 1)).isoformat(), changes=1))
    return written(*events)


def periods_that_open() -> list[LogRecord]:
    """New accounts in several months, some late or forgotten; months of known ones, with a plan or without."""
    meters = {"minutes": {"allowance": 5, "rate": "0.30"}}
    words = book(
        {"a": meters, "b": meters | {"proration": "daily"}, "c": {"fee": "9.00"} | PLAN},
        default_plan="a", close_after="2d", remember="20d",
    )  # fmt: skip
    plans = {"B": "b", "C": "c", "D": "b"}
    events = [published(words), *(subscribed(name, plan, "2026-11-20T10:00:00+08:00") for name, plan in plans.items())]
    at = datetime(2026, 11, 24, tzinfo=UTC)
    for week in range(14):
        now = at + timedelta(days=7 * week)
        names = [*"ABCDE", *(f"new-{week}-{n}" for n in range(4)), f"new-{max(0, week - 3)}-0"]
        starts = [now + timedelta(days=back) for back in (0, -24, -1, -9, -40, 6, 5)]
        events += [
            call(name, f"{week}-{n}-{name}", 61 + 180 * (n % 3), start)
            for n, start in enumerate(starts) for name in names[n % 4 :: 2]
        ]  # fmt: skip
        if week in {3, 8}:
            events.append(
                subscribed(
                    "D", "b", (now + timedelta(days=1)).isoformat(), subscription_id=f"d-{week}", spend_cap="2.00"
                )
            )
        events.append(tick(now.isoformat(), changes=30 if week % 4 else 3))
    return written(*events, timestamp=int((at + timedelta(days=400)).timestamp() * 1000))


def classes_of_calls() -> list[LogRecord]:
    """Calls that differ in nothing but their class, in two zones, under plans that name other classes."""
    events = [published(book(CLASSED, default_plan="by-hour", **CLASSES))]
    events += [subscribed("A", "by-class"), subscribed("B", "by-class", time_zone="America/New_York")]
    events += [
        call("ABC"[n % 3], n, 61, START + timedelta(minutes=397 * n), direction=direction)
        | {"caller": NUMBERS[n % 5], "callee": NUMBERS[n % 7]}
        for n, direction in enumerate(["outbound", "inbound", "outbound"] * 20)
    ]
    return written(*events)


SIZES = [(1, 1), (1, 100), *((seed, 3) for seed in range(6))]
"""Seeds and the most records of a batch."""

ODD: tuple[Callable[[], list[LogRecord]], ...] = (
    odd_keys_and_times,
    exponents,
    plans_that_change,
    work_that_is_left,
    periods_that_open,
    classes_of_calls,
)


@pytest.mark.parametrize("log", ODD)
def test_over_odd_logs(log: Callable[[], list[LogRecord]]) -> None:
    """What no generator writes."""
    for seed, most in SIZES:
        same(log(), seed, most)
    same(log(), 1, 9, partitions=2)


RATE, NOTE, HOLDS, DERIVED = CommonCalls.rate, CommonCalls._note, CommonCalls._holds, common_context.derived
MISTAKES: dict[str, tuple[Callable[..., object], str, str]] = {
    "a record without a key may be one": (RATE, "key != words.account.encode()", "False"),
    "a call may end in the future": (RATE, "or ended > timestamp * 1000 + TOLERANCE", ""),
    "a repetition in the batch is charged": (RATE, "identity in self._new_calls or", ""),
    "a repetition of an earlier batch is charged": (RATE, " or identity in self._known_calls", ""),
    "the source is no part of the identity": (RATE, "{source}\\x1f", ""),
    "a context serves calls of any time": (RATE, "or not context.begins <= started < context.ends", ""),
    "a context is never looked at again": (RATE, "context.since is not self._span", "False"),
    "half a second is cut": (RATE, "+ 500_000", ""),
    "the unanswered are all free": (RATE, "if not is_connected and more == context.plan.zero", "if not is_connected"),
    "what goes over an edge is kept": (RATE, "if not crosses:", "if True:"),
    "what was kept serves over an edge": (
        RATE,
        "None if crosses else context.priced.get(more)",
        "context.priced.get(more)",
    ),
    "an alert is passed over": (RATE, "alerts_due = any(", "alerts_due = False and any("),
    "no alert comes of opening a period": (RATE, "alerts_due = any(", "alerts_due = not context.opens and any("),
    "what opens a period is not kept": (RATE, "if alerts_due or context.opens:", "if alerts_due:"),
    "a period is opened again and again": (NOTE, "after.opens = row, False", "after.opens = row, context.opens"),
    "an account has its row whatever is opened": (NOTE, "self._new_accounts if context.opens else {}", "{}"),
    "an alert is not remembered": (NOTE, 'cast("Usage", changes[0][2]) if changes else row', "row"),
    "an alert is of the record's time": (NOTE, "{place: row}, ended)", "{place: row}, record.timestamp * 1000)"),
    "a context is new for all": (common_context.context_for, "if account is None else None", ""),
    "a fee that is due is left out": (common_context.context_for, "scope.clock.past(account)", "False"),
    "a new account is anybody's": (Openings.opening, "partition_of(key, scope.partitions) != scope.partition", "False"),
    "any key is an account": (Openings.opening, "is_account(key) is None or ", ""),
    "a closed period opens again": (Openings._opening, "period.end <= scope.clock.closed", "False"),
    "nobody hears of what is due": (Openings._opening, "soonest is None or at < soonest", "False"),
    "all periods are the account's first": (Openings._opening, "after = with_period(account, row)", "after = account"),
    "every account is without a history": (Openings._row, "if account.history:", "if False:"),
    "openings outlive their span": (common_context.Contexts.begin_span, "self.new: dict[Period, Context] = {}", "pass"),
    "edges are passed over": (RATE, "if after[slot] > limit:", "if False:"),
    "the rounded are cut": (
        RATE,
        "((price + known.price) * self._half_up + SCALE)",
        "((price + known.price) * self._half_up)",
    ),
    "amounts are rounded by themselves": (RATE, "for slot, slope in context.slopes:", "for slot, slope in ():"),
    "a spend cap is passed over": (RATE, "if context.cap is not None and", "if False and context.cap is not None and"),
    "a cap is reached when it is passed": (RATE, "total_after >= context.cap", "total_after > context.cap"),
    "allowances left are those of before": (RATE, "left_of(context, after)", "left_of(context, counts)"),
    "every call is an attempt": (RATE, 'if direction == "outbound":', "if True:"),
    "no attempt is connected": (RATE, "connected += is_connected", "connected += 0"),
    "only the first segment is counted": (RATE, "segments[context.index]", "segments[0]"),
    "what follows a segment is lost": (RATE, "segment, *segments[at + 1 :]", "segment"),
    "texts are never escaped": (RATE, "if as_is:", "if True:"),
    "milliseconds of the record are dropped": (RATE, "time_header(timestamp)", "time_header(timestamp // 1000 * 1000)"),
    "amounts may have exponents": (RATE, 'if "E" in total_text or total_text[0] == "-":', "if False:"),
    "an account's row is not looked at": (
        CommonCalls._holds,
        "self._known_accounts.get(key) is context.account",
        "True",
    ),
    "a new row of the account is not looked at": (HOLDS, "key not in self._new_accounts", "True"),
    "the usage's row is not looked at": (HOLDS, " is context.row", " is not None"),
    "a fee that is due waits": (HOLDS, "context.fee_at > self._clock.now", "True"),
    "a period may close behind it": (HOLDS, "context.closes_at > self._clock.closed", "True"),
    "time passes unseen": (CommonCalls.look_again_at, "self._all.begin_span()", "pass"),
    "general rules pass unseen": (CommonCalls.look_again_at, "context.since = None", "pass"),
    "a context serves its first call anyhow": (DERIVED, "not context.begins <= started < context.ends", "False"),
    "plans do not end": (common_context._bounds, "if segment.until:", "if False:"),
    "the next segment waits": (
        common_context._bounds,
        "if index + 1 < len(row.segments) else row.end",
        "if False else row.end",
    ),
    "the cap is that of the period's start": (common_context.lowest_cap, "(row.start, *changes)", "(row.start,)"),
    "80 % comes late": (common_context._alert_at, "-(-whole * 4 // 5)", "whole"),
    "100 % is passed over": (common_context._alert_at, "return whole if", "return ENDLESS if"),
    "prices are alike beyond their band": (common_prices.stand, "min(until, alert_at - 1)", "alert_at - 1"),
    "all stretches are one": (common_prices.stand, '("priced", *stretches)', '("priced",)'),
    "what is left stays": (common_prices.stand, "None if changes else", ""),
    "all amounts are exact": (common_prices.keep, "% SCALE == 0", ">= 0"),
    "an unlimited allowance runs out": (common_prices.left_of, '"unlimited" if whole == ENDLESS else ', ""),
    "classes are not looked at": (RATE, "if self._classes is not None:", "if False:"),
    "hours are those of one zone": (RATE, "context.account.calendar\n", 'Calendar("UTC")\n'),
    "a class is not told": (RATE, "more[MINUTES.slot], shown\n        )", "more[MINUTES.slot]\n        )"),
    "a class is not remembered": (RATE, 'false,"{shown}"]', "false]"),
    "outer classes are forgotten": (RATE, "self._classes.chain(shown)", "(shown,)"),
    "all classes count alike": (RATE, "(direction, is_connected, talk, call_class), call_class", "kind, call_class"),
    "kinds of calls are one": (
        common_prices.counted,
        "context.counted[kind] = context.plan.count(call)",
        "context.counted[kind] = NO_COUNTS",
    ),
}
"""Mistakes that somebody could make in the short way: a piece of its source, and what stands there instead."""


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_the_short_way_is_caught(mistake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The law fails with each of them, so it can fail."""
    function, piece, instead = MISTAKES[mistake]
    source = textwrap.dedent(inspect.getsource(function))
    assert source.count(piece) == 1, f"{piece!r} stands {source.count(piece)} times"
    made: dict[str, Callable[..., object]] = {}
    exec(source.replace(piece, instead), vars(sys.modules[function.__module__]), made)  # noqa: S102
    name = function.__name__
    for owner in (CommonCalls, common_call, common_context, common_prices, Openings, common_context.Contexts):
        if vars(owner).get(name) is function:
            monkeypatch.setattr(owner, name, made[name])

    def law() -> None:
        same(mixed(1, 500), 1, 60)
        for odd in ODD:
            for sizes in SIZES:
                same(odd(), *sizes)
            same(odd(), 1, 9, partitions=2)
        same(mixed(2, 1_200), 2, 60)
        for seed, log in lives(range(60)):
            same(log, seed)

    with pytest.raises(AssertionError):
        law()
