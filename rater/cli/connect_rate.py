"""`rater connect-rate`: whether an account's connect rate is reasonable."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from rater.cli.errors import fail
from rater.cli.languages import InLanguage, language_of
from rater.cli.source import AsJson, Charges, Tariffs, look

if TYPE_CHECKING:
    from rater.readmodel.texts import Language
    from rater.readmodel.views import ConnectRate, PeriodView

AccountArgument = Annotated[str, typer.Argument(help="The account's id.")]
By = Annotated[
    str | None,
    typer.Option(
        "--by", help="class, or a label (route): each by itself, as the charges tell it.", metavar="class|LABEL"
    ),
]


def connect_rate(
    account: AccountArgument,
    charges: Charges = None,
    tariffs: Tariffs = None,
    by: By = None,
    as_json: AsJson = False,
    language: InLanguage = None,
) -> None:
    """Say whether the account's connect rate is reasonable: by period, with its 95 % interval and the book's band."""
    from rater.readmodel.part_rates import rates_by
    from rater.readmodel.queries import account_periods
    from rater.wire.fields import LABEL_NAME

    if by is not None and not re.fullmatch(LABEL_NAME, by):
        raise fail(f"--by: {by!r} is no label", "write --by class, or a label like --by route")
    said = language_of(language)
    with look(account, charges, tariffs) as connection:
        found = account_periods(connection, account)
        classes = rates_by(connection, account, by) if by else {}
    if not found:
        raise fail(f"nothing was ever charged to {account}", "see the accounts with: rater rate LOG --summary", 1)
    if as_json:
        typer.echo(json.dumps({"account": account, "periods": _periods(found, classes, by)}, indent=2))
    elif by:
        rows = [((name, of), rate) for (name, of), rate in classes.items()]
        _print_rates(account, ("period", by), rows, found[0].connect_rate, said)
    else:
        _print_rates(account, ("period",), [((o.period,), o.connect_rate) for o in found], found[0].connect_rate, said)
        _print_guarantees(found, said)


def _periods(
    found: Iterable[PeriodView], parts: Mapping[tuple[str, str], ConnectRate], by: str | None
) -> list[dict[str, object]]:
    return [
        {"period": one.period, **one.connect_rate.model_dump()}
        | ({} if one.guarantee is None else {"guarantee": one.guarantee.model_dump()})
        | ({} if by is None else {NAMES.get(by, by): _of(parts, one.period)})
        for one in found
    ]


NAMES = {"class": "classes"}
"""What the rates by class stand under in JSON; those by a label stand under its name."""


def _of(parts: Mapping[tuple[str, str], ConnectRate], period: str) -> dict[str, object]:
    return {of: rate.model_dump() for (name, of), rate in parts.items() if name == period}


def _print_rates(
    account: str,
    by: Sequence[str],
    rows: Iterable[tuple[Sequence[str], ConnectRate]],
    any_rate: ConnectRate,
    language: Language,
) -> None:
    from rich.table import Table

    from rater.cli.shown import plain, show_table
    from rater.readmodel.texts import percent, text, verdict_words

    low, high = map(percent, any_rate.band)
    title = text(language, "connect-rate-title", account=account, low=low, high=high)
    table = Table(title=plain(title), title_justify="left")
    for name in by:
        table.add_column(text(language, name).lower() if name in {"period", "class"} else name)
    for name in ("attempts", "connected", "share", "interval"):
        table.add_column(text(language, name).lower(), justify="right")
    table.add_column(text(language, "verdict").lower())
    for names, rate in rows:
        between = f"{percent(rate.low)} - {percent(rate.high)}"
        counts = (f"{rate.attempts:,}", f"{rate.connected:,}", percent(rate.rate), between)
        table.add_row(*(plain(name or "-") for name in names), *counts, verdict_words(rate.verdict, language))
    show_table(table)


def _print_guarantees(found: Iterable[PeriodView], language: Language) -> None:
    from rater.cli.shown import plain, terminal
    from rater.readmodel.line_texts import guarantee_words

    for one in found:
        if one.guarantee is not None:
            terminal().print(plain(f"{one.period}: {guarantee_words(one.guarantee, language)}"))
