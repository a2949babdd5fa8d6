"""`rater project`: the topics into the read model, which the console, the API and the statements look at."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from rater.cli.export import bar

if TYPE_CHECKING:
    from rater.kafka.settings import Settings
    from rater.readmodel.store import Store


DEFAULT = "sqlite:///rater.db"


def project(
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Throw the read model away and build it anew.")] = False,
    once: Annotated[bool, typer.Option("--once", help="End when it is up to date; else go on forever.")] = False,
) -> None:
    """Bring the read model (RATER_DATABASE_URL, or the file rater.db) up to date with the topics, and keep it so.

    Exactly once: what was read is written in the same transaction as what came of it. `rater console` does this too.
    """
    from rater.app import logs
    from rater.kafka.settings import Settings

    settings = Settings()
    logs.set_up(settings.log_level, as_json=settings.log_json)
    store = open_store(settings, rebuild=rebuild)
    try:
        asyncio.run(_project(settings, store, once=once))
        with store.read() as connection:
            from rater.readmodel.store import count
            from rater.readmodel.tables import charges, periods

            found = (count(connection, charges), count(connection, periods))
        typer.echo(f"{found[0]:,} charges in {found[1]:,} periods are in the read model", err=True)
    except KeyboardInterrupt:
        typer.echo("stopped; it goes on from here when it is started again", err=True)
    finally:
        store.close()


def open_store(settings: Settings, *, rebuild: bool = False) -> Store:
    """The read model that the settings name; a SQLite file in this folder if they name none."""
    from rater.readmodel.store import Store

    store = Store(settings.database_url.get_secret_value() if settings.database_url else DEFAULT)
    store.open(settings.topic_prefix, rebuild=rebuild)
    return store


async def _project(settings: Settings, store: Store, *, once: bool) -> None:
    from rater.readmodel.follower import Follower

    follower = Follower(settings, store)
    with bar(show=sys.stderr.isatty()) as progress:
        task = progress.add_task("reading the topics", total=None)
        await follower.catch_up(lambda passed, total: progress.update(task, completed=passed, total=total))
    if not once:
        await Follower(settings, store).run()
