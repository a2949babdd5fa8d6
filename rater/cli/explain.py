"""`rater explain`: why a charge is what it is, line by line."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from rater.cli.errors import fail
from rater.cli.source import AsJson, Charges, Tariffs, look


def explain(
    charge_id: Annotated[str, typer.Argument(help="The charge's id, account:period:number, as in A000123:2026-11:7.")],
    charges: Charges = None,
    tariffs: Tariffs = None,
    as_json: AsJson = False,
) -> None:
    """Explain a charge: the call, the plan, each line of the amount, and the period's total up to it."""
    from rater.readmodel.queries import charge

    with look(charge_id.partition(":")[0], charges, tariffs) as connection:
        found = charge(connection, charge_id)
    if found is None:
        raise fail(f"there is no charge {charge_id}", "an id is account:period:number; rater statement lists them", 1)
    if as_json:
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        _print(found)


def _print(charge: dict[str, Any]) -> None:
    from rich.table import Table

    from rater.cli.shown import plain, show_table, terminal
    from rater.readmodel.line_texts import line_words

    console = terminal()
    late = ", late" if charge["late"] else ""
    under = f"  {charge['kind']}{late}, under {charge.get('plan') or 'no plan'}"
    console.print(plain(charge["charge_id"], "bold") + plain(under), soft_wrap=True)
    call = charge.get("call")
    if call:
        talk = f"{call['talk_seconds']} s of talk, {call['billed_seconds']} s billed"
        state = talk if call["connected"] else "not connected: free"
        what = f"call {call['call_id']} of {call['source']}, {call.get('direction')}, {call['started_at']}: {state}"
        console.print(plain(what), soft_wrap=True)
    for name in ("reason", "adjustment_id", "subscription_id"):
        if charge.get(name):
            console.print(plain(f"{name.replace('_', ' ')}: {charge[name]}"), soft_wrap=True)
    table = Table(show_header=False, box=None, padding=(0, 2))
    table.add_column()
    table.add_column(justify="right")
    for line in charge["lines"]:
        table.add_row(plain(line_words(line)), line["amount"])
    if not charge["lines"]:
        table.add_row("nothing to pay", charge["amount"])
    table.add_row("[bold]amount[/]", f"[bold]{charge['amount']}[/] {charge['currency']}")
    table.add_row("the period's total after it", charge["period_total"])
    show_table(table, console=console)
    for meter, left in charge["allowance_left"].items():
        console.print(f"left of the allowance: {left} {meter}")
