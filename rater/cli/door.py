"""`rater door`: calls, records of switches and the life of accounts over HTTP, into the log."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rater.cli.errors import fail

if TYPE_CHECKING:
    from rater.console.tokens import Tokens
    from rater.kafka.settings import Settings

app = typer.Typer(help="The way in over HTTP.", no_args_is_help=True)


@app.command()
def serve(
    profile: Annotated[
        list[Path] | None, typer.Option(help="The profile of a switch that may post its records; repeat it.")
    ] = None,
    host: Annotated[str | None, typer.Option(help="Where to listen; RATER_DOOR_HOST, or this machine only.")] = None,
    port: Annotated[int | None, typer.Option(help="The port; RATER_DOOR_PORT. 0 takes a free one.")] = None,
) -> None:
    """Serve the door. Who writes needs a token: make one with rater door token, and put its entry where it is read.

    Entries are in RATER_DOOR_TOKENS, or in the file that RATER_DOOR_TOKENS_FILE names. Every write carries the name of
    its token into the log.
    """
    from rater.app import logs
    from rater.cli.profiles import profile_of
    from rater.door.serve import serve_door
    from rater.kafka.settings import Settings

    settings = Settings()
    logs.set_up(settings.log_level, as_json=settings.log_json)
    tokens = _tokens(settings)
    profiles = {found.source: found for found in map(profile_of, profile or ())}
    if len(profiles) != len(profile or ()):
        raise fail("two profiles are of one source", "a source has one profile")
    listen = host or settings.door_host
    serve_door(settings, tokens, profiles, listen, settings.door_port if port is None else port)


@app.command()
def token(
    name: Annotated[str, typer.Argument(help="Whose it is: it stands in the log behind what is written with it.")],
    scope: Annotated[list[str], typer.Option(help="What it may do; repeat it.")],
    expires: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The last day (UTC) on which it is good.")
    ] = None,
) -> None:
    """Make a token: it is printed once, and only the entry with its hash is kept, by you."""
    import re

    from rater.console.tokens import SCOPES, new_token

    unknown = [one for one in scope if one not in SCOPES]
    if unknown:
        raise fail(f"--scope {unknown[0]}: there is no such scope", f"one of: {', '.join(SCOPES)}")
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", name):
        raise fail(f"{name}: a name has letters, digits, dots, dashes and underscores")
    secret, entry = new_token(name, scope, None if expires is None else expires.date())
    typer.echo(f"token: {secret}")
    typer.echo(f"entry: {entry}")
    typer.echo("give the token to its owner; put the entry into RATER_DOOR_TOKENS_FILE", err=True)


def _tokens(settings: Settings) -> Tokens:
    from rater.console.tokens import tokens_of

    tokens = tokens_of(settings)
    if not len(tokens):
        raise fail("there are no tokens: nobody could write", "make one: rater door token NAME --scope calls:write")
    return tokens
