"""`rater statement`, `explain`, `advise` and `connect-rate` on a file of charges."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rater.readmodel.statement import summed
from rater.readmodel.store import Money
from rater.wire.shipped import shipped_book
from tests.cli.test_rate import bare, call, subscribed
from tests.laws.lives import life
from tests.support.command import Rater
from tests.support.logs import Log

PLANS = tuple(shipped_book().plans)
MONTHS = ("2026-05", "2026-06", "2026-07", "2026-08", "2026-09", "2026-10")

Volume = tuple[int, int]
"""Connected calls of a month, and the minutes of each."""

ACCOUNTS: dict[str, tuple[str, str, tuple[Volume, ...]]] = {
    # account: (the plan it is on, the plan that fits, its months)
    "light": ("package-basic", "per-minute", ((20, 3), (22, 3), (19, 3), (21, 3), (20, 3), (20, 3))),
    "heavy": ("per-minute", "package-premium", ((400, 10), (410, 10), (395, 10), (400, 11), (405, 10), (400, 10))),
    "swings": ("hybrid-200", "per-call", ((10, 40), (120, 40), (15, 40), (300, 40), (12, 40), (9, 40))),
}


def months_of(account: str, volumes: tuple[Volume, ...]) -> list[dict[str, Any]]:
    """The account's calls, and one of the month after, which shows that they are over."""
    events = []
    for month, (calls, minutes) in zip(MONTHS, volumes, strict=True):
        events += [moved(call(account, number, minutes), month) for number in range(calls)]
        events += [moved(call(account, 1000 + n, None), month) for n in range(calls // 4)]
    return [*events, moved(call(account, 999, 1), "2026-11")]


def moved(event: dict[str, Any], month: str) -> dict[str, Any]:
    """The same call in another month."""
    at = {
        name: event[name].replace("2026-11", month) for name in ("started_at", "answered_at", "ended_at") if event[name]
    }
    return {**event, **at, "call_id": f"{month}-{event['call_id']}"}


def rated(rater: Rater, account: str, plan: str) -> None:
    """The account's months under a plan, as `rater rate` has them, in charges.jsonl."""
    start = {"from": "2026-05-01T00:00:00+08:00"}
    events = bare({**subscribed(account, plan), **start}, *months_of(account, ACCOUNTS[account][2]))
    Path("events.jsonl").write_text(events)
    result = rater("rate", "events.jsonl", "--out", "charges.jsonl")
    assert result.exit_code == 0, result.output


def totals() -> list[str]:
    """What the months in charges.jsonl came to."""
    found: dict[str, str] = {}
    for line in Path("charges.jsonl").read_text().splitlines():
        charge = json.loads(line)
        found[charge["period"]] = charge["period_total"]
    return [found[month] for month in MONTHS]


def answer(rater: Rater, verb: str, *words: object) -> Any:
    result = rater(verb, *words, "--charges", "charges.jsonl", "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.mark.parametrize("account", ACCOUNTS)
def test_advice_is_what_rating_under_every_plan_says(rater: Rater, account: str) -> None:
    """A light, a heavy and a fluctuating account get three answers; each figure is `rater rate`'s, to the cent."""
    plan, best, _ = ACCOUNTS[account]
    expected = {}
    for other in PLANS:
        rated(rater, account, other)
        expected[other] = totals()
    rated(rater, account, plan)
    advice = answer(rater, "advise", account)
    assert {offer["plan"]: offer["costs"] for offer in advice["offers"]} == expected
    sums = {name: sum(map(Decimal, costs)) for name, costs in expected.items()}
    assert (advice["best"], advice["current"]) == (best, plan)
    assert advice["best"] == min(sums, key=lambda name: sums[name])
    assert [month["paid"] for month in advice["months"]] == expected[plan]
    assert Decimal(advice["too_much"]) == sums[plan] - sums[best]
    assert advice["swings"] == (account == "swings")
    assert (advice["protection"] is not None) == (account == "swings")


def test_a_fluctuating_account_is_told_what_protects_it(rater: Rater) -> None:
    """The package caps the worst month, the hybrid saves in the quietest; with the money."""
    rated(rater, "swings", "hybrid-200")
    advice = answer(rater, "advise", "swings")
    costs = {offer["plan"]: [Decimal(cost) for cost in offer["costs"]] for offer in advice["offers"]}
    guard = advice["protection"]
    assert (guard["package"], guard["package_worst"]) == ("package-premium", "500.00")
    hybrid = guard["hybrid"]
    assert Decimal(guard["caps"]) == max(costs[hybrid]) - 500
    saved = [ours - theirs for ours, theirs in zip(costs["package-premium"], costs[hybrid], strict=True)]
    assert (Decimal(guard["saves"]), guard["saves_in"]) == (max(saved), MONTHS[saved.index(max(saved))])
    said = rater("advise", "swings", "--charges", "charges.jsonl").stdout
    flat = " ".join(said.split())
    assert "per-call is the cheapest over 6 months" in flat
    assert f"package-premium caps the bad month at 500.00; {hybrid} came to" in flat
    assert f"in {guard['saves_in']} it costs {guard['saves']} less" in flat


def test_a_running_month_is_no_guide(rater: Rater) -> None:
    """Until another follows or it is closed."""
    Path("events.jsonl").write_text(bare(subscribed("A", "per-call"), call("A", 1, 3)))
    rater("rate", "events.jsonl", "--out", "charges.jsonl")
    advice = answer(rater, "advise", "A")
    assert (advice["months"], advice["best"]) == ([], None)
    assert "nothing to compare" in rater("advise", "A", "--charges", "charges.jsonl").stdout


def test_connect_rates_are_judged(rater: Rater) -> None:
    """400 of 500 outbound calls are reasonable; a few are not judged."""
    rated(rater, "heavy", "per-minute")
    periods = answer(rater, "connect-rate", "heavy")["periods"]
    assert [one["period"] for one in periods] == ["2026-11", *reversed(MONTHS)]
    assert (periods[0]["attempts"], periods[0]["verdict"]) == (1, "too-few")
    first = periods[-1]
    assert (first["attempts"], first["connected"], first["rate"]) == (500, 400, "0.800000")
    assert (first["verdict"], first["band"]) == ("within", ["0.70", "0.90"])
    assert "80.0 %" in rater("connect-rate", "heavy", "--charges", "charges.jsonl").stdout


def test_a_statement_sums_to_the_total(rater: Rater) -> None:
    """Minutes that were re-priced stand at the rate that they cost in the end; JSON, CSV and HTML have every charge."""
    events = [subscribed("A", "per-minute"), *(call("A", n, 7) for n in range(20)), call("A", 90, None)]
    Path("events.jsonl").write_text(bare(*events))
    rater("rate", "events.jsonl", "--out", "charges.jsonl")
    found = answer(rater, "statement", "A", "2026-11")
    (line,) = found["lines"]
    assert (line["meter"], line["billable"], line["rate"], line["amount"]) == ("minutes", "140", "0.16", "22.40")
    assert (found["period"]["total"], len(found["charges"])) == ("22.40", 21)
    rows = list(
        csv.DictReader(io.StringIO(rater("statement", "A", "2026-11", "--charges", "charges.jsonl", "--csv").stdout))
    )
    assert sum(Decimal(row["amount"]) for row in rows) == Decimal("22.40")
    assert rows[0]["call_id"] == "c-0"
    rater("statement", "A", "2026-11", "--charges", "charges.jsonl", "--html", "page.html")
    assert Path("page.html").read_text().count("<tr") == 1 + 1 + 1 + 3, "head, line, total; its parts apart"
    rater("statement", "A", "2026-11", "--charges", "charges.jsonl", "--html", "annex.html", "--annex")
    assert Path("annex.html").read_text().count("<tr") == 1 + 21
    assert "22.40" in rater("statement", "A", "2026-11", "--charges", "charges.jsonl", "--items").stdout


def test_a_page_escapes_what_came_from_outside(rater: Rater) -> None:
    """A reason is somebody's words."""
    credit = {"type": "account-adjusted/1", "account": "A", "adjustment_id": "a", "amount": "-1.00", "reason": "<b>x"}
    Path("events.jsonl").write_text(bare(subscribed("A", "hybrid-200"), credit))
    rater("rate", "events.jsonl", "--out", "charges.jsonl")
    rater("statement", "A", "2026-11", "--charges", "charges.jsonl", "--html", "page.html")
    page = Path("page.html").read_text()
    assert "&lt;b&gt;x" in page
    assert "<b>x" not in page


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 10_000))
def test_the_lines_of_any_life_sum_to_its_totals(seed: int) -> None:
    """Plan changes, voids across bands, credits, re-rating: each line is its units at its rate, and they sum."""
    log = Log(publish=False)
    for told in life(seed, 80):
        log.add(told.event, timestamp=int(told.stamp.timestamp() * 1000))
    charges = [charge for charge in log.charges if charge["type"] == "charge/1"]
    money = Money("CNY", 2)
    for key, count in Counter((charge["account"], charge["period"]) for charge in charges).items():
        ours = [charge for charge in charges if (charge["account"], charge["period"]) == key]
        total = Decimal(ours[-1]["period_total"])
        lines = summed(ours, money, total)
        assert sum((Decimal(line.amount) for line in lines), Decimal(0)) == total
        assert all(not line.billable.startswith("-") for line in lines if line.meter != "fee"), key
        off = sum((abs(Decimal(line.amount)) for line in lines if line.meter == "rounding"), Decimal(0))
        assert off <= Decimal("0.02") * len(lines), f"{key}: {count} charges, {lines}"


def test_a_charge_is_explained(rater: Rater) -> None:
    """The 50th minute, which re-prices 49."""
    Path("events.jsonl").write_text(bare(subscribed("A", "per-minute"), call("A", 1, 49), call("A", 20, 1)))
    rater("rate", "events.jsonl", "--out", "charges.jsonl")
    said = rater("explain", "A:2026-11:2", "--charges", "charges.jsonl").stdout
    assert "49 earlier min re-priced from 0.20 to 0.18" in said
    assert "-0.98" in said
    assert "-0.80 CNY" in said
    assert answer(rater, "explain", "A:2026-11:2")["amount"] == "-0.80"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("explain", "A:2026-11:9"), "there is no charge A:2026-11:9"),
        (("explain", "nonsense"), "there is no charge nonsense"),
        (("statement", "A", "2026-12"), "A has 2026-11"),
        (("statement", "B", "2026-11"), "nothing was ever charged to B"),
        (("advise", "B"), "nothing was ever charged to B"),
        (("connect-rate", "B"), "nothing was ever charged to B"),
    ],
)
def test_what_is_not_there_is_told(rater: Rater, words: tuple[str, ...], says: str) -> None:
    """With exit status 1, and what there is."""
    Path("events.jsonl").write_text(bare(subscribed("A", "per-minute"), call("A", 1, 1)))
    rater("rate", "events.jsonl", "--out", "charges.jsonl")
    result = rater(*words, "--charges", "charges.jsonl")
    assert result.exit_code == 1
    assert says in result.output


def test_a_file_that_is_none_names_its_line(rater: Rater) -> None:
    """And what makes one."""
    Path("charges.jsonl").write_text('{"type": "alert/1"}\n')
    result = rater("advise", "A", "--charges", "charges.jsonl")
    assert "line 1" in str(result.exception)
