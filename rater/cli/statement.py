"""`rater statement`: what an account's period comes to, as a table, JSON, CSV, or a page that prints well."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from rater.cli.errors import fail
from rater.cli.files import exclusive, not_an_input, output
from rater.cli.languages import InLanguage, language_of
from rater.cli.source import AsJson, Charges, Tariffs, look

if TYPE_CHECKING:
    from rater.readmodel.statement import Statement
    from rater.readmodel.texts import Language

PAGE = 1000
"""Charges of a table: a longer one takes memory and time that nobody has, and its widths tell of rows far away."""


def statement(
    account: Annotated[str, typer.Argument(help="The account's id.")],
    period: Annotated[str, typer.Argument(help="The period's name: 2026-11, or 2026-11-15 for a billing day of 15.")],
    charges: Charges = None,
    tariffs: Tariffs = None,
    items: Annotated[bool, typer.Option("--items", help="List every charge below the summary.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print every charge as CSV.")] = False,
    html: Annotated[Path | None, typer.Option("--html", help="Write a page that prints well.")] = None,
    pdf: Annotated[Path | None, typer.Option("--pdf", help="Write a PDF: pip install 'rater[pdf]'.")] = None,
    annex: Annotated[bool, typer.Option("--annex", help="With --html or --pdf: every charge.")] = False,
    language: InLanguage = None,
    as_json: AsJson = False,
) -> None:
    """Show what an account's period comes to: fee, units by rate, adjustments, and the charges behind them.

    Who issues it and who the customer is stand in the files of RATER_ISSUER_FILE and RATER_CUSTOMERS_FILE.
    """
    exclusive(html=html, pdf=pdf, csv=as_csv, json=as_json, items=items)
    not_an_input(html or pdf, charges, tariffs)
    from rater.readmodel.queries import account_periods
    from rater.readmodel.statement import statement as made

    with look(account, charges, tariffs) as connection:
        found = made(connection, account, period)
        if found is None:
            known = [one.period for one in account_periods(connection, account)]
            there = f"{account} has {', '.join(known[:12])}" if known else f"nothing was ever charged to {account}"
            raise fail(f"{account} has no charges in {period}", there, status=1)
        if html is not None or pdf is not None:
            _page(found, html, pdf, None if language is None else language_of(language), annex=annex)
        elif as_json:
            with output(None) as file:
                file.writelines(found.as_json())
                file.write(b"\n")
        elif as_csv:
            _csv(found)
        else:
            _print(found, language_of(language), items=items)


def _page(found: Statement, html: Path | None, pdf: Path | None, language: Language | None, *, annex: bool) -> None:
    from rater.console.statement_page import StatementLook, as_html, as_pdf
    from rater.kafka.settings import Settings
    from rater.readmodel.directory import Directory

    settings = Settings()
    directory = Directory(settings.issuer_file, settings.customers_file)
    numbers = settings.mask_numbers != "all"
    look = StatementLook.of(directory, found, language, language_of(None), numbers=numbers, annex=annex)
    pieces = as_html(found, look) if html is not None else (as_pdf(found, look),)
    with output(html or pdf) as file:
        file.writelines(pieces)
    typer.echo(f"written to {html or pdf}", err=True)


def _csv(found: Statement) -> None:
    from rater.readmodel.exports import CHARGE_COLUMNS, charge_cells, csv_rows

    with output(None) as file:
        file.writelines(csv_rows(map(charge_cells, found.charges), CHARGE_COLUMNS))


def _print(found: Statement, language: Language, *, items: bool) -> None:
    from rich.table import Table

    from rater.cli.shown import plain, show_table, terminal
    from rater.readmodel.figures import money, units
    from rater.readmodel.line_texts import statement_words
    from rater.readmodel.statement import by_kind
    from rater.readmodel.texts import text

    def say(word: str) -> str:
        return text(language, word).lower()

    view = found.period
    state = say("closed" if view.closed else "not-final")
    table = Table(title=plain(f"{view.account}, {view.period} ({state}), {view.currency}"), title_justify="left")
    table.add_column(say("plan"))
    table.add_column(say("what"))
    for name in ("included", "billed", "rate", "amount"):
        table.add_column(say(name), justify="right")
    for line in found.lines:
        what = statement_words(line, language)
        many = (units(one) if one != "0" else "" for one in (line.covered, line.billable))
        rate = money(line.rate) if line.rate else ""
        table.add_row(plain(line.plan), plain(what), *many, rate, money(line.amount))
    table.add_section()
    table.add_row("", f"[bold]{say('total')}[/]", "", "", "", f"[bold]{money(view.total)}[/]")
    console = terminal()
    show_table(table, console=console)
    parts = (f"{text(language, 'of-which', part=say(name))} {money(amount)}" for name, amount in by_kind(view).items())
    console.print(("，" if language == "zh" else ", ").join(parts))
    counts = {"charges": f"{view.charges:,}", "calls": f"{view.connected_calls:,}"}
    console.print(text(language, "statement-counts", **counts, minutes=f"{view.talk_seconds / 60:,.0f}"))
    if items:
        charges = found.charges
        while page := list(islice(charges, PAGE)):
            show_table(_items(page, view.time_zone or "UTC", language), console=console)
    else:
        console.print(text(language, "every-charge"), style="dim")


def _items(charges: Iterable[Mapping[str, Any]], zone_name: str, language: Language) -> Any:
    from rich.table import Table

    from rater.cli.shown import plain
    from rater.readmodel.figures import local, money
    from rater.readmodel.texts import text

    zone = ZoneInfo(zone_name)
    table = Table()
    for name in ("no", "kind", "started", "call", "talk", "amount", "total"):
        head = text(language, name).lower()
        head = f"{head} ({zone_name})" if name == "started" else head
        table.add_column(head, justify="right" if name in {"no", "talk", "amount", "total"} else "left")
    for charge in charges:
        call = charge.get("call") or {}
        talk = f"{call['talk_seconds']} s" if call.get("connected") else "-" if call else ""
        what = (
            call.get("call_id")
            or charge.get("reason")
            or charge.get("subscription_id")
            or _reached_by(charge, language)
        )
        started = local(call.get("started_at"), zone)
        numbers = (money(charge["amount"]), money(charge["period_total"]))
        kind = text(language, f"{charge['kind']}-kind")
        table.add_row(f"{charge['seq']:,}", kind, started, plain(what), talk, *numbers)
    return table


def _reached_by(charge: Mapping[str, Any], language: Language) -> str:
    from rater.readmodel.texts import text

    return text(language, "reached-by", version=charge["book"]) if "book" in charge else ""
