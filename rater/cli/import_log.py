"""`rater import LOG`: an exported log into an empty system, to as many partitions as that has."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import typer

from rater.cli.errors import REFUSED, fail, warn
from rater.cli.export import bar
from rater.cli.files import lines_of, source

if TYPE_CHECKING:
    from rater.kafka.settings import Settings
    from rater.tools.log_file import LogLine
    from rater.tools.move import Survey


def import_exported(paths: list[Path], *, accept_differences: bool, as_json: bool) -> None:
    """Write the log into the system of the settings, and seal it."""
    from rater.kafka.settings import Settings
    from rater.tools.log_file import NotALog, read_log
    from rater.tools.move import survey

    if len(paths) != 1:
        raise fail("one exported log is imported at a time", "name one file; for records of a switch name --profile")
    settings, file = Settings(), paths[0]
    with ExitStack() as stack:
        opened = stack.enter_context(source(file))
        try:
            log = read_log(lambda: lines_of(opened))
            if not log.exported:
                raise fail(f"{file}: bare events, not an exported log", "records of a switch need --profile")
            _import(stack, settings, survey(log.lines), opened, accept_differences=accept_differences, as_json=as_json)
        except NotALog as error:
            raise fail(f"{file}: {error}", "a log is made with: rater export --out FILE") from error


def _import(
    stack: ExitStack, settings: Settings, log: Survey, opened: BinaryIO, *, accept_differences: bool, as_json: bool
) -> None:
    from rater.tools.import_log import accounts_that_differ, import_log
    from rater.tools.move import in_time, moved

    before, left_out = log.partitions, log.left_out
    if log.lost_headers:
        raise fail("it has no headers, which tell what was forwarded: an earlier version wrote it", "export it anew")
    multiple = settings.partitions % before == 0
    differ: list[str] = []
    lines: Iterable[LogLine]
    if multiple:
        lines = _lines(opened)
    else:
        if not accept_differences:
            raise fail(
                f"the log has {before} partitions, and {settings.partitions} is no multiple of it: accounts of several"
                " partitions would come together, whose books and ticks were not in step",
                "set RATER_PARTITIONS to a multiple, or say --accept-differences to see whom it changes",
                REFUSED,
            )
        lines = in_time(_lines(opened))
        shifted = [one for line in lines for one in moved(line, settings.partitions, left_out)]
        differ = accounts_that_differ(_lines(opened), shifted, settings.topic("calls"))
    progress = stack.enter_context(bar(show=sys.stderr.isatty()))
    task = progress.add_task("importing", total=log.records)
    done = asyncio.run(
        import_log(settings, iter(lines), left_out, lambda count: progress.update(task, completed=count))
    )
    words = {"records": done.lines, "left_out": len(left_out), "partitions": [before, settings.partitions]}
    if as_json:
        typer.echo(json.dumps({**words, "accounts_that_differ": differ}))
        return
    _tell(settings, done.lines, len(left_out), before, differ)


def _tell(settings: Settings, records: int, left_out: int, before: int, differ: list[str]) -> None:
    typer.echo(
        f"{records:,} records are in {settings.topic('calls')}; {left_out:,} that had been forwarded are there once"
    )
    if settings.partitions == before:
        typer.echo("each partition has the charges that it had, byte for byte; start workers, then: rater audit")
    elif not differ:
        typer.echo(f"{before} partitions have become {settings.partitions}: the bytes of partitions differ, those of")
        typer.echo("accounts are equal; start workers, then: rater audit")
    for account in differ:
        warn(f"{account}: its charges are others than before")


def _lines(opened: BinaryIO) -> Iterator[LogLine]:
    from rater.tools.log_file import read_log

    return read_log(lambda: lines_of(opened)).lines
