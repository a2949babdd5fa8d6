"""In which language a command talks: as it is told, else as the terminal's locale says."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from rater.cli.errors import fail

if TYPE_CHECKING:
    from rater.readmodel.texts import Language

InLanguage = Annotated[
    str | None,
    typer.Option("--language", help="en or zh; by the terminal's locale if left out.", show_default=False),
]


def language_of(said: str | None) -> Language:
    """The language of that name; without one that of LC_ALL, LC_MESSAGES or LANG, else English."""
    from rater.readmodel.texts import LANGUAGES

    for language in LANGUAGES:
        if said == language:
            return language
    if said is not None:
        raise fail(f"--language: there is no {said!r}", f"write one of: {', '.join(LANGUAGES)}")
    locale = next((os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), "")
    return "zh" if locale.lower().startswith("zh") else "en"
