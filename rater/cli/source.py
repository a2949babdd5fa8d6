"""Where the verbs that look at accounts read from: a file of charges, the read model, or the topics themselves."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rater.cli.errors import fail
from rater.cli.export import bar

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from rater.kafka.settings import Settings
    from rater.readmodel.store import Store

Charges = Annotated[
    Path | None,
    typer.Option(
        "--charges",
        help="Read this file of charges (rater rate LOG --out FILE; - is standard input). If left out: the read model "
        "that RATER_DATABASE_URL names, brought up to date; without one, the account's partition in Kafka.",
        show_default=False,
    ),
]
Tariffs = Annotated[
    Path | None,
    typer.Option("--tariffs", help="The tariff book that goes with --charges; the shipped one if left out."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print as JSON.")]


@contextmanager
def look(account: str | None, charges: Path | None, tariffs: Path | None) -> Iterator[Connection]:
    """One moment of a read model in which the account is up to date; None for all accounts."""
    from rater.kafka.settings import Settings
    from rater.readmodel.store import MEMORY, Store

    if tariffs is not None and charges is None:
        raise fail("--tariffs goes with --charges: elsewhere the published books are read", "leave it out")
    settings = Settings()
    url = settings.database_url.get_secret_value() if settings.database_url else None
    store = Store(MEMORY if charges is not None or url is None else url)
    try:
        store.open(settings.topic_prefix)
        if charges is not None:
            _load(store, charges, tariffs)
        else:
            asyncio.run(_catch_up(settings, store, account if url is None else None))
        with store.read() as connection:
            yield connection
    finally:
        store.close()


def _load(store: Store, charges: Path, tariffs: Path | None) -> None:
    from rater.cli.files import lines_of, once_from_stdin, source
    from rater.cli.tariffs import load
    from rater.readmodel.from_files import OtherCurrency, load_book, load_charges

    once_from_stdin(charges, tariffs)
    book = load(tariffs)
    load_book(store, book)
    with source(charges) as opened:
        try:
            load_charges(store, lines_of(opened), book.currency)
        except OtherCurrency as error:
            named = "the shipped tariff book" if tariffs is None else str(tariffs)
            next_step = "name the book that the charges were rated under: --tariffs FILE"
            raise fail(f"{charges}: {error}; {named} is in {book.currency}", next_step) from error


async def _catch_up(settings: Settings, store: Store, account: str | None) -> None:
    from rater.kafka.reader import log_partitions
    from rater.readmodel.follower import Follower
    from rater.seam.partitions import partition_of

    only = None
    if account is not None:
        only = {partition_of(account.encode(), await log_partitions(settings))}
    with bar(show=sys.stderr.isatty()) as progress:
        task = progress.add_task("reading charges", total=None)
        await Follower(settings, store, only).catch_up(
            lambda passed, total: progress.update(task, completed=passed, total=total)
        )
