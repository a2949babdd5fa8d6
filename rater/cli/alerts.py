"""`rater alerts`: the alerts that were raised, and the thresholds of one's own in a file of `rater notify`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rater.cli.files import exclusive
from rater.cli.languages import InLanguage, language_of
from rater.cli.source import AsJson, look

app = typer.Typer(help="What was raised, and thresholds of one's own.", no_args_is_help=True)


@app.command("list")
def list_alerts(
    account: Annotated[str | None, typer.Option(help="Only this account's.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="The newest so many.")] = 50,
    language: InLanguage = None,
    as_json: AsJson = False,
) -> None:
    """List alerts, the newest first: allowances used up, caps reached, connect rates below a guarantee.

    Example: rater alerts list --account A000028
    """
    import orjson
    from rich.table import Table

    from rater.cli.shown import plain, show_table
    from rater.readmodel.overall import alerts_of
    from rater.readmodel.texts import alert_words

    exclusive(json=as_json, language=language)
    with look(account, None, None) as connection:
        found = alerts_of(connection, account, limit=limit)
    if as_json:
        typer.echo(orjson.dumps(found).decode())
        return
    if not found:
        typer.echo("nothing was raised")
        return
    table = Table("at", "account", "period", "what")
    for one in found:
        cells = (one["at"][:19], one["account"], one["period"], alert_words(one, language_of(language)))
        table.add_row(*map(plain, cells))
    show_table(table)


@app.command()
def thresholds(file: Annotated[Path, typer.Argument(help="A file of rater notify.")]) -> None:
    """Show the thresholds of a file: at what it is told, and for whom."""
    from rich.table import Table

    from rater.cli.notify import words_of
    from rater.cli.shown import plain, show_table

    table = Table("threshold", "account", "reached at")
    for one in words_of(file).thresholds:
        if one.allowance is not None:
            at = f"{one.allowance} % of an allowance"
        elif one.spend is not None:
            at = f"{one.spend} of spend in a period"
        elif one.calls_a_minute is not None:
            at = f"{one.calls_a_minute.times} times the usual calls a minute, from {one.calls_a_minute.at_least} on"
        else:
            at = f"{one.rejected_a_minute} rejected records in a minute"
        table.add_row(plain(one.name), plain(one.account or "all"), at)
    show_table(table)
