"""What `make bench` found, for people: a table in the terminal, and RESULTS.md with a table and a chart."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from benchmarks.contenders import Contender
from tests.support.broker import VERSION

HERE = Path(__file__).parent
WIDTH, LABEL, ROW = 900, 390, 44
"""Pixels of the chart: all of it, of its labels, and the height of a bar's row."""
COLOURS = {"exactly once": "#2563eb", "at least once": "#b45309", "none": "#6b7280"}


class Figure(NamedTuple):
    """What a drain came to."""

    calls: int
    per_second: float
    cpu_us: float
    """Microseconds of CPU a call."""
    memory_mb: float
    """The most resident memory of the process."""


class Row(NamedTuple):
    """A contender's line: medians, and the rate of each run."""

    contender: Contender
    calls: int
    per_second: float
    cpu_us: float
    memory_mb: float
    runs: tuple[float, ...]

    @property
    def slowest(self) -> float:
        """The rate of the slowest run."""
        return min(self.runs)

    @property
    def quickest(self) -> float:
        """The rate of the quickest run."""
        return max(self.runs)


def rows_of(contenders: Sequence[Contender], found: Mapping[str, Sequence[Figure]]) -> list[Row]:
    """A line a contender, in their order."""
    return [_row(contender, found[contender.key]) for contender in contenders]


def _row(contender: Contender, figures: Sequence[Figure]) -> Row:
    middle = Figure(*(statistics.median(column) for column in zip(*figures, strict=True)))
    runs = tuple(figure.per_second for figure in figures)
    return Row(contender, figures[0].calls, middle.per_second, middle.cpu_us, middle.memory_mb, runs)


COLUMNS = ("calls", "calls/s", "slowest", "quickest", "µs CPU a call", "MB", "ratio")


def _cells(row: Row, base: float) -> tuple[str, ...]:
    counts = (row.calls, row.per_second, row.slowest, row.quickest)
    return (
        *(f"{n:,.0f}" for n in counts),
        f"{row.cpu_us:.1f}",
        f"{row.memory_mb:,.0f}",
        f"{row.per_second / base:.2f}",
    )


def show(contenders: Sequence[Contender], found: Mapping[str, Sequence[Figure]]) -> None:
    """The table in the terminal; the ratio is to the first line."""
    rows = rows_of(contenders, found)
    table = Table(
        title=f"Draining a backlog, medians of {len(rows[0].runs)}",
        caption="From the first call visible to a read_committed reader to the last; every charge checked",
    )
    table.add_column("", no_wrap=True)
    for column in COLUMNS:
        table.add_column(column, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(row.contender.key, *_cells(row, rows[0].per_second))
    console = Console()
    # Wider than a narrow terminal, rather than with columns cut: what is cut tells nothing.
    Console(width=max(console.width, 100)).print(table)


def write(contenders: Sequence[Contender], found: Mapping[str, Sequence[Figure]]) -> None:
    """RESULTS.md and results.svg, beside this file."""
    rows = rows_of(contenders, found)
    (HERE / "results.svg").write_text(chart(rows))
    (HERE / "RESULTS.md").write_text(page(rows))


def page(rows: Sequence[Row]) -> str:
    """The page: what was measured, the chart, the table."""
    base = rows[0].per_second
    runs = len(rows[0].runs)
    machine = f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}"
    lines = [
        "# Draining a backlog of calls",
        "",
        "Written by `make bench`; `benchmarks/drain.py` says how it is measured. In one run, in turn, each contender",
        f"drains a log of its own with the same calls of 10,000 accounts on the same plan, {runs} times. Every charge",
        "is checked: each call once, its amount, its account's running total. Medians; the ratio is to the first line.",
        "",
        f"One Kafka {VERSION} broker on the same machine: {machine}.",
        "",
        "![Calls a second of each contender](results.svg)",
        "",
        f"| | guarantee | {' | '.join(COLUMNS)} |",
        f"|---|---|{'--:|' * len(COLUMNS)}",
    ]
    lines += [f"| {r.contender.name} | {r.contender.guarantee} | {' | '.join(_cells(r, base))} |" for r in rows]
    return "\n".join([*lines, "", *NOTES, ""])


NOTES = (
    "What is not the same for all: the rater remembers every call (one that comes twice is charged once), writes lines",
    "and headers of its charges, watches for alerts, and its output can be replayed byte by byte; the peers do",
    "none of that. The peers commit once a second. Kafka Streams has the record cache before its store and large",
    "batches, which made it quickest here, and further threads for its compiler and garbage collector, which count in",
    "its CPU.",
)


def chart(rows: Sequence[Row]) -> str:
    """Bars of the medians, with a dot for each run."""
    most = max(row.quickest for row in rows)
    height = ROW * len(rows) + 40
    scale = (WIDTH - LABEL - 110) / most
    size = f'viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="13"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="Calls a second of each contender">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
    ]
    for number, row in enumerate(rows):
        parts += _bar(row, 12 + ROW * number, scale)
    for number, (guarantee, colour) in enumerate(COLOURS.items()):
        x = LABEL + 150 * number
        parts.append(f'<rect x="{x}" y="{height - 22}" width="12" height="12" fill="{colour}"/>')
        parts.append(f'<text x="{x + 18}" y="{height - 11}" fill="#374151">{guarantee}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _bar(row: Row, top: int, scale: float) -> list[str]:
    colour, width = COLOURS[row.contender.guarantee], row.per_second * scale
    middle = top + 12
    number = f"{row.per_second:,.0f}"
    end = LABEL + max(row.quickest, row.per_second) * scale
    return [
        f'<text x="{LABEL - 10}" y="{middle + 5}" text-anchor="end" fill="#111827">{escape(row.contender.name)}</text>',
        f'<rect x="{LABEL}" y="{top}" width="{width:.1f}" height="24" fill="{colour}" opacity="0.85"/>',
        *(f'<circle cx="{LABEL + run * scale:.1f}" cy="{middle}" r="3.5" fill="#111827"/>' for run in row.runs),
        f'<text x="{end + 10:.1f}" y="{middle + 5}" fill="#111827" font-weight="bold">{number} calls/s</text>',
    ]
