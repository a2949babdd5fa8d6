"""Log files: an exported log, or bare events (contracts.md, "Same log, same bytes").

An exported log has one JSON object a record: partition, partitions (N, so that a line can be rated by itself), offset,
timestamp, key and value in base64, and its headers. Bare events have one event a line; they are one partition without
timestamps.
Whatever is in a file has its outcome: what cannot be rated as it is, is refused with its line.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import orjson

from rater.rating.limits import BOOK_BYTES, LINE_BYTES, PARTITIONS
from rater.seam.errors import RaterError
from rater.seam.model import LogRecord, Record

LOOKED_AT = 1_000
"""Lines among which a file must have an event to be taken for a log."""

_BOOK = b"tariffs-published"


_BOUNDS = {"partitions": (1, PARTITIONS), "offset": (0, 2**63 - 1), "timestamp": (-1, 253_402_300_799_999)}
"""What the numbers of an exported record may be; a timestamp lies before the year 10000."""
_HEAD = re.compile(
    rb'\{"partition":(?P<partition>\d{1,18}),"partitions":(?P<partitions>\d{1,18}),"offset":(?P<offset>\d{1,18}),'
    rb'"timestamp":(?P<timestamp>-?\d{1,18}),"key":(?:null|"(?P<key>[A-Za-z0-9+/=]*)"),"value":"'
)
"""How `to_line` begins a line."""


class LogLine(NamedTuple):
    """A record with its place."""

    partition: int
    partitions: int
    record: LogRecord


class NotALog(RaterError):  # noqa: N818 - the reader's verdict
    """A file that is neither an exported log nor bare events; the message names the line."""


def to_line(partition: int, partitions: int, record: Record) -> bytes:
    """A record as a line of an exported log, with its line feed."""
    words: dict[str, Any] = {
        "partition": partition,
        "partitions": partitions,
        "offset": record.offset,
        "timestamp": record.timestamp,
        "key": _encoded(record.key),
        "value": _encoded(record.value),
    }
    if record.headers:
        words["headers"] = [[name, _encoded(value)] for name, value in record.headers]
    return orjson.dumps(words) + b"\n"


class LogFile(NamedTuple):
    """What kind of file this is, by its lines."""

    exported: bool
    """An exported log; else bare events."""
    brings_book: bool
    """Bare events among which a tariff book is published, wherever."""
    in_order: bool
    """Each partition's offsets rise from line to line."""
    lines: Iterator[LogLine]
    """The records in the order of the file; of an exported log that is out of order, in that of the log."""


Lines = Callable[[], Iterable[bytes]]
"""The lines of a file, each time from its start."""


def read_log(lines: Lines, *, may_sort: bool = True) -> LogFile:
    """The log in a file's lines. Empty lines are passed over.

    It is read twice: once to see what it is. Raises `NotALog` where it is no log, and at a broken line of an exported
    one; a bare event is never broken here: whatever it is, it gets an outcome.
    """
    first = _first_event(lines)
    if first is None:
        return LogFile(exported=False, brings_book=False, in_order=True, lines=iter(()))
    exported = "offset" in first and "type" not in first
    if not exported:
        brings = any(_publishes(line) for line in lines())
        return LogFile(exported=False, brings_book=brings, in_order=True, lines=bare_lines(_numbered(lines)))
    in_order = _looked_over(_exported(_numbered(lines)))
    if in_order:
        return LogFile(exported=True, brings_book=True, in_order=True, lines=_exported(_numbered(lines)))
    if not may_sort:
        raise NotALog("its lines are out of order, and it is too large to be sorted; sort it by partition and offset")
    return LogFile(exported=True, brings_book=True, in_order=False, lines=_sorted(_exported(_numbered(lines))))


def _numbered(lines: Lines) -> Iterator[tuple[int, bytes]]:
    return ((number, line.strip()) for number, line in enumerate(lines(), start=1) if line.strip())


def _publishes(line: bytes) -> bool:
    """Whether it is a tariff book. Its type may be written with escapes: PHP writes tariffs-published\\/1."""
    return (_BOOK in line or b"\\u" in line) and _words(line).get("type") == "tariffs-published/1"


def _first_event(lines: Lines) -> dict[str, Any] | None:
    """The first line that is a JSON object of a log; None for an empty file. Raises `NotALog` where there is none."""
    seen = 0
    for _, line in _numbered(lines):
        if not seen and line[:1] == b"[":
            raise NotALog("a JSON array, not one event a line; make lines of it with: jq -c '.[]' FILE")
        words = _words(line)
        if isinstance(words.get("type"), str) or "offset" in words:
            return words
        seen += 1
        if seen >= LOOKED_AT:
            break
    if not seen:
        return None
    raise NotALog(f"no event among its first {seen} lines: neither events, one a line in JSON, nor an exported log")


def _looked_over(lines: Iterator[LogLine]) -> bool:
    """Whether an exported log's lines are in order. Raises `NotALog` where two cannot be of one log."""
    last: dict[int, int] = {}
    partitions, in_order = 0, True
    for number, line in enumerate(lines, start=1):
        if number > 1 and line.partitions != partitions:
            raise NotALog(f"record {number}: of a log with {line.partitions} partitions; before it {partitions}")
        partitions = line.partitions
        offset, before = line.record.offset, last.get(line.partition, -1)
        if offset == before:
            raise NotALog(_twice(line))
        in_order = in_order and offset > before
        last[line.partition] = max(offset, before)
    return in_order


def _sorted(lines: Iterable[LogLine]) -> Iterator[LogLine]:
    ordered = sorted(lines, key=lambda line: (line.partition, line.record.offset))
    for before, line in pairwise(ordered):
        if (before.partition, before.record.offset) == (line.partition, line.record.offset):
            raise NotALog(_twice(line))
    return iter(ordered)


def _twice(line: LogLine) -> str:
    return f"partition {line.partition}, offset {line.record.offset} stands twice in the file"


def _words(line: bytes) -> dict[str, Any]:
    try:
        words = orjson.loads(line)
    except orjson.JSONDecodeError:
        return {}
    return words if isinstance(words, dict) else {}


def _exported(lines: Iterable[tuple[int, bytes]]) -> Iterator[LogLine]:
    for number, line in lines:
        try:
            yield _line(line)
        except (ValueError, KeyError, TypeError) as error:
            message = f"line {number}: not a record of an exported log ({type(error).__name__}: {error})"
            raise NotALog(message) from error


def _line(line: bytes) -> LogLine:
    if len(line) > LINE_BYTES:
        return _cut(line)
    words = orjson.loads(line)
    numbers = {name: words[name] for name in ("partition", "partitions", "offset", "timestamp")}
    key, value = _decoded(words["key"]), _decoded(words["value"])
    headers = tuple((str(name), _decoded(mark) or b"") for name, mark in words.get("headers", ()))
    return _checked(numbers, key, value, headers)


def _cut(line: bytes) -> LogLine:
    """A record that is larger than is read, of whose line only the beginning is here: it is rejected for its size."""
    found = _HEAD.match(line)
    if found is None:
        raise ValueError(f"longer than {LINE_BYTES} bytes, and not as rater export writes it")
    numbers: dict[str, Any] = {name: int(found[name]) for name in ("partition", "partitions", "offset", "timestamp")}
    start = line[found.end() : found.end() + 2 * BOOK_BYTES]
    key = None if found["key"] is None else b64decode(found["key"], validate=True)
    return _checked(numbers, key, b64decode(start))


def _checked(
    numbers: dict[str, Any], key: bytes | None, value: bytes | None, headers: tuple[tuple[str, bytes], ...] = ()
) -> LogLine:
    for name, (least, most) in _BOUNDS.items():
        if type(numbers[name]) is not int or not least <= numbers[name] <= most:
            raise ValueError(f"{name}: not a whole number from {least} to {most}")
    partition, partitions, offset, timestamp = numbers.values()
    if type(partition) is not int or not 0 <= partition < partitions:
        raise ValueError(f"partition: not one of {partitions}")
    return LogLine(partition, partitions, LogRecord(offset, timestamp, key, value, headers))


def bare_lines(lines: Iterable[tuple[int, bytes]]) -> Iterator[LogLine]:
    """Events with their numbers as the lines of a log of bare events, whatever they are."""
    for number, line in lines:
        yield LogLine(0, 1, LogRecord(number, 0, _account(line), line))


def _account(line: bytes) -> bytes | None:
    """The key that a producer would have given the event."""
    account = _words(line).get("account")
    return account.encode(errors="surrogatepass") if isinstance(account, str) else None


def _encoded(data: bytes | None) -> str | None:
    return None if data is None else b64encode(data).decode()


def _decoded(text: str | None) -> bytes | None:
    return None if text is None else b64decode(text, validate=True)
