"""The command `rater` as tests run it."""

from __future__ import annotations

from collections.abc import Callable

from typer.testing import Result

Rater = Callable[..., Result]
"""(*words, given=standard input, **RATER_ settings) -> what became of it; the fixture `rater`."""
