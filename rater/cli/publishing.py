"""What `rater tariffs publish` shows before it writes: why a book would be refused, whom it changes, by how much."""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.table import Table

from rater.cli.errors import fail, warn
from rater.cli.shown import plain, show_table, terminal
from rater.cli.table_texts import say

if TYPE_CHECKING:
    from rater.readmodel.texts import Language
    from rater.tools.what_if import WhatIf
    from rater.wire.tariff_book import TariffBook

SHOWN = 20
"""Periods that the table shows: those that change most. `--json` has all."""


def foretell(book: TariffBook, language: Language, *, yes: bool) -> None:
    """End the command where the book must not be written; ask first where it changes open periods."""
    from aiokafka.errors import KafkaError

    from rater.kafka.settings import Settings
    from rater.seam.errors import RaterError
    from rater.tools.foresight import foresee
    from rater.tools.what_if import on_kafka

    settings = Settings()
    foreseen = asyncio.run(foresee(settings, book, datetime.now(UTC)))
    refused = foreseen.refused
    if refused is not None and refused.reason != "duplicate":
        if foreseen.difference:
            typer.echo(foreseen.difference, err=True)
        raise fail(f"{refused.reason}: {refused.detail}", "nothing was written", status=1)
    if foreseen.late:
        raise fail(
            f"{_plans(foreseen.late)}: effective is past; who has used the plan since would keep the old price, who has"
            " not would get the new one",
            "say reach_back: true to re-rate all open periods alike, or an effective that is to come;"
            " nothing was written",
            status=1,
        )
    if not foreseen.back:
        return
    try:
        with terminal(errors=True).status("looking at the open periods"):  # which takes a while for many accounts
            found = asyncio.run(on_kafka(settings, book))
        _show(found, language, errors=True)
    except (RaterError, KafkaError) as error:
        warn(f"whom it changes can not be shown ({error}); see it with --what-if LOG")
    _confirm(language, yes=yes)


def _confirm(language: Language, *, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise fail("a book that reaches back is written when somebody says so", "look above, then add --yes", status=1)
    if not typer.confirm(say("publish?", language), err=True):
        raise fail("nothing was written", status=1)


def reckon(book: TariffBook, file: Path, language: Language, *, as_json: bool) -> None:
    """Show what the book would change at the end of a log file."""
    from rater.cli.files import lines_of, source
    from rater.tools.log_file import NotALog, read_log
    from rater.tools.what_if import after_file
    from rater.wire.shipped import shipped_book

    try:
        with source(file) as opened:
            log = read_log(lambda: lines_of(opened))
            own = None if log.exported or log.brings_book else shipped_book()
            found = after_file(log.lines, book, own=own, bare=not log.exported)
    except NotALog as error:
        raise fail(f"{file}: {error}", "make the file with: rater export --out FILE") from error
    if as_json:
        typer.echo(json.dumps(found.as_dict(), indent=2))
    if found.refused:
        raise fail(f"after {file} the book would be refused: {found.refused}", "nothing was published", status=1)
    if not as_json:
        _show(found, language)
        typer.echo(say("nothing-published", language), err=True)


def _show(found: WhatIf, language: Language, *, errors: bool = False) -> None:
    if not found.periods:
        typer.echo(say("re-rates-none", language), err=errors)
        return
    table = Table(title=say("re-rated", language), title_justify="left")
    for name in ("account", "period", "before", "change", "after", "currency"):
        table.add_column(say(name, language), justify="right" if name in {"before", "change", "after"} else "left")
    ranked = sorted(found.periods, key=lambda one: (-abs(one.change), one.account, one.period))
    for one in ranked[:SHOWN]:
        amounts = (f"{one.before:,f}", f"{one.change:+,f}", f"{one.after:,f}", one.currency)
        table.add_row(plain(one.account), plain(one.period), *amounts)
    if len(ranked) > SHOWN:
        table.add_row(say("more", language, count=f"{len(ranked) - SHOWN:,}"), "", "", "", "", "")
    table.add_section()
    accounts = len({one.account for one in ranked})
    before, after = sum(one.before for one in ranked), sum(one.after for one in ranked)
    table.add_row(
        say("accounts", language, count=f"{accounts:,}"), "", f"{before:,f}", f"{found.total:+,f}", f"{after:,f}", ""
    )
    show_table(table, console=terminal(errors=errors))


def _plans(names: tuple[str, ...]) -> str:
    return ("plan " if len(names) == 1 else "plans ") + ", ".join(names)
