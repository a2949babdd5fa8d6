"""Snapshots: the rows of every partition at a place of the log, from where a later audit goes on.

A file of JSON lines: a header, then for each partition its head and its rows as the tables write them, and at the end
the SHA-256 of all lines before. The header carries the SHA-256 of the snapshot that this one goes on from, so snapshots
are a chain back to the log's start; one whose rows were taken from the tables on trust says so.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Self

import orjson

from rater.audit.partition import Origin
from rater.kafka.failstop import Refused
from rater.processor.rows import READABLE_FORMATS, ROW_FORMAT, TABLES
from rater.seam.heads import HEADS
from rater.seam.model import Head
from rater.seam.rows import PartitionRows
from rater.tools.whole_file import WholeFile

TYPE = "snapshot/1"
CODECS = {table.name: table for table in TABLES}


@dataclass(frozen=True, slots=True)
class SnapshotHeader:
    """What a snapshot is of."""

    log: str
    """The log's real topic name."""
    partitions: int
    proven: bool
    """Whether the rows were proved by a replay from the log's start, or from a snapshot that was; else trusted."""
    previous: str | None = None
    """The SHA-256 of the snapshot before."""
    row_format: int = ROW_FORMAT


@dataclass(frozen=True, slots=True)
class ReplayState:
    """Of one partition: its origin, and the forwarded records up to there (see `ForwardTally.words`)."""

    origin: Origin
    sent: Mapping[str, list[str | int]] = field(default_factory=dict)
    arrived: Mapping[str, list[str | int]] = field(default_factory=dict)


class Writer:
    """Writes a snapshot beside its place; `keep` puts it there, whole, and readable by its owner alone."""

    def __init__(self, path: Path, header: SnapshotHeader) -> None:
        self._made = WholeFile(path, private=True)
        self._digest = sha256()
        words = {name: getattr(header, name) for name in SnapshotHeader.__slots__}
        self._line({"type": TYPE, **words})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._made.drop()

    def add(self, partition: int, state: ReplayState) -> None:
        """Write a partition's rows."""
        head, rows, outputs = state.origin
        place = {"partition": partition, "head": orjson.loads(HEADS.encode(head)), "outputs": dict(outputs)}
        self._line({**place, "sent": dict(state.sent), "arrived": dict(state.arrived)})
        for table in TABLES:
            for key, row in rows.table(table.name).items():
                self._line([partition, table.name, b64encode(key).decode(), b64encode(table.encode(row)).decode()])

    def keep(self) -> str:
        """Finish the file; gives its SHA-256."""
        digest = self._digest.hexdigest()
        self._line({"sha256": digest})
        self._made.keep()
        return digest

    def _line(self, words: Any) -> None:
        line = orjson.dumps(words) + b"\n"
        self._digest.update(line)
        self._made.file.write(line)


class Snapshot:
    """A snapshot that was read whole once and found sound; its rows are read a partition at a time."""

    def __init__(self, path: Path) -> None:
        """Raises `Refused` where the file is not a whole snapshot of this version's rows."""
        self._path = path
        self.sha256 = self._checked()
        with path.open("rb") as file:
            words = orjson.loads(next(file))
        words.pop("type")
        self.header = SnapshotHeader(**words)
        if self.header.row_format not in READABLE_FORMATS:
            raise Refused(f"{path}: its rows have format {self.header.row_format}, this rater reads {ROW_FORMAT}")

    def _checked(self) -> str:
        digest, before, last = sha256(), b"", b""
        with self._path.open("rb") as file:
            for line in file:
                digest.update(before)
                before = last = line
        try:
            said = orjson.loads(last)["sha256"]
        except (orjson.JSONDecodeError, KeyError, TypeError) as error:
            raise Refused(f"{self._path}: not a whole snapshot; make one with: rater snapshot --out FILE") from error
        if said != digest.hexdigest():
            raise Refused(f"{self._path}: its content does not have the SHA-256 that it ends with: it was changed")
        return str(said)

    def states(self) -> Iterator[tuple[int, ReplayState]]:
        """Each partition's state, in order; one is in memory at a time."""
        current: tuple[int, ReplayState] | None = None
        with self._path.open("rb") as file:
            next(file)
            for line in file:
                words = orjson.loads(line)
                if isinstance(words, list):
                    assert current is not None  # noqa: S101 - a checked file: rows come behind their partition
                    _, table, key, value = words
                    current[1].origin.rows.put(table, b64decode(key), CODECS[table].decode(b64decode(value)))
                    continue
                if current is not None:
                    yield current
                if "partition" in words:
                    current = words["partition"], _state(words)


def _state(words: Mapping[str, Any]) -> ReplayState:
    head: Head = replace(HEADS.decode(orjson.dumps(words["head"])), format=ROW_FORMAT)
    origin = Origin(head, PartitionRows(TABLES), words["outputs"])
    return ReplayState(origin, words["sent"], words["arrived"])
