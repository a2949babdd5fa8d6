"""`rater classes affected`: the calls that a mended prefix would have classed otherwise."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from rater.tools import rate_file
from tests.support.command import Rater
from tests.support.logs import START, Event, book, call, published, subscribed

PLANS: Event = {"p": {"minutes": {"rate": "0.18", "by_class": {"mobile": {"rate": "0.25"}}}}}


def words(prefix: str, version: int = 1) -> Event:
    classes = [
        {"name": "night", "numbers": ["mobile"], "hours": ["Mon-Sun 22:00-06:00"], "within": "mobile"},
        {"name": "mobile", "numbers": ["mobile"]},
        {"name": "b", "labels": {"route": ["b"]}},
    ]
    return book(PLANS, version=version, prefixes={"mobile": [prefix]}, classes=classes)


def to(number: int, callee: str, hours: int = 0, **said: object) -> Event:
    return call("A", number, 60, START + timedelta(minutes=number, hours=hours), callee=callee, **said)


@pytest.fixture
def log() -> Path:
    """Calls to 135 and 136 by a book that has 135 alone for mobile; one of them voided, one unanswered."""
    events = [
        published(words("+86135")),
        subscribed("A", "p"),
        *(to(1, "+8613500000000"), to(2, "+8613600000000"), to(3, "+8613600000001"), to(4, "+861000000000")),
        *(to(5, "+8613600000002", 14), to(6, "+8613600000003", labels={"route": "b"}), to(2, "+8613600000000")),
        call("A", 7, None, START, callee="+8613600000004"),
        {"type": "call-voided/1", "account": "A", "source": "pbx-1", "call_id": "c-3", "reason": "test"},
    ]
    path = Path("log.jsonl")
    path.write_text("".join(json.dumps(event) + "\n" for event in events))
    Path("right.yaml").write_text(json.dumps(words("+8613", 2)))
    Path("same.yaml").write_text(json.dumps(words("+86135", 2)))
    return path


def test_it_lists_each_call_once_with_both_classes(rater: Rater, log: Path) -> None:
    """Not the voided one, and not those that stay what they were; by the account's clock and the call's labels."""
    found = json.loads(rater("classes", "affected", log, "--tariffs", "right.yaml", "--json").stdout)
    assert [(one["call_id"], one["was"], one["would_be"], one["amount"]) for one in found] == [
        ("c-2", "other", "mobile", "0.18"),
        ("c-5", "other", "night", "0.18"),
        ("c-6", "b", "mobile", "0.18"),
        ("c-7", "other", "mobile", "0.00"),
    ]
    assert found[0]["charge_id"] == "A:2026-11:2"
    table = rater("classes", "affected", log, "--tariffs", "right.yaml").stdout
    assert "c-5 of pbx-1" in table
    csv = rater("classes", "affected", log, "--tariffs", "right.yaml", "--csv").stdout.splitlines()
    assert (csv[0].split(",")[2], len(csv)) == ("call_id", 5)


def test_calls_at_the_edges_of_batches_are_there(rater: Rater, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However the lines are folded together."""
    known = json.loads(rater("classes", "affected", log, "--tariffs", "right.yaml", "--json").stdout)
    for size in (1, 2, 3, 5):
        monkeypatch.setattr(rate_file, "BATCH", size)
        assert json.loads(rater("classes", "affected", log, "--tariffs", "right.yaml", "--json").stdout) == known


def test_nothing_to_list_and_no_book_say_so(rater: Rater, log: Path) -> None:
    """A book with the same classes; a log without a book."""
    assert "as they were" in rater("classes", "affected", log, "--tariffs", "same.yaml").stdout
    Path("bare.jsonl").write_text(json.dumps(to(1, "+8613500000000")) + "\n")
    result = rater("classes", "affected", "bare.jsonl", "--tariffs", "right.yaml")
    assert (result.exit_code, "brings no tariff book" in result.stderr) == (2, True)
