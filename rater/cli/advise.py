"""`rater advise` and `rater connect-rate`: which plan fits an account, and whether its connect rate is reasonable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from rater.cli.errors import fail
from rater.cli.source import AsJson, Charges, Tariffs, look

if TYPE_CHECKING:
    from rater.console.views import AdviceView, PeriodView

Account = Annotated[str, typer.Argument(help="The account's id.")]


def advise(account: Account, charges: Charges = None, tariffs: Tariffs = None, as_json: AsJson = False) -> None:
    """Say which plan fits: what each would have cost in every past month, from the account's real calls."""
    from rater.console.advice import advice_on

    with look(account, charges, tariffs) as connection:
        found = advice_on(connection, account)
    if found is None:
        raise fail(f"nothing was ever charged to {account}", "see the accounts with: rater rate LOG --summary", 1)
    if as_json:
        typer.echo(found.model_dump_json(indent=2))
    elif not found.months:
        typer.echo("no month of the account is over yet: there is nothing to compare")
    else:
        _print(found)


def _print(found: AdviceView) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    table = Table(title=f"{found.account}: what each plan would have cost, {found.currency}", title_justify="left")
    table.add_column("plan")
    for month in found.months:
        table.add_column(month.period, justify="right")
    table.add_column("total", justify="right")
    table.add_column("worst month", justify="right")
    for offer in found.offers:
        marks = ("[bold green]" if offer.plan == found.best else "", " (now)" if offer.plan == found.current else "")
        table.add_row(f"{marks[0]}{offer.plan}{marks[1]}", *offer.costs, f"[bold]{offer.total}[/]", offer.worst)
    table.add_section()
    table.add_row("was charged", *(month.paid for month in found.months), found.paid, "")
    table.add_row("minutes", *(f"{month.talk_seconds / 60:,.0f}" for month in found.months), "", "")
    table.add_row("connected calls", *(f"{month.connected_calls:,}" for month in found.months), "", "")
    console.print(table)
    for sentence in sentences(found):
        console.print(sentence)


def sentences(found: AdviceView) -> list[str]:
    """The advice in words."""
    best = found.offers[0]
    months = f"{len(found.months)} month{'s' if len(found.months) > 1 else ''}"
    told = [f"[bold]{best.plan}[/] is the cheapest over {months}: {best.total}, in the worst month {best.worst}."]
    if found.current == best.plan:
        told.append("The account is on it.")
    elif not found.too_much.startswith("-"):
        told.append(f"It paid {found.paid}, which is {found.too_much} more.")
    else:
        told.append(f"It paid {found.paid}, {found.too_much[1:]} less than under any plan of the book as it is.")
    if found.swings:
        told.append("Its volume swings: the fullest month has at least twice the quietest.")
    guard = found.protection
    if guard is not None:
        told.append(
            f"{guard.package} caps the bad month at {guard.package_worst}; {guard.hybrid} came to {guard.hybrid_worst} "
            f"in its worst ({_more(guard.caps)})."
        )
        told.append(
            f"{guard.hybrid} follows the volume: in {guard.saves_in} it costs {guard.saves} less."
            if not guard.saves.startswith("-")
            else f"{guard.hybrid} is cheaper in no month."
        )
    return told


def _more(amount: str) -> str:
    return f"{amount[1:]} less" if amount.startswith("-") else f"{amount} more"


def connect_rate(account: Account, charges: Charges = None, tariffs: Tariffs = None, as_json: AsJson = False) -> None:
    """Say whether the account's connect rate is reasonable: by period, with its 95 % interval and the book's band."""
    import json

    from rater.console.queries import account_periods

    with look(account, charges, tariffs) as connection:
        found = account_periods(connection, account)
    if not found:
        raise fail(f"nothing was ever charged to {account}", "see the accounts with: rater rate LOG --summary", 1)
    if as_json:
        told = [{"period": one.period, **one.connect_rate.model_dump()} for one in found]
        typer.echo(json.dumps({"account": account, "periods": told}, indent=2))
    else:
        _print_rates(account, found)


def _print_rates(account: str, found: list[PeriodView]) -> None:
    from rich.console import Console
    from rich.table import Table

    from rater.cli.words import VERDICTS

    low, high = found[0].connect_rate.band
    title = f"{account}: outbound calls that were connected; reasonable is {_percent(low)} to {_percent(high)}"
    table = Table(title=title, title_justify="left")
    table.add_column("period")
    for name in ("attempts", "connected", "rate", "95 % interval"):
        table.add_column(name, justify="right")
    table.add_column("verdict")
    for one in found:
        rate = one.connect_rate
        between = f"{_percent(rate.low)} - {_percent(rate.high)}"
        counts = (f"{rate.attempts:,}", f"{rate.connected:,}")
        table.add_row(one.period, *counts, _percent(rate.rate), between, VERDICTS[rate.verdict])
    Console(highlight=False).print(table)


def _percent(share: str | None) -> str:
    from decimal import Decimal

    return "-" if share is None else f"{Decimal(share) * 100:.1f} %"
