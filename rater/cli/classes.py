"""`rater classes`: which rated calls another tariff book would class otherwise."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from rater.cli.errors import fail
from rater.cli.files import exclusive, print_csv
from rater.cli.languages import InLanguage, language_of
from rater.cli.shown import plain, show_table
from rater.cli.table_texts import say

if TYPE_CHECKING:
    from rater.readmodel.texts import Language
    from rater.tools.affected import Affected

SHOWN = 20
"""Calls that the table shows, after the sums; `--csv` and `--json` have all."""

app = typer.Typer(help="Classes of calls.", no_args_is_help=True)


@app.callback()
def _classes() -> None:
    """Keeps `affected` a verb of its own, though it is the only one."""


@app.command()
def affected(
    file: Annotated[Path, typer.Argument(help="A log file: exported, or bare events with their book.")],
    tariffs: Annotated[Path, typer.Option(help="The tariff book whose classes are right.")],
    as_csv: Annotated[bool, typer.Option("--csv", help="Print every call as CSV.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print every call as JSON.")] = False,
    language: InLanguage = None,
) -> None:
    """List the rated calls that a book classes otherwise: they keep their class until they are voided and sent anew."""
    exclusive(csv=as_csv, json=as_json)
    found = _found(file, tariffs)
    if as_json:
        typer.echo(json.dumps([one._asdict() for one in found], indent=2))
    elif as_csv:
        print_csv(("account", "source", "call_id", "started_at", "charge_id", "amount", "was", "would_be"), found)
    else:
        _table(found, language_of(language))


def _found(file: Path, tariffs: Path) -> list[Affected]:
    from rater.cli.files import lines_of, source
    from rater.cli.tariffs import load
    from rater.tools.affected import affected as run
    from rater.tools.log_file import NotALog, read_log

    book = load(tariffs)
    try:
        with source(file) as opened:
            log = read_log(lambda: lines_of(opened))
            if not (log.exported or log.brings_book):
                raise fail(f"{file} brings no tariff book", "put the book that its calls were rated by before them")
            return list(run(log.lines, book, own=None, bare=not log.exported))
    except NotALog as error:
        raise fail(f"{file}: {error}", "make the file with: rater export --out FILE") from error


def _table(found: Sequence[Affected], language: Language) -> None:
    from rater.readmodel.figures import money

    if not found:
        typer.echo(say("no-other-class", language))
        return
    sums = Table(title=say("calls-of-another-class", language), title_justify="left")
    for name in ("was", "would-be", "calls"):
        sums.add_column(say(name, language), justify="right" if name == "calls" else "left")
    for (was, would_be), times in Counter((one.was, one.would_be) for one in found).most_common():
        sums.add_row(plain(was), plain(would_be), f"{times:,}")
    show_table(sums)
    table = Table()
    for name in ("account", "call", "started", "was", "would-be", "amount"):
        table.add_column(say(name, language), justify="right" if name == "amount" else "left")
    for one in found[:SHOWN]:
        call = plain(say("call-of", language, call_id=one.call_id, source=one.source))
        table.add_row(plain(one.account), call, one.started_at, plain(one.was), plain(one.would_be), money(one.amount))
    show_table(table)
    if len(found) > SHOWN:
        typer.echo(say("more-calls", language, count=f"{len(found) - SHOWN:,}"))
