"""What people see on a terminal: text from outside shows as it is, and no amount is cut at any width."""

from __future__ import annotations

import io
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import orjson
import pytest
from rich.console import Console
from rich.table import Table

from rater.cli import shown
from rater.kafka.settings import Settings
from tests.support.command import Rater
from tests.support.logs import Event, book, call, published, subscribed

NASTY = ("see [/ticket 42]", "[fe80::1]", ":100:", "[bold red]free[/]", "a[link=x]b")


def rated(rater: Rater, events: list[Event]) -> None:
    Path("ev.jsonl").write_bytes(b"".join(orjson.dumps(event) + b"\n" for event in events))
    assert rater("rate", "ev.jsonl", "--out", "charges.jsonl").exit_code == 0


def credit(reason: str, number: int) -> Event:
    ident = f"a-{number}"
    return {"type": "account-adjusted/1", "account": "A", "adjustment_id": ident, "amount": "-1.00", "reason": reason}


@pytest.mark.parametrize("text", NASTY)
def test_reasons_and_ids_show_as_they_are(rater: Rater, text: str) -> None:
    """In statements and explanations: no traceback, nothing disappears, nothing becomes a picture."""
    ident = text.replace(" ", "")
    rated(rater, [subscribed("A", "hybrid-200"), call("A", 1, 60, call_id=ident), credit(text, 1)])
    items = rater("statement", "A", "2026-11", "--items", "--charges", "charges.jsonl")
    assert items.exit_code == 0, items.stderr
    assert text in items.stdout
    assert ident in items.stdout
    assert text in rater("explain", "A:2026-11:3", "--charges", "charges.jsonl").stdout
    assert ident in rater("explain", "A:2026-11:2", "--charges", "charges.jsonl").stdout


def test_what_a_terminal_would_obey_is_shown() -> None:
    """Escape codes, bells and line ends from outside are written as what they are."""
    assert shown.visible("a\x1b[31mb\x07\r\n\u202e") == r"a\x1b[31mb\x07\r\n\u202e"
    assert shown.plain("[/x]").plain == "[/x]"


@pytest.mark.parametrize("width", [20, 40, 60, 80, 200])
def test_a_table_is_never_cut(width: int) -> None:
    """On a narrow terminal its lines go on in the next line of the screen; every word and amount is there whole."""
    table = Table(title="A000123: what each plan would have cost, CNY")
    names = ("per-minute (now)", "package-premium", "negotiated-for-a-very-large-account")
    for column in ("plan", *names):
        table.add_column(column)
    table.add_row("2026-10", "1,234,567.89", "144.00", "9,999,999,999.99")
    console = Console(file=io.StringIO(), width=width)
    shown.show_table(table, console=console)
    said = console.file.getvalue()  # type: ignore[attr-defined]
    for text in (*names, "1,234,567.89", "9,999,999,999.99"):
        assert text in said
    assert "…" not in said


@pytest.mark.parametrize("columns", ["40", "60", "80", "200"])
def test_advice_and_statements_at_any_width(rater: Rater, monkeypatch: pytest.MonkeyPatch, columns: str) -> None:
    """A row a plan; every amount of every plan is there."""
    monkeypatch.setenv("COLUMNS", columns)
    rated(rater, [subscribed("A", "package-premium"), call("A", 1, 7_000), credit("x", 1)])
    statement = rater("statement", "A", "2026-11", "--charges", "charges.jsonl").stdout
    assert "package-premium@1" in statement
    assert "500.00" in statement
    assert "499.00" in statement
    assert "…" not in statement + rater("rate", "ev.jsonl", "--summary").stdout


def test_a_setting_that_is_misspelt_is_named(monkeypatch: pytest.MonkeyPatch, rater: Rater) -> None:
    """In the environment and in .env, with the setting that is near; variables of others are left alone."""
    monkeypatch.setenv("RATER_TEST_BOOTSTRAP", "x")
    monkeypatch.setenv("RATER_SOMETHING_OF_OTHERS", "x")
    assert Settings().partitions == 4
    monkeypatch.setenv("RATER_BOOTSTRAP_SERVER", "elsewhere:9092")
    done = rater("settings")
    assert done.exit_code != 0
    monkeypatch.delenv("RATER_BOOTSTRAP_SERVER")
    Path(".env").write_text("RATER_PARTITION=8\n")
    with pytest.raises(ValueError, match="RATER_PARTITION is no setting; is RATER_PARTITIONS meant"):
        Settings()


def test_plan_names_of_a_book_show_whole(rater: Rater) -> None:
    """Also the longest that a plan may have."""
    name = "p" * 64
    words = book({name: {"minutes": {"rate": "0.10"}}})
    Path("book.yaml").write_bytes(orjson.dumps(words))
    assert name in rater("tariffs", "show", "--file", "book.yaml").stdout


def test_a_re_rating_with_more_lines_than_are_told_is_in_the_statement(rater: Rater) -> None:
    """Its lines have no rate; the statement sums to the total all the same, and the charge is explained."""
    bands = [{"from": number, "rate": f"0.{200 - number:03d}"} for number in range(50)]
    both = {"proration": "daily", "minutes": {"graduated": bands}, "calls": {"graduated": bands}}
    also = both | {"calls": {"graduated": bands, "allowance": 1}}
    start = datetime.fromisoformat("2026-11-01T00:05:00+08:00")
    calls = [call("A", n, 120, start + timedelta(hours=n)) for n in range(144)]
    late = subscribed("A", "q", "2026-11-04T00:00:00+08:00", subscription_id="late")
    rated(rater, [published(book({"p": both, "q": also})), subscribed("A", "p"), *calls, late])
    Path("book.yaml").write_bytes(orjson.dumps(book({"p": both, "q": also})))
    options = ("--charges", "charges.jsonl", "--tariffs", "book.yaml")
    found = orjson.loads(rater("statement", "A", "2026-11", "--json", *options).stdout)
    lines = found["lines"]
    assert any(line["rate"] is None and line["meter"] == "minutes" for line in lines)
    assert sum(Decimal(line["amount"]) for line in lines) == Decimal(found["period"]["total"])
    seq = found["period"]["charges"]
    explained = rater("explain", f"A:2026-11:{seq}", *options)
    assert "in all, at several rates" in explained.stdout, explained.stderr
    assert rater("statement", "A", "2026-11", "--html", "page.html", *options).exit_code == 0
