"""The command `rater` as tests run it."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout, suppress
from typing import Any

from typer.core import TyperGroup
from typer.main import get_command
from typer.testing import Result

from rater.cli.root import app

Rater = Callable[..., Result]
"""(*words, given=standard input, **RATER_ settings) -> what became of it; the fixture `rater`."""


def parses(words: Sequence[str]) -> bool:
    """Is this a whole command line of `rater` (without its name)? Verbs, options, arguments and their types are.

    Nothing is run: what the verbs do is taken out of a copy of the command.
    """
    command = get_command(app)
    reached = []
    for verb in _verbs(command):
        verb.callback = lambda **_: reached.append(True)
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()), suppress(SystemExit):
        command.main(list(words), prog_name="rater")
    return bool(reached)


def _verbs(command: Any) -> Iterator[Any]:
    """The commands that do something, at any depth."""
    if isinstance(command, TyperGroup):
        for inner in command.commands.values():
            yield from _verbs(inner)
    else:
        yield command
