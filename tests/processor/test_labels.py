"""Labels of calls: in the charge, in what is remembered, in classes, and in connect rates."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from rater.processor.rows import CALLS, decode_call, labels_hash
from rater.processor.step import make_step
from rater.readmodel.part_rates import of_period, rates_by
from rater.wire.results import RESULTS
from rater.wire.tariff_file import load_book
from tests.console.readmodel import opened
from tests.support.logs import START, Event, Log, book, call, published, subscribed

ROUTES: Event = {
    "classes": [
        {"name": "route-b", "labels": {"route": ["ct-2", "ct-3"]}},
        {"name": "vip", "labels": {"queue": ["vip"], "route": ["ct-1"]}},
    ]
}
PLAN: Event = {
    "meters": [
        {"name": "route-b", "unit": "minutes", "classes": ["route-b"], "rate": "0.50"},
        {"name": "vip", "unit": "minutes", "classes": ["vip"], "rate": "2.00"},
    ],
    "minutes": {"rate": "0.10"},
}


def log() -> Log:
    found = Log(make_step(spend=True), book({"p": PLAN}, **ROUTES))
    found.add(subscribed("A", "p"))
    return found


def ended(number: int, talk: float | None = 60, **labels: Any) -> Event:
    return call("A", number, talk, START + timedelta(minutes=number), labels=labels)


@pytest.mark.parametrize(
    ("labels", "amount", "of"),
    [
        ({}, "0.10", None),
        ({"route": "ct-2"}, "0.50", "route-b"),
        ({"route": "ct-3", "queue": "vip"}, "0.50", "route-b"),
        ({"route": "ct-1", "queue": "vip"}, "2.00", "vip"),
        ({"route": "ct-1"}, "0.10", None),
        ({"queue": "vip"}, "0.10", None),
        ({"route": "CT-2"}, "0.10", None),
    ],
)
def test_a_class_may_ask_for_labels(labels: Event, amount: str, of: str | None) -> None:
    """All that it names, each with one of its values; the charge tells them, in the order of their names."""
    (charge,) = log().add(ended(1, **labels))
    assert (charge["amount"], charge["call"].get("class")) == (amount, of)
    assert charge["call"].get("labels", {}) == labels
    assert list(charge["call"].get("labels", {})) == sorted(labels)
    RESULTS["charge/1"].model_validate_json(orjson.dumps(charge))


def test_other_labels_are_another_call() -> None:
    """Under one identity: a conflict. Their order says nothing, and none is as if nothing was said."""
    found = log()
    found.add(ended(1, route="ct-1", agent="7"), ended(1, agent="7", route="ct-1"), ended(1, route="ct-1"))
    assert (found.rejected, found.outcomes["duplicate"]) == (["conflict"], 1)
    bare = {name: value for name, value in ended(2).items() if name != "labels"}
    found.add(bare, ended(2), bare | {"labels": None})
    assert (found.rejected, found.outcomes["duplicate"]) == (["conflict"], 3)


def test_rows_keep_a_hash_and_no_label() -> None:
    """Of eight bytes, whatever the labels; a call without any takes no more room than before."""
    found = log()
    found.add(ended(1, agent="Ann Example"), ended(2))
    rows = list(found.replay.rows[0].table(CALLS).values())
    assert [decode_call(row).labels for row in rows] == [labels_hash({"agent": "Ann Example"}), ""]
    assert b"Ann" not in b"".join(rows)
    assert len(labels_hash({"a": "b"})) == 16
    assert rows[1].endswith(b"false]")


@pytest.mark.parametrize(
    "labels",
    [
        *({"Route": "x"}, {"1": "x"}, {"route": ""}, {"route": "x" * 65}, {"route": "a\nb"}, {"route": 1}, "x", ["x"]),
        {f"l{n}": "x" for n in range(9)},
    ],
)
def test_what_is_no_label_is_rejected(labels: Any) -> None:
    """Names of small letters, up to eight, texts of one line up to 64 characters."""
    found = log()
    found.add(call("A", 1, labels=labels))
    assert found.rejected == ["wrong-shape"]


def test_texts_of_any_language_are_labels() -> None:
    """They take the general way, and come to the same."""
    (charge,) = log().add(ended(1, agent="\u738b\u5c0f\u660e", route='a"b\\c'))
    assert charge["call"]["labels"] == {"agent": "\u738b\u5c0f\u660e", "route": 'a"b\\c'}


def test_connect_rates_by_label_leave_out_what_was_voided() -> None:
    """Two of three on ct-1, one of two on ct-2 of which one was taken back; calls without the label by themselves."""
    found = log()
    found.add(ended(1, route="ct-1"), ended(2, route="ct-1"), ended(3, None, route="ct-1"))
    found.add(ended(4, route="ct-2"), ended(5, None, route="ct-2"), ended(6, None, agent="7"))
    words = {name: ended(4)[name] for name in ("account", "source", "call_id")}
    found.add({"type": "call-voided/1", **words, "reason": "test"})
    with opened(found) as store, store.read() as connection:
        rates = rates_by(connection, "A", "route")
        assert {place: (one.connected, one.attempts) for place, one in rates.items()} == {
            ("2026-11", ""): (0, 1),
            ("2026-11", "ct-1"): (2, 3),
            ("2026-11", "ct-2"): (0, 1),
        }
        by_class = rates_by(connection, "A", "class")
        assert {place: (one.connected, one.attempts) for place, one in by_class.items()} == {
            ("2026-11", "other"): (2, 4),
            ("2026-11", "route-b"): (0, 1),
        }


def test_a_page_shows_what_has_more_than_one_class_or_text() -> None:
    """Of the period that it shows, those with the most attempts first."""
    found = log()
    found.add(
        ended(1, route="ct-1", agent="7"), ended(2, route="ct-2", agent="7"), ended(3, None, route="ct-2", agent="7")
    )
    with opened(found) as store, store.read() as connection:
        rates = [(one.by, one.part, one.rate.attempts) for one in of_period(connection, "A", "2026-11")]
        assert rates == [
            ("class", "route-b", 2), ("class", "other", 1), ("route", "ct-2", 2), ("route", "ct-1", 1),
        ]  # fmt: skip
        assert of_period(connection, "A", "2026-10") == []


def test_a_file_says_labels_and_wrong_ones_are_named() -> None:
    """In the words of the book."""
    text = json.dumps(book({"p": PLAN}, **ROUTES))
    found = load_book(text.encode())
    assert not isinstance(found, tuple)
    core = found.to_core().classes
    assert core.classes[1].labels == (("queue", ("vip",)), ("route", ("ct-1",)))
    wrong = load_book(text.replace('"queue"', '"Queue"').encode())
    assert isinstance(wrong, tuple)


@pytest.mark.parametrize("by", ["route", "class"])
def test_the_command_shows_them(by: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`rater connect-rate --by route`, as a table and as JSON; what is no label's name is refused."""
    from typer.testing import CliRunner  # noqa: PLC0415 - the command as a user runs it

    from rater.cli.root import app  # noqa: PLC0415

    monkeypatch.chdir(tmp_path)
    events = [published(book({"p": PLAN}, **ROUTES)), subscribed("A", "p"), ended(1, route="ct-2"), ended(2, None)]
    Path("log.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
    run = CliRunner().invoke
    assert run(app, ["rate", "log.jsonl", "--out", "charges.jsonl"]).exit_code == 0
    words = ["connect-rate", "A", "--charges", "charges.jsonl", "--by"]
    (told,) = json.loads(run(app, [*words, by, "--json"]).stdout)["periods"]
    parts = told["classes" if by == "class" else by]
    assert {name: one["attempts"] for name, one in parts.items()} == (
        {"route-b": 1, "other": 1} if by == "class" else {"ct-2": 1, "": 1}
    )
    assert ("ct-2" if by == "route" else "route-b") in run(app, [*words, by]).stdout
    assert run(app, [*words, "Route"]).exit_code == 2
