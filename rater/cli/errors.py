"""What people read when something they can mend goes wrong: what, and what to do next. Anything else is a bug."""

from __future__ import annotations

from errno import EDQUOT, EIO, ENOSPC
from typing import TYPE_CHECKING, NamedTuple

import typer

if TYPE_CHECKING:
    from pydantic import ValidationError

USAGE = 2
"""Exit status: the command, its settings or a file that it reads are wrong."""
UNDECIDED = 3
"""Exit status: not all could be proved, or nothing has come of it yet; what was found is right as far as it goes."""
UNAVAILABLE = 69
"""Exit status: Kafka is not reachable, refuses, or does not answer in time (EX_UNAVAILABLE)."""
UNWRITTEN = 74
"""Exit status: an output could not be written (EX_IOERR)."""
REFUSED = 78
"""Exit status: what is there does not go with the settings; the message names what mends it (EX_CONFIG)."""


class ErrorText(NamedTuple):
    """What to print, and the exit status."""

    text: str
    status: int


def fail(what: str, next_step: str = "", status: int = USAGE) -> typer.Exit:
    """An exit with one line what and one line what to do next; for `raise fail(...)`."""
    typer.secho(what, err=True, fg=typer.colors.RED)
    if next_step:
        typer.echo(next_step, err=True)
    return typer.Exit(status)


def warn(what: str) -> None:
    """A line about what is not as it should be, but not wrong."""
    typer.secho(what, err=True, fg=typer.colors.YELLOW)


def message_for(error: Exception) -> ErrorText | None:
    """The message for an error that a user can mend; None for a bug."""
    # Imported here: only who meets an error waits for these.
    from ssl import SSLError

    from aiokafka.errors import KafkaConnectionError, KafkaError
    from pydantic import ValidationError

    from rater.kafka.failstop import Refused

    if isinstance(error, ValidationError) and error.title == "Settings":
        return ErrorText(_wrong_settings(error), USAGE)
    if isinstance(error, SSLError):
        return ErrorText(f"TLS: {error}\nsee RATER_SSL_CAFILE, RATER_SSL_CERTFILE, RATER_SSL_KEYFILE", USAGE)
    if isinstance(error, Refused):
        return ErrorText(str(error), REFUSED)
    if isinstance(error, KafkaConnectionError):
        return ErrorText(
            f"Kafka is not reachable: {error}\nset RATER_BOOTSTRAP_SERVERS, or start a broker", UNAVAILABLE
        )
    if isinstance(error, TimeoutError):
        return ErrorText("Kafka did not do it in time; the same command can be run again", UNAVAILABLE)
    if isinstance(error, KafkaError):
        return ErrorText(f"Kafka refused: {type(error).__name__}: {error}", UNAVAILABLE)
    if isinstance(error, OSError) and error.errno in {ENOSPC, EIO, EDQUOT}:
        return ErrorText(f"{error.filename or 'the output'} could not be written: {error.strerror}", UNWRITTEN)
    if isinstance(error, UnicodeDecodeError) and _reads_env(error):
        return ErrorText(".env is no text in UTF-8: mend it or move it away; settings are read from it", USAGE)
    if isinstance(error, OSError) and error.filename:
        return ErrorText(f"{error.filename}: {error.strerror}", USAGE)
    return None


def _reads_env(error: Exception) -> bool:
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_globals.get("__name__", "").startswith("dotenv."):
            return True
        trace = trace.tb_next
    return False


def _wrong_settings(error: ValidationError) -> str:
    """Each wrong setting by its variable, with what it means."""
    from rater.kafka.settings import Settings

    lines = []
    for wrong in error.errors(include_url=False):
        name = str(wrong["loc"][0]) if wrong["loc"] else ""
        field = Settings.model_fields.get(name)
        lines.append(f"RATER_{name.upper()}: {wrong['msg']}" if name else wrong["msg"])
        lines += [f"  it is: {field.description}"] if field else []
    return "\n".join(lines)
