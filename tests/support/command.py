"""The command `rater` as tests run it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from typer.testing import CliRunner, Result

from rater.cli.root import app

Rater = Callable[..., Result]
"""(*words, given=standard input, **RATER_ settings) -> what became of it; the fixture `rater`."""


def parses(words: Sequence[str]) -> bool:
    """Is this a command line of `rater` (without its name)? Verbs and options must exist; nothing is run."""
    return CliRunner().invoke(app, [*words, "--help"]).exit_code == 0
