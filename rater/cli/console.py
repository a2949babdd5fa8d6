"""`rater console`: the pages for people and the REST API, over the read model that it keeps up to date."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from rater.cli.errors import fail
from rater.cli.project import open_store

if TYPE_CHECKING:
    from rater.console.tokens import Tokens
    from rater.kafka.settings import Settings


def console(
    host: Annotated[str | None, typer.Option(help="Where to listen; RATER_CONSOLE_HOST, or this machine only.")] = None,
    port: Annotated[int | None, typer.Option(help="The port; RATER_CONSOLE_PORT. 0 takes a free one.")] = None,
) -> None:
    """Serve the console and the REST API: what was charged, to look at. Nobody can write anything by it.

    Whoever looks needs a token: the one in RATER_CONSOLE_TOKEN, or one of rater door token with the scope console:read,
    whose entry is in RATER_DOOR_TOKENS or the file RATER_DOOR_TOKENS_FILE. The read model is the database in
    RATER_DATABASE_URL, or the file rater.db in this folder.
    """
    from rater.app import logs
    from rater.console.serve import serve
    from rater.kafka.settings import Settings

    settings = Settings()
    logs.set_up(settings.log_level, as_json=settings.log_json)
    tokens = _tokens(settings)
    store = open_store(settings)
    listen = host or settings.console_host
    at = settings.console_port if port is None else port
    serve(settings, store, tokens, listen, at)


def _tokens(settings: Settings) -> Tokens:
    from rater.console.tokens import CONSOLE, tokens_of

    tokens = tokens_of(settings)
    if settings.console_token is not None:
        return tokens.with_console(settings.console_token.get_secret_value())
    if not tokens.have(CONSOLE):
        raise fail(
            "RATER_CONSOLE_TOKEN is not set, and no token has the scope console:read: nobody could log in",
            'for example: export RATER_CONSOLE_TOKEN="$(openssl rand -hex 24)"',
        )
    return tokens
