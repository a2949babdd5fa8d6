"""`rater snapshot`: the proven rows at a place of the log, so that an audit need not begin at the log's start."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rater.cli.errors import fail
from rater.cli.export import bar
from rater.cli.files import STDIN, exclusive, not_an_input

if TYPE_CHECKING:
    from rater.audit.report import Report


def snapshot(
    out: Annotated[Path, typer.Option("--out", help="Write here; the file holds phone numbers, and is for its owner.")],
    after: Annotated[
        Path | None, typer.Option(help="Go on from this snapshot; the new one carries its SHA-256.")
    ] = None,
    trust_tables: Annotated[
        bool, typer.Option("--trust-tables", help="Take the tables' rows, unproved: where the log's head is gone.")
    ] = False,
) -> None:
    """Audit up to where the workers have come, and keep the rows there with their offsets, partition by partition.

    Nothing is written unless all was proved; the exit status is that of `rater audit`.
    """
    from rater.cli.audit import show

    exclusive(after=after, trust_tables=trust_tables)
    not_an_input(out, after)
    if str(out) == STDIN:
        raise fail("a snapshot is for its owner alone, and not written to standard output", "name a file")
    if trust_tables:
        typer.echo(f"{out}: the tables as they are, taken on trust; SHA-256 {asyncio.run(_trusted(out))}")
        return
    report, digest = asyncio.run(_proven(out, after))
    if digest is None:
        show(report)
        typer.echo("No snapshot is written.", err=True)
        raise typer.Exit(report.status)
    typer.echo(f"{out}: {report.records:,} records proved; SHA-256 {digest}")
    typer.echo(f"Later: rater audit --snapshot {out}", err=True)


async def _trusted(out: Path) -> str:
    from rater.audit.snapshot import Writer
    from rater.audit.trusted import take_tables, trusted_header
    from rater.kafka.settings import Settings

    settings = Settings()
    with Writer(out, trusted_header(settings)) as writer:
        await take_tables(settings, writer)
        return writer.keep()


async def _proven(out: Path, after: Path | None) -> tuple[Report, str | None]:
    from rater.audit.run import audit, header_after
    from rater.audit.snapshot import Snapshot, Writer
    from rater.kafka.settings import Settings

    settings = Settings()
    before = None if after is None else Snapshot(after)
    with bar(show=sys.stderr.isatty()) as progress, Writer(out, header_after(settings, before)) as writer:
        task = progress.add_task("replaying", total=None)
        report = await audit(
            settings,
            snapshot=before,
            keep=writer,
            progress=lambda done, total: progress.update(task, completed=done, total=total),
        )
        return report, None if report.status else writer.keep()
