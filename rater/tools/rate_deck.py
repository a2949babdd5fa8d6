"""Classes of calls from a rate deck, the table of prefixes and rates that carriers send: one class for each rate."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from rater.wire.meters import MOST_METERS

COLUMNS = {
    "prefix": ("prefix", "code", "dialcode", "dial code", "dialling code"),
    "name": ("name", "destination", "description", "country"),
    "rate": ("rate", "price", "rate per minute", "price per minute"),
}
"""A column's names, as decks have them; upper and lower case do not matter."""

_PREFIX = re.compile(r"\+?[0-9]{1,15}").fullmatch
MOST_NAMES = 3
"""Destinations that the comment on a class names."""


class DeckError(NamedTuple):
    """What is wrong with a deck, and in which line; line 0 is the whole file."""

    line: int
    message: str

    def __str__(self) -> str:
        """For people: `7: prefix: ...`."""
        return f"{self.line}: {self.message}" if self.line else self.message


class DeckLine(NamedTuple):
    """A line of a deck."""

    prefix: str
    name: str
    rate: Decimal


def read_deck(text: str) -> tuple[DeckLine, ...] | tuple[DeckError, ...]:
    """The entries of a deck, or all that is wrong with it.

    Columns are found by their headings and separated by commas, semicolons or tabs. A prefix of digits alone gets the
    `+` that E.164 numbers have.
    """
    lines = text.lstrip("\ufeff").splitlines()
    if not lines:
        return (DeckError(0, "the file is empty"),)
    separator = max(",;\t", key=lines[0].count)
    rows = csv.reader(lines, delimiter=separator)
    headings = [heading.strip().lower() for heading in next(rows)]
    places = {column: _place(headings, names) for column, names in COLUMNS.items()}
    missing = [column for column in ("prefix", "rate") if places[column] is None]
    if missing:
        return (
            DeckError(1, f"there is no column {' and no column '.join(missing)}; the first line names the columns"),
        )
    found = [(number, _entry(row, places)) for number, row in enumerate(rows, start=2) if any(map(str.strip, row))]
    errors = tuple(DeckError(number, one) for number, one in found if isinstance(one, str))
    entries = [(number, one) for number, one in found if isinstance(one, DeckLine)]
    errors += tuple(_clashes(entries))
    rates = {entry.rate for _, entry in entries}
    if len(rates) > MOST_METERS:
        errors += (DeckError(0, f"the deck has {len(rates)} rates, and a plan at most {MOST_METERS} meters"),)
    return errors or tuple(entry for _, entry in entries) or (DeckError(0, "the deck has no line"),)


def _place(headings: list[str], names: tuple[str, ...]) -> int | None:
    return next((headings.index(name) for name in names if name in headings), None)


def _entry(row: list[str], places: Mapping[str, int | None]) -> DeckLine | str:
    def cell(column: str) -> str:
        place = places[column]
        return row[place].strip() if place is not None and place < len(row) else ""

    prefix = cell("prefix").replace(" ", "")
    if not _PREFIX(prefix):
        return f"prefix: {prefix[:20]!r} is not 1 to 15 digits"
    try:
        rate = Decimal(cell("rate"))
    except InvalidOperation:
        return f"rate: {cell('rate')[:20]!r} is no number"
    if not (rate.is_finite() and 0 <= rate < 10**12 and -int(rate.as_tuple().exponent) <= 9):
        return f"rate: {rate} is not from 0 on, with at most 9 decimal places"
    return DeckLine(prefix if prefix.startswith("+") else f"+{prefix}", cell("name"), rate)


def _clashes(entries: Iterable[tuple[int, DeckLine]]) -> Iterator[DeckError]:
    first: dict[str, tuple[int, Decimal]] = {}
    for number, entry in entries:
        before, rate = first.setdefault(entry.prefix, (number, entry.rate))
        if rate != entry.rate:
            yield DeckError(number, f"prefix: {entry.prefix} has the rate {rate} in line {before}")


def book_part(entries: Iterable[DeckLine], increment: str) -> str:
    """The YAML of the prefixes, the classes, and the meters of a plan; the dearest last."""
    by_rate: dict[Decimal, list[DeckLine]] = {}
    for entry in entries:
        by_rate.setdefault(entry.rate, []).append(entry)
    rates = sorted(by_rate)
    name = {rate: f"rate-{rate:f}" for rate in rates}
    prefixes = [f"  {name[rate]}: [{_quoted(sorted({e.prefix for e in by_rate[rate]}))}]" for rate in rates]
    classes = [f"  - {{name: {name[rate]}, numbers: [{name[rate]}]}}{_comment(by_rate[rate])}" for rate in rates]
    meters = [
        f'  - {{name: {name[rate]}, unit: minutes, classes: [{name[rate]}], increment: {increment}, rate: "{rate:f}"}}'
        for rate in rates
    ]
    parts = ("prefixes:", *prefixes, "classes:", *classes, "# Of the plan that is sold at these rates:", "meters:")
    return "\n".join((*parts, *meters)) + "\n"


def _quoted(prefixes: Iterable[str]) -> str:
    return ", ".join(f'"{prefix}"' for prefix in prefixes)


def _comment(entries: Iterable[DeckLine]) -> str:
    names = [name for name in dict.fromkeys(entry.name for entry in entries) if name.isprintable() and name]
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return f"  # {', '.join(names[:MOST_NAMES])}{more}" if names else ""
