"""`rater export`: the log as a file, for `rater rate` and for keeping."""

from __future__ import annotations

import asyncio
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, BinaryIO

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


def export(
    out: Annotated[Path | None, typer.Option("--out", help="Write here; standard output if left out or -.")] = None,
) -> None:
    """Write the log's committed records, one JSON object a line, partition after partition, up to its end as of now."""
    from rater.cli.files import output

    with ExitStack() as stack:
        file = stack.enter_context(output(out))
        written = asyncio.run(_export(file, show=out is not None and str(out) != "-" and sys.stderr.isatty()))
    typer.echo(f"{written:,} records exported{f' to {out}' if out else ''}", err=True)


async def _export(file: BinaryIO, *, show: bool) -> int:
    from rater.kafka.reader import read_topic
    from rater.kafka.settings import Settings
    from rater.tools.log_file import to_line

    settings = Settings()
    written = 0
    with bar(show=show) as progress:
        task = progress.add_task("exporting", total=None)
        async for chunk in read_topic(settings, settings.topic("calls")):
            file.writelines(to_line(chunk.partition, chunk.partitions, record) for record in chunk.records)
            written += len(chunk.records)
            progress.update(task, completed=chunk.done, total=chunk.total)
    return written


def bar(*, show: bool) -> Progress:
    """A progress bar on standard error, or nothing where nobody looks."""
    from rich.console import Console

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), disable=not show)
