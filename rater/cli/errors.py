"""What people read when something they can mend goes wrong: what, and what to do next. Anything else is a bug."""

from __future__ import annotations

from typing import NamedTuple

import typer
from pydantic import ValidationError

USAGE = 2
"""Exit status: the command or its settings are wrong, or what it needs is not there."""


class Message(NamedTuple):
    """What to print, and the exit status."""

    text: str
    status: int


def fail(what: str, next_step: str = "", status: int = USAGE) -> typer.Exit:
    """An exit with one line what and one line what to do next; for `raise fail(...)`."""
    typer.secho(what, err=True, fg=typer.colors.RED)
    if next_step:
        typer.echo(next_step, err=True)
    return typer.Exit(status)


def told(error: Exception) -> Message | None:
    """The message for an error that a user can mend; None for a bug."""
    if isinstance(error, ValidationError) and error.title == "Settings":
        lines = (f"RATER_{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors(include_url=False))
        return Message("\n".join(lines) + "\nsee: rater settings --help", USAGE)
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if "Refused" in kinds:
        return Message(str(error), 78)
    if "KafkaConnectionError" in kinds:
        return Message(f"Kafka is not reachable: {error}\nset RATER_BOOTSTRAP_SERVERS, or start a broker", USAGE)
    if "KafkaError" in kinds:
        return Message(f"Kafka refused: {type(error).__name__}: {error}", USAGE)
    return None
