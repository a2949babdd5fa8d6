"""`rater advise`: which plan fits an account, or figures that somebody thinks of."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rater.cli.errors import fail
from rater.cli.languages import InLanguage, language_of
from rater.cli.source import AsJson, Charges, Tariffs, look

if TYPE_CHECKING:
    from rater.rating.advice import Figures
    from rater.rating.book import Plan

KnownAccount = Annotated[
    str | None, typer.Argument(help="The account's id; left out with --minutes.", show_default=False)
]
PlanFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--plan-file", help="Compare this draft of a plan too (YAML, as one plan of a book). May be repeated."
    ),
]
Minutes = Annotated[
    str | None, typer.Option("--minutes", help="Without a history: billed minutes a month, 800 or 800..1200.")
]
Calls = Annotated[str | None, typer.Option("--calls", help="With --minutes: connected calls a month, 300 or 250..400.")]
Attempts = Annotated[
    str | None, typer.Option("--attempts", help="With --minutes: attempts a month; as many as calls if left out.")
]

_range = re.compile(r"([0-9]{1,9})(?:\.\.([0-9]{1,9}))?").fullmatch


def advise(
    account: KnownAccount = None,
    charges: Charges = None,
    tariffs: Tariffs = None,
    plan_file: PlanFiles = None,
    minutes: Minutes = None,
    calls: Calls = None,
    attempts: Attempts = None,
    language: InLanguage = None,
    as_json: AsJson = False,
) -> None:
    """Say which plan fits: what each would have cost in every past month, from the account's real calls.

    Without a history: what each would cost for --minutes and --calls, each a number or a range.
    """
    drafts = _drafts(plan_file or [])
    figures = {"--minutes": minutes, "--calls": calls, "--attempts": attempts}
    if account is not None:
        said = [name for name, value in figures.items() if value is not None]
        if said:
            raise fail(f"{said[0]} is for a customer without a history", "leave it out, or leave out the account")
        _on_history(account, charges, tariffs, drafts, language, as_json=as_json)
        return
    if minutes is None and calls is None:
        raise fail("there is nothing to go by", "name an account, or --minutes 800..1200 --calls 300")
    if charges is not None:
        raise fail("--charges goes with an account", "leave it out: figures need none")
    _on_figures(_months(figures), tariffs, drafts, language, as_json=as_json)


def _on_history(
    account: str,
    charges: Path | None,
    tariffs: Path | None,
    drafts: dict[str, Plan],
    language: str | None,
    *,
    as_json: bool,
) -> None:
    from rater.cli.advice_tables import print_advice, print_sentences
    from rater.readmodel.advice import advice_on

    with look(account, charges, tariffs) as connection:
        found = advice_on(connection, account, drafts)
    if found is None:
        raise fail(f"nothing was ever charged to {account}", "see the accounts with: rater rate LOG --summary", 1)
    if as_json:
        typer.echo(found.model_dump_json(indent=2))
    elif not found.months:
        typer.echo("no month of the account is over yet: there is nothing to compare")
        print_sentences(found, language_of(language))
    else:
        print_advice(found, language_of(language))


def _on_figures(
    months: list[Figures], tariffs: Path | None, drafts: dict[str, Plan], language: str | None, *, as_json: bool
) -> None:
    from rater.cli.advice_tables import print_what_if
    from rater.cli.tariffs import load
    from rater.readmodel.advice import what_if_view

    book = load(tariffs).to_core()
    found = what_if_view(months, {**book.plans, **drafts}, book)
    if as_json:
        typer.echo(found.model_dump_json(indent=2))
    else:
        print_what_if(found, language_of(language))


def _drafts(files: list[Path]) -> dict[str, Plan]:
    """The drafts by their files' names."""
    from rater.cli.tariffs import load_draft

    found: dict[str, Plan] = {}
    for file in files:
        name = f"{file.stem} (draft)"
        if name in found:
            raise fail(f"{file}: there is another draft of this name", "give the file another name")
        found[name] = load_draft(file).to_core(name)
    return found


def _months(figures: dict[str, str | None]) -> list[Figures]:
    """The least, the middle and the most of the ranges; one month where they are numbers."""
    from rater.rating.advice import Figures

    spans = {name: _span(name, value) for name, value in figures.items() if value is not None}
    least, most = ({name: span[end] for name, span in spans.items()} for end in (0, 1))
    middle = {name: (least[name] + most[name]) // 2 for name in spans}
    found: list[Figures] = []
    for one in (least, middle, most):
        calls = one.get("--calls", 0)
        month = Figures(one.get("--minutes", 0), calls, one.get("--attempts", calls))
        if month.attempts < month.calls:
            raise fail(f"{month.calls} calls need as many attempts, not {month.attempts}", "mend --attempts")
        if month not in found:
            found.append(month)
    return found


def _span(name: str, value: str) -> tuple[int, int]:
    match = _range(value)
    if match is None:
        raise fail(f"{name}: {value!r} is no number and no range", f"write it like {name} 800 or {name} 800..1200")
    first, last = int(match[1]), int(match[2] or match[1])
    if last < first:
        raise fail(f"{name}: {value!r} ends before it begins", f"write it like {name} {last}..{first}")
    return first, last
