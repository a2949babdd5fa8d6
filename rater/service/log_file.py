"""Log files: an exported log, or bare events (contracts.md, "Same log, same bytes").

An exported log has one JSON object a record: partition, partitions (N, so that a line can be rated by itself), offset,
timestamp, and key and value in base64. Bare events have one event a line; they are one partition without timestamps.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, NamedTuple

import orjson

from rater.stream.model import LogRecord, Record

LONGEST_LINE = 4 * 1024 * 1024
"""Bytes: a record of Kafka's largest size in base64 fits well."""


class LogLine(NamedTuple):
    """A record with its place."""

    partition: int
    partitions: int
    record: LogRecord


class NotALog(Exception):  # noqa: N818 - the reader's verdict
    """A file that is neither an exported log nor bare events; the message names the line."""


def to_line(partition: int, partitions: int, record: Record) -> bytes:
    """A record as a line of an exported log, with its line feed."""
    words = {
        "partition": partition,
        "partitions": partitions,
        "offset": record.offset,
        "timestamp": record.timestamp,
        "key": _encoded(record.key),
        "value": _encoded(record.value),
    }
    return orjson.dumps(words) + b"\n"


class LogFile(NamedTuple):
    """A log file, told by its first line."""

    exported: bool
    """An exported log; else bare events."""
    brings_book: bool
    """Bare events whose first one publishes a tariff book."""
    lines: Iterator[LogLine]
    """The records in the order of the file."""


def read_log(lines: Iterable[bytes]) -> LogFile:
    """The log in a file's lines. Empty lines are passed over.

    Reading on raises `NotALog` at a broken line of an exported log; a bare event is never
    broken here: whatever it is, it gets an outcome.
    """
    numbered = ((number, line.strip()) for number, line in enumerate(lines, start=1) if line.strip())
    first = next(numbered, None)
    if first is None:
        return LogFile(exported=False, brings_book=False, lines=iter(()))
    words = _words(first[1])
    exported = "offset" in words and "type" not in words
    read = _exported if exported else _bare
    return LogFile(exported, words.get("type") == "tariffs-published/1", read(chain([first], numbered)))


def _words(line: bytes) -> dict[str, Any]:
    try:
        words = orjson.loads(line)
    except orjson.JSONDecodeError:
        return {}
    return words if isinstance(words, dict) else {}


def _exported(lines: Iterable[tuple[int, bytes]]) -> Iterator[LogLine]:
    for number, line in lines:
        try:
            words = orjson.loads(line)
            record = LogRecord(words["offset"], words["timestamp"], _decoded(words["key"]), _decoded(words["value"]))
            yield LogLine(words["partition"], words["partitions"], record)
        except (ValueError, KeyError, TypeError) as error:
            message = f"line {number}: not a record of an exported log ({type(error).__name__}: {error})"
            raise NotALog(message) from error


def _bare(lines: Iterable[tuple[int, bytes]]) -> Iterator[LogLine]:
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
