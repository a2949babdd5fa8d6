"""Profiles of switches as the verbs read them: the file, its maps beside it, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from rater.cli.errors import fail

if TYPE_CHECKING:
    from rater.switches.profile import Profile


def profile_of(file: Path) -> Profile:
    """The profile in a file; what is wrong with it is printed with its lines, and ends the command."""
    found = checked(file)
    if found is None:
        raise fail(f"{file}: no profile to work with", f"mend it, then: rater switches check {file}", 1)
    return found


def checked(file: Path) -> Profile | None:
    """The profile, or None when its errors have been printed."""
    from rater.switches.profile import Profile, load_profile
    from rater.wire.yaml_tree import MAX_BYTES as LARGEST

    try:
        with file.open("rb") as opened:
            data = opened.read(LARGEST + 1)
    except OSError as error:
        raise fail(f"{file}: {error.strerror}") from error
    found = load_profile(data, lambda name: (file.parent / name).read_bytes())
    if isinstance(found, Profile):
        return found
    for wrong in found:
        typer.secho(f"{file}:{wrong}", err=True, fg=typer.colors.RED)
    return None
