"""`rater connect-rate`: whether an account's connect rate is reasonable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from rater.cli.errors import fail
from rater.cli.source import AsJson, Charges, Tariffs, look

if TYPE_CHECKING:
    from rater.readmodel.views import PeriodView

AccountArgument = Annotated[str, typer.Argument(help="The account's id.")]


def connect_rate(
    account: AccountArgument, charges: Charges = None, tariffs: Tariffs = None, as_json: AsJson = False
) -> None:
    """Say whether the account's connect rate is reasonable: by period, with its 95 % interval and the book's band."""
    import json

    from rater.readmodel.queries import account_periods

    with look(account, charges, tariffs) as connection:
        found = account_periods(connection, account)
    if not found:
        raise fail(f"nothing was ever charged to {account}", "see the accounts with: rater rate LOG --summary", 1)
    if as_json:
        rates = [
            {"period": one.period, **one.connect_rate.model_dump()}
            | ({} if one.guarantee is None else {"guarantee": one.guarantee.model_dump()})
            for one in found
        ]
        typer.echo(json.dumps({"account": account, "periods": rates}, indent=2))
    else:
        _print_rates(account, found)


def _print_rates(account: str, found: list[PeriodView]) -> None:
    from rich.table import Table

    from rater.cli.shown import plain, show_table, terminal
    from rater.readmodel.line_texts import guarantee_words
    from rater.readmodel.texts import percent, verdict_words

    low, high = found[0].connect_rate.band
    title = f"{account}: outbound calls that were connected; reasonable is {percent(low)} to {percent(high)}"
    table = Table(title=plain(title), title_justify="left")
    table.add_column("period")
    for name in ("attempts", "connected", "rate", "95 % interval"):
        table.add_column(name, justify="right")
    table.add_column("verdict")
    for one in found:
        rate = one.connect_rate
        between = f"{percent(rate.low)} - {percent(rate.high)}"
        counts = (f"{rate.attempts:,}", f"{rate.connected:,}")
        table.add_row(one.period, *counts, percent(rate.rate), between, verdict_words(rate.verdict))
    show_table(table)
    for one in found:
        if one.guarantee is not None:
            terminal().print(plain(f"{one.period}: {guarantee_words(one.guarantee)}"))
