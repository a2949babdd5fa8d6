"""`rater rerate`: what another tariff book would have changed, account by account."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from rater.cli.errors import fail
from rater.cli.export import bar
from rater.cli.files import exclusive, once_from_stdin, print_csv
from rater.cli.languages import InLanguage, language_of
from rater.cli.shown import plain, show_table
from rater.cli.table_texts import say

if TYPE_CHECKING:
    from rater.readmodel.texts import Language
    from rater.tools.log_file import LogLine
    from rater.tools.rerate import Backtest

SHOWN = 20
"""Accounts that the table shows: those that change most. `--csv` and `--json` have all."""


def rerate(
    file: Annotated[
        str | None,
        typer.Argument(help="A log file, - for standard input; if left out, the log in Kafka."),
    ] = None,
    tariffs: Annotated[Path, typer.Option(help="The other tariff book.")] = Path("tariffs.yaml"),
    current: Annotated[
        Path | None, typer.Option(help="The present book of a file of bare events; the shipped one if left out.")
    ] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print every account as CSV.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print every account as JSON.")] = False,
    language: InLanguage = None,
) -> None:
    """Rate a log as it is and under another tariff book, and show who would pay more and who less."""
    from rater.cli.files import lines_of, source
    from rater.cli.tariffs import load
    from rater.tools.log_file import NotALog, read_log
    from rater.tools.rerate import rerate as run

    exclusive(csv=as_csv, json=as_json)
    once_from_stdin(file, tariffs, current)
    if file is None and current is not None:
        raise fail("--current is for a file of bare events; the log in Kafka brings its own books", "leave it out")
    other = load(tariffs)
    try:
        if file is None:
            result = run(asyncio.run(_read()), other, own=None, bare=False)
        else:
            with source(file) as opened:
                log = read_log(lambda: lines_of(opened))
                brings = log.exported or log.brings_book
                if brings and current is not None:
                    raise fail(f"{file} brings its own book: --current would not be used", "leave it out")
                own = None if brings else load(current)
                result = run(log.lines, other, own=own, bare=not log.exported)
    except NotALog as error:
        raise fail(f"{file}: {error}", "make the file with: rater export --out FILE") from error
    if as_json:
        typer.echo(json.dumps(result.as_dict(), indent=2))
    elif as_csv:
        _csv(result)
    else:
        _table(result, language_of(language))


async def _read() -> list[LogLine]:
    from rater.kafka.reader import read_topic
    from rater.kafka.settings import Settings
    from rater.seam.model import LogRecord
    from rater.tools.log_file import LogLine

    settings = Settings()
    lines: list[LogLine] = []
    with bar(show=sys.stderr.isatty()) as progress:
        task = progress.add_task("reading", total=None)
        async for chunk in read_topic(settings, settings.topic("calls")):
            lines += [
                LogLine(chunk.partition, chunk.partitions, LogRecord(r.offset, r.timestamp, r.key, r.value))
                for r in chunk.records
            ]
            progress.update(task, completed=chunk.done, total=chunk.total)
    return lines


def _csv(result: Backtest) -> None:
    rows = (
        (one.account, f"{one.before:f}", f"{one.after:f}", f"{one.change:f}", one.currency)
        for one in result.differences
    )
    print_csv(("account", "before", "after", "change", "currency"), rows)


def _table(result: Backtest, language: Language) -> None:
    table = Table(title=say("under-other", language), title_justify="left")
    for name in ("account", "before", "after", "change", "currency"):
        table.add_column(say(name, language), justify="left" if name in {"account", "currency"} else "right")
    ranked = sorted(result.differences, key=lambda one: (-abs(one.change), one.account))
    for one in ranked[:SHOWN]:
        table.add_row(plain(one.account), f"{one.before:,f}", f"{one.after:,f}", f"{one.change:+,f}", one.currency)
    if len(ranked) > SHOWN:
        table.add_row(say("more", language, count=f"{len(ranked) - SHOWN:,}"), "", "", "")
    table.add_section()
    before = sum(one.before for one in ranked)
    after = sum(one.after for one in ranked)
    table.add_row(
        say("accounts", language, count=f"{len(ranked):,}"), f"{before:,f}", f"{after:,f}", f"{result.total:+,f}"
    )
    show_table(table)
    if result.was.outcomes != result.would.outcomes:
        typer.echo(f"outcomes differ too: {result.was.outcomes} and {result.would.outcomes}", err=True)
