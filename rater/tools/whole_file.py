"""Files that appear whole or not at all: every file that a command writes is written through here.

A file is written beside its place, under a name of its own, and renamed when it is complete. Whatever ends the command
before (Ctrl-C, a full disk, a broken line of the input) leaves the place as it was.
"""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO

BUFFER = 64 * 1024
LONGEST_NAME = 200
"""Characters of a file's name that are taken over into its draft's: file systems allow 255 bytes."""


class WholeFile:
    """A file in the making: write to `file`, then `keep` or `drop` it. Errors of writing name the place."""

    def __init__(self, path: Path, *, private: bool = False) -> None:
        """`private`: only the owner can read it. Else it has the mode of the file that it replaces, or the usual one.

        A device or a pipe (/dev/stdout, /dev/null) is written as it comes: there is nothing to replace.
        """
        self._target = Path(os.path.realpath(path))
        there = _mode(self._target)
        self._draft: Path | None = None
        place = self._target
        if there is None or stat.S_ISREG(there):
            self._draft = place = self._target.with_name(f".{path.name[:LONGEST_NAME]}.{token_hex(4)}.draft")
        try:
            flags = os.O_WRONLY | os.O_CLOEXEC | (os.O_CREAT | os.O_EXCL if self._draft else 0)
            descriptor = os.open(place, flags, 0o600 if private else 0o666)
            if there is not None and self._draft and not private:
                os.fchmod(descriptor, stat.S_IMODE(there))
        except OSError as error:
            error.filename = str(path)
            raise
        self.file: BinaryIO = io.BufferedWriter(_Named(descriptor, str(path)), BUFFER)

    def keep(self) -> None:
        """Finish the file and put it in its place."""
        self.file.flush()
        if self._draft is not None:
            os.fsync(self.file.fileno())
        self.file.close()
        if self._draft is not None:
            self._draft.replace(self._target)
            self._draft = None

    def drop(self) -> None:
        """Leave the place as it was; nothing after `keep`."""
        with suppress(OSError):
            self.file.close()
        if self._draft is not None:
            self._draft.unlink(missing_ok=True)
            self._draft = None


@contextmanager
def whole(path: Path, *, private: bool = False) -> Iterator[BinaryIO]:
    """A file to write, which is in its place when the block has ended well, and not at all otherwise."""
    made = WholeFile(path, private=private)
    try:
        yield made.file
        made.keep()
    finally:
        made.drop()


class _Named(io.FileIO):
    def __init__(self, descriptor: int, name: str) -> None:
        super().__init__(descriptor, "wb")
        self._name = name

    def write(self, data: object) -> int:
        try:
            return super().write(data)  # type: ignore[arg-type]
        except OSError as error:
            error.filename = self._name
            raise


def _mode(path: Path) -> int | None:
    try:
        return path.stat().st_mode
    except FileNotFoundError:
        return None
