"""How far files were imported. A file is known by its content, not by its name or inode: renamed, copied or packed it
is the same file, and another one under an old name or inode is not.

A position carries the hash of all bytes before it. It is written in the transaction of the records before it, to the
topic `imports`, keyed by the source and a name that the file was given when it was first seen.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import Any, BinaryIO, NamedTuple
from uuid import uuid4

import orjson

from rater.kafka.reader import read_topic
from rater.kafka.settings import Settings

BLOCK = 1 << 20


class Position(NamedTuple):
    """How far a file was imported."""

    key: str
    path: str
    """As it was named when it was imported last."""
    end: int
    """Bytes that were imported, of the file when it is unpacked."""
    hash: str
    """Of these bytes."""
    records: int
    """That were in them."""

    def to_json(self) -> bytes:
        """As it stands in the topic; the key is the record's."""
        return orjson.dumps({name: value for name, value in self._asdict().items() if name != "key"})


def first_position(source: str, path: str) -> Position:
    """Of a file that nothing was imported of."""
    return Position(f"{source}/{uuid4().hex}", path, 0, blake2b(digest_size=16).hexdigest(), 0)


async def positions_of(settings: Settings, source: str) -> dict[str, Position]:
    """The positions of a source's files by their keys, as committed now, in the order of their last change."""
    found: dict[str, Position] = {}
    async for chunk in read_topic(settings, settings.topic("imports")):
        for record in chunk.records:
            key = (record.key or b"").decode()
            if key.startswith(f"{source}/") and record.value is not None:
                words: dict[str, Any] = orjson.loads(record.value)
                found.pop(key, None)
                found[key] = Position(key, **words)
    return found


def known_position(file: BinaryIO, known: Iterable[Position]) -> Position | None:
    """The farthest of these positions that is one of this file: what stands before it is what was imported.

    It reads the file up to there. None where nothing of it was imported.
    """
    file.seek(0)
    digest, read, best = blake2b(digest_size=16), 0, None
    for one in sorted((one for one in known if one.end), key=lambda one: one.end):
        while read < one.end:
            block = file.read(min(BLOCK, one.end - read))
            if not block:
                return best
            digest.update(block)
            read += len(block)
        if digest.hexdigest() == one.hash:
            best = one
    return best


class HashedLines:
    """The lines of a file from a position on, and the hash of all bytes before any later place among them."""

    def __init__(self, file: BinaryIO, at: int) -> None:
        self._file, self._at, self._digest = file, 0, blake2b(digest_size=16)
        self._ahead = bytearray()
        """Bytes that were read and are not in the hash yet."""
        file.seek(0)
        while self._at < at and (block := file.read(min(BLOCK, at - self._at))):
            self._digest.update(block)
            self._at += len(block)

    def back(self) -> None:
        """To the last place whose hash was asked for: what was read behind it is read again."""
        self._ahead.clear()
        self._file.seek(self._at)

    def readline(self, size: int = -1, /) -> bytes:
        """The next line, or so many bytes of it."""
        line = self._file.readline(size)
        self._ahead += line
        return line

    def hash_at(self, end: int) -> str:
        """The hash of all bytes before `end`: behind the last one asked for, and not beyond what was read."""
        self._digest.update(self._ahead[: end - self._at])
        del self._ahead[: end - self._at]
        self._at = end
        return self._digest.hexdigest()
