"""`rater audit`: is every charge what the log says, and is there one for every call?"""

from __future__ import annotations

import asyncio
import json
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from rater.cli.audit_texts import audit_text
from rater.cli.export import bar
from rater.cli.languages import InLanguage, language_of
from rater.cli.shown import plain, terminal

if TYPE_CHECKING:
    from rater.audit.report import Report
    from rater.readmodel.texts import Language

SHOWN = 20
"""Findings that the terminal shows; `--json` has more."""


def audit(
    snapshot: Annotated[Path | None, typer.Option(help="Go on from this snapshot, not from the log's start.")] = None,
    charges: Annotated[
        str | None, typer.Option(metavar="TOPIC", help="Look at this topic (a copy) in place of the charges.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    language: InLanguage = None,
) -> None:
    """Replay the log, and compare byte for byte with what the workers published, running or stopped.

    Exit status 0: all is proved. 1: something is off. 3: the log's head is gone and no snapshot covers it.
    """
    report = asyncio.run(_audit(snapshot, charges))
    if as_json:
        typer.echo(json.dumps(report.as_dict(), indent=2))
    else:
        show(report, language_of(language))
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


def show(report: Report, language: Language = "en") -> None:
    """The report for people: the figures, then what is off, then the verdict."""
    console = terminal()
    console.print(_figures(report, language))
    if report.findings:
        console.print(_findings(report, language))
        if (untold := report.counts.total() - min(len(report.findings), SHOWN)) > 0:
            console.print(audit_text("more", language, count=f"{untold:,}"))
    for place in report.unproven:
        console.print(plain(place), soft_wrap=True)
    console.print(_verdict(report, language), soft_wrap=True)


def _figures(report: Report, language: Language) -> Table:
    said = partial(audit_text, language=language)
    table = Table(title=said("title"), title_justify="left")
    table.add_column("")
    table.add_column("", justify="right")
    table.add_row(said("records"), f"{report.records:,}")
    for outcome, count in sorted(report.outcomes.items()):
        table.add_row(f"  {outcome}", f"{count:,}")
    table.add_row(said("outcomes"), f"{report.outcomes.total():,}")
    table.add_row(said("waiting"), f"{report.waiting:,}", end_section=True)
    table.add_row(said("charges"), f"{report.charges:,}")
    table.add_row(said("rejected"), f"{report.rejected:,}")
    table.add_row(said("alerts"), f"{report.alerts:,}")
    table.add_row(said("closed"), f"{report.closed:,}")
    table.add_row(said("gaps"), f"{report.counts['gap']:,}", end_section=True)
    for currency, residue in report.residues().items():
        table.add_row(said("sum", currency=currency), f"{report.charged.get(currency, 0):,}")
        table.add_row(said("due", currency=currency), f"{report.due.get(currency, 0):,}")
        table.add_row(said("residue", currency=currency), f"{residue:,}", style="bold red" if residue else "bold green")
    return table


def _findings(report: Report, language: Language) -> Table:
    table = Table(title=audit_text("findings", language), title_justify="left", title_style="bold red")
    for column in ("what", "where", "about"):
        table.add_column(audit_text(column, language), overflow="fold")
    for kind, place, what in report.findings[:SHOWN]:
        table.add_row(kind, plain(place), plain(what))
    return table


def _verdict(report: Report, language: Language) -> str:
    if report.off:
        kinds = "\n".join(
            f"  {count:,} {kind}: {audit_text(kind, language)}" for kind, count in sorted(report.counts.items())
        )
        return f"[bold red]{audit_text('off', language)}[/]\n{kinds}".rstrip()
    if report.unproven:
        return f"[bold yellow]{audit_text('unproven', language)}[/]"
    return f"[bold green]{audit_text('proved', language)}[/]"
