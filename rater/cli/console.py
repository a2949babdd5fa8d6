"""`rater console`: the pages for people and the REST API, over the read model that it keeps up to date."""

from __future__ import annotations

from typing import Annotated

import typer

from rater.cli.errors import fail
from rater.cli.project import open_store


def console(
    host: Annotated[str | None, typer.Option(help="Where to listen; RATER_CONSOLE_HOST, or this machine only.")] = None,
    port: Annotated[int | None, typer.Option(help="The port; RATER_CONSOLE_PORT. 0 takes a free one.")] = None,
) -> None:
    """Serve the console and the REST API: what was charged, to look at. Nobody can write anything by it.

    Whoever looks needs the token in RATER_CONSOLE_TOKEN. The read model is the database in RATER_DATABASE_URL, or
    the file rater.db in this folder.
    """
    from rater.app import logs
    from rater.console.serve import serve
    from rater.kafka.settings import Settings
    from rater.readmodel.follower import Follower

    settings = Settings()
    logs.set_up(settings.log_level, as_json=settings.log_json)
    if settings.console_token is None:
        raise fail(
            "RATER_CONSOLE_TOKEN is not set: without it nobody could log in",
            'for example: export RATER_CONSOLE_TOKEN="$(openssl rand -hex 24)"',
        )
    store = open_store(settings)
    follower = Follower(settings, store)
    listen = host or settings.console_host
    at = settings.console_port if port is None else port
    serve(store, settings.console_token.get_secret_value(), follower, listen, at)
