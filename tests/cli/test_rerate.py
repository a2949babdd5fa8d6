"""`rater rerate`: another book's difference for each account is that of two ratings."""

from __future__ import annotations

import csv
import io
import json
from decimal import Decimal
from pathlib import Path

import pytest

from rater.wire.shipped import shipped_book
from tests.cli.test_rate import call, subscribed
from tests.support.command import Rater

SHIPPED = Path(__file__).parents[2] / "rater" / "wire" / "shipped.yaml"
EVENTS = [
    subscribed("A", "per-minute"),
    subscribed("B", "hybrid-200"),
    subscribed("C", "package-premium"),
    *(call(account, number, 7) for account in "ABC" for number in range(12)),
]


@pytest.fixture
def files() -> tuple[Path, Path]:
    """Bare events, and a book in which the third minute price and a call price are others."""
    events, other = Path("events.jsonl"), Path("other.yaml")
    events.write_text("".join(json.dumps(event) + "\n" for event in EVENTS))
    text = SHIPPED.read_text()
    assert text.count('"2.50"') == 1
    other.write_text(text.replace('"2.50"', '"2.40"'))
    return events, other


def totals(rater: Rater, *words: object) -> dict[str, Decimal]:
    result = rater("rate", "events.jsonl", "--summary", "--json", *words)
    assert result.exit_code == 0, result.output
    return {name: Decimal(one["total"]) for name, one in json.loads(result.stdout)["accounts"].items()}


def test_it_is_the_difference_of_two_ratings(rater: Rater, files: tuple[Path, Path]) -> None:
    """Account by account, and in total: 12 connected calls at 0.10 less."""
    was, would = totals(rater), totals(rater, "--tariffs", files[1])
    said = json.loads(rater("rerate", files[0], "--tariffs", files[1], "--json").stdout)
    assert {one["account"]: Decimal(one["change"]) for one in said["accounts"]} == {
        name: would[name] - was[name] for name in was
    }
    assert (said["total"], [one["change"] for one in said["accounts"]]) == ("-1.20", ["0.00", "-1.20", "0.00"])


def test_it_prints_tables_of_two_kinds(rater: Rater, files: tuple[Path, Path]) -> None:
    """CSV with every account, and a table with those that change most first."""
    rows = list(csv.DictReader(io.StringIO(rater("rerate", files[0], "--tariffs", files[1], "--csv").stdout)))
    assert [(row["account"], row["change"]) for row in rows] == [("A", "0.00"), ("B", "-1.20"), ("C", "0.00")]
    table = rater("rerate", files[0], "--tariffs", files[1]).stdout
    assert table.index("-1.20") < table.index("A ")
    assert "3 accounts" in table


def test_books_in_the_log_are_replaced(rater: Rater, files: tuple[Path, Path]) -> None:
    """A log that publishes its own books, twice, is rated under the other one alone."""
    published = {"type": "tariffs-published/1", "book": json.loads(shipped_book().model_dump_json(exclude_unset=True))}
    Path("own.jsonl").write_text("".join(json.dumps(event) + "\n" for event in [published, *EVENTS, published]))
    said = json.loads(rater("rerate", "own.jsonl", "--tariffs", files[1], "--json").stdout)
    assert said["total"] == "-1.20"
    assert said["outcomes"] == said["outcomes_under_the_other_book"]


def test_the_same_book_changes_nothing(rater: Rater, files: tuple[Path, Path]) -> None:
    """To the cent."""
    assert json.loads(rater("rerate", files[0], "--tariffs", SHIPPED, "--json").stdout)["total"] == "0.00"
