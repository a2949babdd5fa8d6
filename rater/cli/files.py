"""Files as people have them: read however they are packed; written whole or not at all, and never over an input."""

from __future__ import annotations

import codecs
import gzip
import io
import os
import stat
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, cast

from rater.cli.errors import fail
from rater.core.limits import LINE_BYTES

STDIN = "-"
SPOOLED = 64 * 1024 * 1024
"""Bytes of standard input that are kept in memory; more go to a temporary file."""


@contextmanager
def source(name: str | Path) -> Iterator[BinaryIO]:
    """A file (`-` is standard input) as bytes of UTF-8 that can be read again from its start.

    gzip and zstd are unpacked, UTF-16 is recoded, the mark of a byte order is taken off.
    """
    if str(name) == STDIN:
        if sys.stdin is None or sys.stdin.closed:
            raise fail("standard input is closed")
        with tempfile.SpooledTemporaryFile(SPOOLED) as kept:
            _copy(sys.stdin.buffer, kept)
            with _unpacked("standard input", cast("BinaryIO", kept)) as file:
                yield file
        return
    try:
        with Path(name).open("rb") as opened:
            if not opened.seekable():
                with tempfile.SpooledTemporaryFile(SPOOLED) as kept:
                    _copy(opened, kept)
                    with _unpacked(str(name), cast("BinaryIO", kept)) as file:
                        yield file
                return
            with _unpacked(str(name), opened) as file:
                yield file
    except OSError as error:
        if error.filename is None or str(error.filename) != str(name):
            raise
        raise fail(f"{name}: {error.strerror}") from error


def _copy(there: Iterable[bytes] | BinaryIO, kept: tempfile.SpooledTemporaryFile[bytes]) -> None:
    while chunk := cast("BinaryIO", there).read(1 << 20):
        kept.write(chunk)
    kept.seek(0)


@contextmanager
def _unpacked(name: str, file: BinaryIO) -> Iterator[BinaryIO]:
    start = file.read(4)
    file.seek(0)
    if start[:2] == b"\x1f\x8b":
        with _spooled(name, gzip.GzipFile(fileobj=file, mode="rb")) as plain:
            yield plain
    elif start == b"\x28\xb5\x2f\xfd":
        from cramjam import DecompressionError, zstd

        try:
            unpacked = io.BytesIO(bytes(zstd.decompress(file.read())))
        except DecompressionError as error:
            raise fail(f"{name}: it is damaged or cut off ({error})") from error
        yield unpacked
    elif start[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        with _spooled(name, _Recoded(file)) as plain:
            yield plain
    elif start[:3] == b"\xef\xbb\xbf":
        with _spooled(name, file, skip=3) as plain:
            yield plain
    else:
        yield file


class _Recoded:
    """UTF-16 as bytes of UTF-8."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._decoder = codecs.getincrementaldecoder("utf-16")()

    def read(self, size: int) -> bytes:
        if not size:
            return b""
        data = self._file.read(size)
        return self._decoder.decode(data, final=not data).encode()


@contextmanager
def _spooled(name: str, packed: object, skip: int = 0) -> Iterator[BinaryIO]:
    """What is unpacked, so that it can be read twice."""
    with tempfile.SpooledTemporaryFile(SPOOLED) as kept:
        try:
            reader = cast("BinaryIO", packed)
            reader.read(skip)
            while chunk := reader.read(1 << 20):
                kept.write(chunk)
        except (OSError, EOFError, UnicodeError, ValueError) as error:
            raise fail(f"{name}: it is damaged or cut off ({error})") from error
        kept.seek(0)
        yield cast("BinaryIO", kept)


def lines_of(file: BinaryIO) -> Iterator[bytes]:
    """The lines from the start. Of one that is too long only the beginning is kept, which is too long all the same."""
    file.seek(0)
    while line := file.readline(LINE_BYTES + 1):
        if len(line) > LINE_BYTES and not line.endswith(b"\n"):
            while (more := file.readline(1 << 20)) and not more.endswith(b"\n"):
                pass
        yield line


def not_an_input(out: Path | None, *inputs: str | Path | None) -> None:
    """Refuse to write over a file that is being read."""
    for name in inputs:
        if out is None or name is None or str(name) == STDIN:
            continue
        with suppress(OSError):
            if out.exists() and out.samefile(name):
                raise fail(f"{out}: this is the file that is read; nothing was written", "write to another file")


@contextmanager
def output(out: Path | str | None) -> Iterator[BinaryIO]:
    """Where a command writes: standard output for None and `-`, else a file that appears when all of it is written."""
    if out is None or str(out) == STDIN:
        if sys.stdout is None or sys.stdout.closed:
            raise fail("standard output is closed")
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = Path(out)
    try:
        if path.exists() and not stat.S_ISREG(path.stat().st_mode):  # a device or a pipe has no beside
            with path.open("wb") as file:
                yield file
            return
        with _whole(path) as file:
            yield file
    except OSError as error:
        raise fail(f"{path}: {error.strerror}") from error


@contextmanager
def _whole(path: Path) -> Iterator[BinaryIO]:
    path = path.resolve()  # through a symbolic link to the file itself
    number, draft = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".draft", dir=path.parent)
    try:
        with os.fdopen(number, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        mask = os.umask(0)
        os.umask(mask)
        Path(draft).chmod(stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o666 & ~mask)
        Path(draft).replace(path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise


FORMULA = ("=", "+", "-", "@", "\t", "\r")


def cell(text: str) -> str:
    """A text for a cell of CSV: a spreadsheet must not take it for a formula. Numbers are no texts."""
    return f"'{text}" if text.startswith(FORMULA) else text
