"""`rater explain`: why a charge is what it is, line by line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rater.cli.errors import fail
from rater.cli.languages import InLanguage, language_of
from rater.cli.source import AsJson, Charges, Tariffs, look

if TYPE_CHECKING:
    from rater.readmodel.texts import Language


def explain(
    charge_id: Annotated[str, typer.Argument(help="The charge's id, account:period:number, as in A000123:2026-11:7.")],
    charges: Charges = None,
    tariffs: Tariffs = None,
    as_json: AsJson = False,
    language: InLanguage = None,
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
        _print(found, language_of(language))


def _print(charge: dict[str, Any], language: Language) -> None:
    from rich.table import Table

    from rater.cli.shown import plain, show_table, terminal
    from rater.readmodel.figures import money, units
    from rater.readmodel.line_texts import line_words
    from rater.readmodel.texts import meter_words, text

    console = terminal()
    late = text(language, "explained-late") if charge["late"] else ""
    plan, kind = charge.get("plan") or text(language, "no-plan"), text(language, f"{charge['kind']}-kind")
    under = text(language, "explained-head", kind=kind, late=late, plan=plan)
    console.print(plain(charge["charge_id"], "bold") + plain(f"  {under}"), soft_wrap=True)
    if "call" in charge:
        console.print(plain(_call_words(charge["call"], language)), soft_wrap=True)
    if labels := charge.get("call", {}).get("labels"):
        console.print(plain(", ".join(f"{name} {said}" for name, said in labels.items())), soft_wrap=True)
    for name in ("reason", "adjustment_id", "subscription_id"):
        if charge.get(name):
            console.print(plain(f"{text(language, name).lower()}: {charge[name]}"), soft_wrap=True)
    if "book" in charge:
        console.print(text(language, "reached-by", version=charge["book"]), soft_wrap=True)
    table = Table(show_header=False, box=None, padding=(0, 2))
    table.add_column()
    table.add_column(justify="right")
    for line in charge["lines"]:
        table.add_row(plain(line_words(line, language)), money(line["amount"]))
    if not charge["lines"]:
        table.add_row(text(language, "nothing-to-pay"), money(charge["amount"]))
    amount = f"[bold]{money(charge['amount'])}[/] {charge['currency']}"
    table.add_row(f"[bold]{text(language, 'amount').lower()}[/]", amount)
    table.add_row(text(language, "total-after"), money(charge["period_total"]))
    show_table(table, console=console)
    for meter, left in charge["allowance_left"].items():
        console.print(plain(text(language, "left-of", left=units(left), meter=meter_words(meter, language))))


def _not_connected(call: dict[str, Any], language: Language) -> str:
    """That it was not, and why where it was answered."""
    from rater.readmodel.answer_texts import why_not
    from rater.readmodel.texts import text

    said = text(language, "not-connected")
    if "not_connected" not in call:
        return said
    why = why_not(call["not_connected"], language)
    return f"{said}（{why}）" if language == "zh" else f"{said} ({why})"


def _call_words(call: dict[str, Any], language: Language) -> str:
    from rater.readmodel.texts import text

    talk = text(language, "explained-talk", talk=call["talk_seconds"], billed=call["billed_seconds"])
    return text(
        language,
        "explained-call",
        call_id=call["call_id"],
        source=call["source"],
        direction=text(language, call.get("direction") or "outbound"),
        of=text(language, "explained-class", name=call["class"]) if "class" in call else "",
        started_at=call["started_at"],
        state=talk if call["connected"] else _not_connected(call, language),
    )
