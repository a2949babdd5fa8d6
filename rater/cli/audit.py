"""`rater audit`: is every charge what the log says, and is there one for every call?"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from rater.cli.export import bar
from rater.cli.shown import plain, terminal

if TYPE_CHECKING:
    from rater.audit.report import Report

SHOWN = 20
"""Findings that the terminal shows; `--json` has more."""


def audit(
    snapshot: Annotated[Path | None, typer.Option(help="Go on from this snapshot, not from the log's start.")] = None,
    charges: Annotated[
        str | None, typer.Option(metavar="TOPIC", help="Look at this topic (a copy) in place of the charges.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Replay the log, and compare byte for byte with what the workers published, running or stopped.

    Exit status 0: all is proved. 1: something is off. 3: the log's head is gone and no snapshot covers it.
    """
    report = asyncio.run(_audit(snapshot, charges))
    if as_json:
        typer.echo(json.dumps(report.as_dict(), indent=2))
    else:
        show(report)
    raise typer.Exit(report.status)


async def _audit(path: Path | None, charges: str | None) -> Report:
    from rater.audit.run import audit as run
    from rater.audit.snapshot import Snapshot
    from rater.kafka.settings import Settings

    with bar(show=sys.stderr.isatty()) as progress:
        task = progress.add_task("replaying", total=None)
        return await run(
            Settings(),
            charges=charges,
            snapshot=None if path is None else Snapshot(path),
            progress=lambda done, total: progress.update(task, completed=done, total=total),
        )


def show(report: Report) -> None:
    """The report for people: the figures, then what is off, then the verdict."""
    console = terminal()
    console.print(_figures(report))
    if report.findings:
        console.print(_findings(report))
        if (untold := report.counts.total() - min(len(report.findings), SHOWN)) > 0:
            console.print(f"... and {untold:,} more")
    for place in report.unproven:
        console.print(plain(place), soft_wrap=True)
    console.print(_verdict(report), soft_wrap=True)


def _figures(report: Report) -> Table:
    table = Table(title="Audit: the log replayed, against what was published", title_justify="left")
    table.add_column("")
    table.add_column("", justify="right")
    table.add_row("records in the log", f"{report.records:,}")
    for outcome, count in sorted(report.outcomes.items()):
        table.add_row(f"  {outcome}", f"{count:,}")
    table.add_row("sum of the outcomes", f"{report.outcomes.total():,}")
    table.add_row("records not rated yet", f"{report.waiting:,}", end_section=True)
    table.add_row("charges", f"{report.charges:,}")
    table.add_row("rejected", f"{report.rejected:,}")
    table.add_row("alerts", f"{report.alerts:,}")
    table.add_row("periods closed", f"{report.closed:,}")
    table.add_row("gaps in the charges' numbers", f"{report.counts['gap']:,}", end_section=True)
    for currency, residue in report.residues().items():
        table.add_row(f"sum of the charges, {currency}", f"{report.charged.get(currency, 0):,}")
        table.add_row(f"price of the final usage and fees, {currency}", f"{report.due.get(currency, 0):,}")
        table.add_row(f"residue, {currency}", f"{residue:,}", style="bold red" if residue else "bold green")
    return table


def _findings(report: Report) -> Table:
    table = Table(title="First findings", title_justify="left", title_style="bold red")
    for column in ("what", "where", "about"):
        table.add_column(column, overflow="fold")
    for kind, place, what in report.findings[:SHOWN]:
        table.add_row(kind, plain(place), plain(what))
    return table


def _verdict(report: Report) -> str:
    from rater.audit.report import MEANING

    if report.off:
        kinds = "\n".join(f"  {count:,} {kind}: {MEANING[kind]}" for kind, count in sorted(report.counts.items()))
        return f"[bold red]The books do not hold.[/]\n{kinds}".rstrip()
    if report.unproven:
        return "[bold yellow]Nothing is off in what could be looked at, but not all could be proved.[/]"
    return "[bold green]Proved: every record has its outcome, and every charge is, byte for byte, what the log says.[/]"
