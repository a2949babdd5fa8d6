"""Each account of tests/worked by the commands that a stranger types: `rater rate`, then `rater statement`.

A folder has its events, its book (without one they bring it, or it is examples/call-centre.yaml), and what is due.
"""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import Rater

HERE = Path(__file__).resolve().parents[1] / "worked"
EXAMPLES = HERE.parents[1] / "examples" / "call-centre.yaml"
CASES = sorted(folder.name for folder in HERE.iterdir() if (folder / "events.jsonl").exists())


def of(case: str) -> tuple[Path, tuple[str, ...], dict[str, Any]]:
    """The events, the words that name their book, and what is due."""
    folder = HERE / case
    events, book = folder / "events.jsonl", folder / "book.yaml"
    due: dict[str, Any] = json.loads((folder / "due.json").read_text())
    if "tariffs-published/1" in events.read_text():
        return events, (), due
    return events, ("--tariffs", str(book if book.exists() else EXAMPLES)), due


@pytest.mark.parametrize("case", CASES)
def test_what_is_due_is_charged_and_told_line_by_line(rater: Rater, case: str) -> None:
    """The charges that are no calls', the statement's lines, and that these sum to the total."""
    events, book, due = of(case)
    rater("rate", str(events), *book, "--out", "charges.jsonl")
    charges = [json.loads(line) for line in Path("charges.jsonl").read_text().splitlines()]
    told = [(one["kind"], one["amount"]) for one in charges if one.get("kind", "usage") != "usage"]
    assert told == [tuple(charge) for charge in due["charges"]]
    words = ("statement", "A", due["period"], "--charges", "charges.jsonl", *book, "--json")
    found = json.loads(rater(*words).stdout)
    lines = [[line[name] for name in due["columns"]] for line in found["lines"]]
    assert lines == due["lines"]
    assert found["period"]["total"] == due["total"]
    assert sum(Decimal(line["amount"]) for line in found["lines"]) == Decimal(due["total"])


@pytest.mark.parametrize("case", CASES)
def test_each_line_is_what_its_own_figures_come_to(rater: Rater, case: str) -> None:
    """For somebody who has only the statement: billed x rate, by days of the month, to the cent."""
    _, book, due = of(case)
    for line in due["lines"]:
        said = dict(zip(due["columns"], line, strict=True))
        if said["rate"] is not None:
            share = Decimal(said["days"]) / said["of"] if said["of"] else Decimal(1)
            assert abs(Decimal(said["billable"]) * Decimal(said["rate"]) * share - Decimal(said["amount"])) <= Decimal(
                "0.005"
            )
    assert rater("tariffs", "check", *book[1:]).exit_code == 0


def test_every_plan_of_the_examples_is_worked() -> None:
    """A plan that nobody is on proves nothing."""
    named = {json.loads(line).get("plan") for case in CASES for line in of(case)[0].read_text().splitlines()}
    assert {
        "team-20",
        "team-50",
        "outbound",
        "dialler",
        "campaign",
        "bundle-300",
        "centre-20",
        "centre-40",
        "service-desk",
        "by-destination",
        "support-line",
        "pay-as-you-go",
    } <= named
