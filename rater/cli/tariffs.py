"""`rater tariffs`: check a tariff book, publish it into the log, show it as people read plans."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from rich.table import Table

from rater.cli.errors import fail
from rater.cli.languages import InLanguage, language_of
from rater.cli.shown import plain, show_table

if TYPE_CHECKING:
    from rater.readmodel.texts import Language
    from rater.wire.tariff_book import PlanWords, TariffBook
    from rater.wire.tariff_file import FileError

T = TypeVar("T")
MOST_ERRORS = 20
"""Of a rate deck, that are shown."""

app = typer.Typer(help="The tariff book: plans and their prices.", no_args_is_help=True)

File = Annotated[
    Path | None, typer.Argument(help="A tariff book in YAML; the shipped one if left out.", show_default=False)
]
AsJson = Annotated[bool, typer.Option("--json", help="Print as JSON.")]


def load(file: Path | None) -> TariffBook:
    """The book in a file, or the shipped one; the errors of a bad file are printed with their lines, and end it."""
    from rater.wire.shipped import shipped_book
    from rater.wire.tariff_file import load_book

    return shipped_book() if file is None else _right(file, load_book(_read(file)))


def load_draft(file: Path) -> PlanWords:
    """The plan that stands alone in a file, in words as of one plan of a book; errors as of `load`."""
    from rater.wire.tariff_file import load_plan

    return _right(file, load_plan(_read(file)))


def _read(file: Path) -> bytes:
    from rater.cli.files import source
    from rater.wire.yaml_tree import MAX_BYTES as LARGEST

    with source(file) as opened:
        return opened.read(LARGEST + 1)


def _right(file: Path, found: T | tuple[FileError, ...]) -> T:
    if isinstance(found, tuple):
        for wrong in found:
            typer.secho(f"{file}:{wrong}", err=True, fg=typer.colors.RED)
        raise fail(f"{len(found)} error(s); nothing was published", f"mend them, then: rater tariffs check {file}", 1)
    return found


@app.command()
def check(file: File = None) -> None:
    """Check a tariff book, or a plan alone; errors name line and column. Exit status 1 if there are any."""
    from rater.readmodel.plan_texts import plan_words
    from rater.wire.tariff_file import is_plan_alone, load_book, load_plan

    data = None if file is None else _read(file)
    if file is not None and data is not None and is_plan_alone(data):
        draft = _right(file, load_plan(data))
        typer.echo(f"{file}: a plan alone, no errors: {plan_words(draft.to_core(file.stem))}")
        return
    book = load(None) if file is None or data is None else _right(file, load_book(data))
    typer.echo(f"{file or 'the shipped book'}: version {book.version}, {len(book.plans)} plans, no errors")


@app.command()
def build(
    deck: Annotated[Path, typer.Argument(help="A rate deck in CSV: prefix, rate, and a name if there is one.")],
    increment: Annotated[str, typer.Option(help="Of the minutes: the first seconds, then steps.")] = "60/60",
) -> None:
    """Make classes of calls from a rate deck, one for each rate: prints what a tariff book needs of them, in YAML."""
    from rater.tools.rate_deck import DeckError, DeckLine, book_part, read_deck
    from rater.wire.meter_words import INCREMENT

    if not re.fullmatch(INCREMENT, increment):
        raise fail(f"{increment} is no increment", "write it like 60/60")
    try:
        text = _read(deck).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise fail(f"{deck} is no text in UTF-8", "save the deck as CSV in UTF-8") from None
    found = read_deck(text)
    wrong = [one for one in found if isinstance(one, DeckError)]
    if wrong:
        raise fail("\n".join(f"{deck}:{error}" for error in wrong[:MOST_ERRORS]), "nothing was made", status=1)
    entries = [one for one in found if isinstance(one, DeckLine)]
    typer.echo(f"# {deck.name}: {len(entries)} prefixes")
    typer.echo(book_part(entries, increment), nl=False)


@app.command()
def publish(
    file: File = None,
    what_if: Annotated[
        Path | None, typer.Option(help="Publish nothing: show what the book would change at the end of this log file.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before open periods are re-rated.")] = False,
    as_json: AsJson = False,
    language: InLanguage = None,
) -> None:
    """Write a tariff book into every partition of the log, in one transaction; workers switch to it there.

    A book that would be refused (an older version, a changed plan) is not written; what it changes is shown. So is whom
    a book that reaches back changes, and by how much, before it is written.
    """
    from rater.cli.publishing import foretell, reckon

    book = load(file)
    if what_if is not None:
        reckon(book, what_if, language_of(language), as_json=as_json)
        return
    foretell(book, language_of(language), yes=yes)
    _write(book, as_json=as_json)


def _write(book: TariffBook, *, as_json: bool) -> None:
    from rater.kafka.log_writer import publish_book
    from rater.kafka.settings import Settings

    settings = Settings()
    offsets = asyncio.run(publish_book(settings, book))
    if as_json:
        typer.echo(json.dumps({"version": book.version, "offsets": offsets}))
        return
    typer.echo(f"version {book.version} with {len(book.plans)} plans is in {settings.topic('calls')}, in effect from:")
    for partition, offset in sorted(offsets.items()):
        typer.echo(f"  partition {partition:>4}  offset {offset:>12,}")
    typer.echo(f"should a worker refuse it after all, that shows in {settings.topic('rejected')}")


@app.command()
def show(
    plan: Annotated[str | None, typer.Argument(help="Only this plan.", show_default=False)] = None,
    file: Annotated[Path | None, typer.Option("--file", help="A tariff book in YAML, not the shipped one.")] = None,
    as_json: AsJson = False,
    language: InLanguage = None,
) -> None:
    """Show a tariff book's plans as people read them."""
    from rater.readmodel.plan_texts import plan_terms
    from rater.readmodel.texts import text

    book = load(file)
    if plan is not None and plan not in book.plans:
        raise fail(f"there is no plan {plan}", f"the plans are: {', '.join(book.plans)}")
    names = [plan] if plan else list(book.plans)
    if as_json:
        words = json.loads(book.model_dump_json(exclude_unset=True))
        typer.echo(json.dumps(words | {"plans": {name: words["plans"][name] for name in names}}, indent=2))
        return
    said = language_of(language)
    table = Table(title=f"{text(said, 'book', version=book.version)}, {book.currency}")
    for heading in ("plan", "what", "price"):
        table.add_column(text(said, heading).lower())
    plans = {name: core for name, core in book.to_core().plans.items() if name in names}
    for name, core in plans.items():
        table.add_section()
        for number, term in enumerate(plan_terms(core, said)):
            table.add_row("" if number else name + _default(book, name, said), plain(term.what), plain(term.price))
    show_table(table)


def _default(book: TariffBook, name: str, language: Language) -> str:
    from rater.readmodel.texts import text

    return f" ({text(language, 'default')})" if book.default_plan == name else ""
