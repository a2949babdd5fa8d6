"""Rate decks as carriers send them become classes, prefixes and meters that a tariff book takes."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from rater.rating.calendar import Calendar
from rater.tools.rate_deck import DeckError, DeckLine, book_part, read_deck
from rater.wire.tariff_book import TariffBook
from rater.wire.tariff_file import load_book
from tests.support.command import Rater

DECK = """Destination,Prefix,Rate
China mobile,8613,0.25
China mobile,8615,0.250
London,+4420,0.60
UK,44,0.60
"Russia, all",7,1.2
"""


def test_a_deck_is_read_by_its_headings() -> None:
    """In any order of columns, with `+` or without, and equal rates however they are written."""
    assert read_deck(DECK)[:3] == (
        DeckLine("+8613", "China mobile", Decimal("0.25")),
        DeckLine("+8615", "China mobile", Decimal("0.25")),
        DeckLine("+4420", "London", Decimal("0.60")),
    )


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffcode;price\r\n8613;0.25\r\n",
        "Dial Code\tRate per minute\tvalid from\n86 13\t0.25\t2026-11-01\n\n",
        '"PREFIX","NAME","RATE"\n"8613","China","0.25"\n',
    ],
)
def test_decks_of_others(text: str) -> None:
    """Semicolons, tabs, quotes, a byte order mark, other headings, spaces in prefixes, columns that nobody needs."""
    (entry,) = read_deck(text)
    assert isinstance(entry, DeckLine)
    assert (entry.prefix, entry.rate) == ("+8613", Decimal("0.25"))


PLACES = "is not from 0 on, with at most 9 decimal places"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ["the file is empty"]),
        ("prefix,rate\n", ["the deck has no line"]),
        ("a,b\n1,2\n", ["1: there is no column prefix and no column rate; the first line names the columns"]),
        (
            "prefix,rate\nx,1\n44,a\n44,-1\n",
            ["2: prefix: 'x' is not 1 to 15 digits", "3: rate: 'a' is no number", f"4: rate: -1 {PLACES}"],
        ),
        ("prefix,rate\n44,1\n44,1.0\n44,2\n", ["4: prefix: +44 has the rate 1 in line 2"]),
        ("prefix,rate\n44,NaN\n", [f"2: rate: NaN {PLACES}"]),
        (
            "prefix,rate\n" + "".join(f"{n},{n}\n" for n in range(1, 70)),
            ["the deck has 69 rates, and a plan at most 64 meters"],
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: str, said: list[str]) -> None:
    found = read_deck(text)
    assert [str(error) for error in found if isinstance(error, DeckError)] == said


def test_a_book_takes_what_is_made() -> None:
    """One class for each rate, and a meter for each class; the comment names a class's destinations."""
    entries = [one for one in read_deck(DECK) if isinstance(one, DeckLine)]
    made = book_part(entries, "1/1")
    assert "  - {name: rate-0.60, numbers: [rate-0.60]}  # London, UK\n" in made
    head, _, meters = made.partition("# Of the plan")
    plan = "".join(f"    {line}\n" for line in meters.splitlines()[1:])
    text = f"version: 1\ncurrency: CNY\ntime_zone: UTC\n{head}plans:\n  deck:\n{plan}    free: [minutes]\n"
    book = load_book(text.encode())
    assert isinstance(book, TariffBook)
    core = book.to_core()
    assert [meter.name for meter in core.plans["deck"].meters] == ["rate-0.25", "rate-0.60", "rate-1.2"]
    assert core.classes.class_of("outbound", "1", "+442071234567", 0, Calendar("UTC")) == "rate-0.60"


def test_the_command(rater: Rater) -> None:
    """It prints the parts of a book; a deck with errors makes nothing, and each error has its line."""
    Path("deck.csv").write_text(DECK)
    made = rater("tariffs", "build", "deck.csv", "--increment", "30/6")
    assert (made.exit_code, made.stdout.startswith("# deck.csv: 5 prefixes\nprefixes:\n")) == (0, True)
    assert 'classes: [rate-0.25], increment: 30/6, rate: "0.25"' in made.stdout
    Path("deck.csv").write_text("prefix,rate\nx,1\n")
    failed = rater("tariffs", "build", "deck.csv")
    assert failed.exit_code == 1
    assert "deck.csv:2: prefix: 'x' is not 1 to 15 digits" in failed.stderr
    assert rater("tariffs", "build", "deck.csv", "--increment", "0/1").exit_code == 2
