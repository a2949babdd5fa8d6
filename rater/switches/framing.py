"""The records in a file of a switch, each with the place behind it: JSON values, lines of CSV, or blocks of lines."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator
from typing import NamedTuple, Protocol

import orjson

from rater.rating.limits import RAW_BYTES
from rater.switches.formats import Framing, columns_of, framing_of
from rater.switches.profile_words import ProfileWords

ARRAY_BYTES = 64 * 1024 * 1024
"""Of a file that is one JSON array: it is read at once."""


class LineSource(Protocol):
    """What lines are read from; a file of bytes is one."""

    def readline(self, size: int = -1, /) -> bytes:
        """The next line with its line feed, or so many bytes of it; empty at the end."""


class Framed(NamedTuple):
    """A record of a file."""

    data: bytes
    end: int
    """Bytes of the file up to the end of the record."""
    whole: bool = True
    """False at the end of a file that may still grow: the record may not be complete."""


def frames_of(file: LineSource, spec: ProfileWords, start: int = 0) -> Iterator[Framed]:
    """The records of a file of the profile's switch, from where it stands, `start` bytes from its beginning."""
    columns = columns_of(spec)
    return frames(file, framing_of(spec.format), delimiter=spec.delimiter, columns=columns, start=start)


def frames(
    file: LineSource,
    framing: Framing,
    *,
    delimiter: str = ",",
    columns: Collection[int] = (),
    start: int = 0,
) -> Iterator[Framed]:
    """The records from where the file stands, `start` bytes from its beginning; empty lines are passed over.

    `columns` is how many a line of CSV may have: a line that was cut off within quotes takes no whole line with it.
    A record that is longer than one may be is cut off behind that length, and so rejected for its size.
    """
    lines = _Lines(file, start)
    first = lines.peek()
    if framing == "csv" and not first.lstrip().startswith(b"{"):
        return _csv(lines, delimiter, columns)
    if framing == "blocks" and not first.lstrip().startswith(b"{"):
        return _blocks(lines)
    return _array(lines) if start == 0 and first.lstrip().startswith(b"[") else _json(lines)


class _Lines:
    """Lines that know where they end; a line that is too long is kept to one byte more than a record may have."""

    def __init__(self, file: LineSource, start: int) -> None:
        self._file, self.end, self._ahead = file, start, list[bytes]()

    def peek(self) -> bytes:
        """The next line that says something, which is read again."""
        while line := self._file.readline(RAW_BYTES + 2):
            self._ahead.append(line)
            if line.strip():
                return line.removeprefix(b"\xef\xbb\xbf")
        return b""

    def __iter__(self) -> Iterator[bytes]:
        while line := self._next():
            self.end += len(line)
            if len(line) > RAW_BYTES and not line.endswith(b"\n"):
                while more := self._next():
                    self.end += len(more)
                    if more.endswith(b"\n"):
                        break
            yield line

    def _next(self) -> bytes:
        return self._ahead.pop(0) if self._ahead else self._file.readline(RAW_BYTES + 2)


def _csv(lines: _Lines, delimiter: str, columns: Collection[int]) -> Iterator[Framed]:
    """A line ends at a line feed outside quotes."""
    held, inside, end = b"", False, lines.end
    for line in lines:
        if held and _columns(line, delimiter) in columns:
            yield Framed(held.strip(b"\r\n"), end)
            held, inside = b"", False
        inside, end = _open_quote(line, delimiter.encode(), inside=inside), lines.end
        held += line
        if inside and len(held) <= RAW_BYTES:
            continue
        if held.strip():
            yield Framed(held.strip(b"\r\n"), lines.end, held.endswith(b"\n"))
        held, inside = b"", False
    if held.strip():
        yield Framed(held.strip(b"\r\n"), lines.end, whole=False)


def _columns(line: bytes, delimiter: str) -> int:
    """How many a line has by itself; 0 where it is none."""
    try:
        rows = list(csv.reader([line.decode("latin-1")], delimiter=delimiter, strict=True))
    except csv.Error:
        return 0
    return len(rows[0]) if rows else 0


def _open_quote(line: bytes, delimiter: bytes, *, inside: bool) -> bool:
    """Whether a quoted field goes on behind the line: a quote opens one only where a field begins."""
    at = -1
    while (at := line.find(b'"', at + 1)) >= 0:
        if inside:
            if line[at + 1 : at + 2] == b'"':
                at += 1  # two quotes are one within a field
            else:
                inside = False
        elif at == 0 or line[at - 1 : at] == delimiter:
            inside = True
    return inside


def _blocks(lines: _Lines) -> Iterator[Framed]:
    """Blocks of lines between empty ones."""
    held = b""
    for line in lines:
        if line.strip() and len(held) <= RAW_BYTES:
            held += line
        elif not line.strip() and held:
            yield Framed(held, lines.end)
            held = b""
    if held:
        yield Framed(held, lines.end, whole=False)


def _json(lines: _Lines) -> Iterator[Framed]:
    """JSON objects, one a line or each over several; what is none is a record of its own line."""
    held, end = b"", lines.end
    for line in lines:
        text = line.strip()
        if held and line[:1] == b"{" and (_is_json(text) or (held.count(b"\n") == 1 and _compact(held, line))):
            yield Framed(held.strip(), end)
            held = b""
        held, end = held + (line if held or text else b""), lines.end
        if not held:
            continue
        if not held.lstrip().startswith((b"{", b"\xef\xbb\xbf{")) or _complete(held) or len(held) > RAW_BYTES:
            yield Framed(held.strip(), end, line.endswith(b"\n"))
            held = b""
    if held:
        yield Framed(held.strip(), end, whole=False)


def _compact(*lines: bytes) -> bool:
    """Whether these lines are those of a writer that puts an object into one: what is open behind the first was cut."""
    return all(line.startswith(b'{"') for line in lines)


def _complete(held: bytes) -> bool:
    if not held.rstrip().endswith(b"}"):
        return False
    return held.count(b"{") == held.count(b"}") or _is_json(held)


def _is_json(text: bytes) -> bool:
    try:
        orjson.loads(text)
    except ValueError:
        return False
    return True


def _array(lines: _Lines) -> Iterator[Framed]:
    """The members of one JSON array; where it is too large or broken it is one record, which no call can be made of."""
    held = b""
    for line in lines:
        held += line
        if len(held) > ARRAY_BYTES:
            break
    try:
        members = orjson.loads(held.removeprefix(b"\xef\xbb\xbf"))
    except ValueError:
        yield Framed(held[: RAW_BYTES + 1], lines.end, whole=False)
        return
    for number, member in enumerate(members, start=1):
        yield Framed(orjson.dumps(member), lines.end if number == len(members) else 0)  # it is read from its start
