"""Files as people have them: read however they are packed; written whole or not at all, and never over an input."""

from __future__ import annotations

import codecs
import csv
import gzip
import os
import shutil
import signal
import stat
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from rater.cli.errors import fail
from rater.rating.limits import LINE_BYTES
from rater.tools.whole_file import whole

STDIN = "-"
TERMINATED = 128 + signal.SIGTERM
"""Exit status: as a shell has it for a command that SIGTERM ended."""
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
        with _from_zstd(name, file) as plain:
            yield plain
    elif start[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        with _spooled(name, _Recoded(file)) as plain:
            yield plain
    elif start[:3] == b"\xef\xbb\xbf":
        with _spooled(name, file, skip=3) as plain:
            yield plain
    else:
        yield file


@contextmanager
def _from_zstd(name: str, packed: BinaryIO) -> Iterator[BinaryIO]:
    """What is unpacked, from file to file: memory is bounded however large it is."""
    from cramjam import DecompressionError, File, zstd

    with tempfile.TemporaryDirectory(prefix="rater-") as folder:
        there, plain = Path(folder, "packed"), Path(folder, "plain")
        with there.open("wb") as copy:
            shutil.copyfileobj(packed, copy, 1 << 20)
        try:
            zstd.decompress_into(File(str(there), read=True), File(str(plain), read=True, write=True, truncate=True))
        except DecompressionError as error:
            raise fail(f"{name}: it is damaged or cut off ({error})") from error
        with plain.open("rb") as file:
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
        yield line.removeprefix(codecs.BOM_UTF8)  # files that were put one behind the other have one each


@contextmanager
def _stopped_cleanly() -> Iterator[None]:
    """SIGTERM ends the block as Ctrl-C does, so that no draft of a file stays behind."""
    usual = threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    if not usual:
        yield
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def not_an_input(out: Path | None, *inputs: str | Path | None) -> None:
    """Refuse to write over a file that is being read, by whatever name, standard input among them."""
    there = None if out is None else _identity(out)
    if there is not None and any(_identity(name) == there for name in inputs if name is not None):
        raise fail(f"{out}: this is a file that is read; nothing was written", "write to another file")


def _identity(name: str | Path) -> tuple[int, int] | None:
    """Which regular file it is; None for anything else."""
    try:
        found = os.fstat(sys.stdin.fileno()) if str(name) == STDIN else Path(name).stat()
    except (OSError, AttributeError):  # not there, closed, or (io.UnsupportedOperation) no file of the system
        return None
    return (found.st_dev, found.st_ino) if stat.S_ISREG(found.st_mode) else None


def once_from_stdin(*names: str | Path | None) -> None:
    """Refuse to read two things from standard input, of which the second would be empty."""
    if sum(str(name) == STDIN for name in names) > 1:
        raise fail("two inputs cannot both be standard input", "name a file for one of them")


def exclusive(**options: object) -> None:
    """Refuse to take more than one of these options; each by its name, with the value that was given."""
    given = [f"--{name.replace('_', '-')}" for name, value in options.items() if value not in {None, False}]
    if len(given) > 1:
        raise fail(f"{' and '.join(given)} exclude each other", "give one of them")


@contextmanager
def output(out: Path | str | None) -> Iterator[BinaryIO]:
    """Where a command writes: standard output for None and `-`, else a file that appears when all of it is written."""
    if out is not None and str(out) != STDIN:
        with _stopped_cleanly(), whole(Path(out)) as file:
            yield file
        return
    if sys.stdout is None or sys.stdout.closed:
        raise fail("standard output is closed")
    sys.stdout.flush()
    yield sys.stdout.buffer
    sys.stdout.buffer.flush()


def print_csv(columns: Sequence[str], rows: Iterable[Iterable[object]]) -> None:
    """A table with its header as CSV on standard output, in UTF-8 whatever the terminal's encoding."""
    with output(None) as file:
        writer = csv.writer(codecs.getwriter("utf-8")(file), lineterminator="\n")
        writer.writerow(columns)
        from rater.readmodel.figures import cell

        writer.writerows([cell(value) for value in row] for row in rows)
