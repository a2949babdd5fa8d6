"""The files that a switch wrote: found in folders, unpacked, and read record by record."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rater.cli.errors import fail

if TYPE_CHECKING:
    from rater.switches.profile import Profile
    from rater.tools.intake_files import InFile

BytesRead = Callable[[int], None]
"""Told of the bytes that were read of the files, in all."""


def files_in(paths: Iterable[Path]) -> list[Path]:
    """The files in the order given, those of folders by their names; hidden ones are left out."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(one for one in path.rglob("*") if one.is_file())
            found += [one for one in inside if not any(part.startswith(".") for part in one.relative_to(path).parts)]
        else:
            found.append(path)
    if not found:
        raise fail("there is no file in what was named", "name files, or folders with files in them")
    return found


def records_in(files: Iterable[Path], profile: Profile, passed: BytesRead = lambda _: None) -> Iterator[InFile]:
    """Every record of the files; they may be packed, and in UTF-16."""
    from rater.cli.files import source
    from rater.switches.framing import frames_of
    from rater.tools.intake_files import InFile

    before = 0
    for file in files:
        with source(file) as opened:
            size = opened.seek(0, 2)
            opened.seek(0)
            framed = frames_of(opened, profile.spec)
            for number, one in enumerate(framed, start=1):
                yield InFile(str(file), number, one)
                if not number % 200:
                    passed(before + one.end)
            before += size
            passed(before)
