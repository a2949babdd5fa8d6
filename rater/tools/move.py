"""Where the records of a log go in a log with another number of partitions.

Within each account the order stays. With k times as many partitions every account finds what it found before: its
records, and the books and ticks of its old partition in their places among them. With any other number accounts of
several old partitions come together, whose ticks and books were not in step: some are charged otherwise.

A record that was forwarded is left out where it stood wrong; its copy stands where the account is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from rater.seam.model import LogRecord
from rater.seam.partitions import partition_of
from rater.tools.log_file import LogLine

FROM = "rater-from"

OldPlace = tuple[int, int]
"""Partition and offset of a record of the old log."""


class Survey(NamedTuple):
    """What one look over a log tells of it."""

    records: int
    partitions: int
    left_out: set[OldPlace]
    """The places of records that have a copy in the partition where they belong."""
    lost_headers: bool
    """Whether records stand in wrong partitions and no header tells which of them were forwarded.

    So are the exports of earlier versions: each such record and its copy would both be written.
    """


def survey(lines: Iterable[LogLine]) -> Survey:
    """Look a log over."""
    records = partitions = 0
    left_out: set[OldPlace] = set()
    misplaced = headers = False
    for line in lines:
        records, partitions, key = records + 1, line.partitions, line.record.key
        place = _copied_from(line)
        if place is not None:
            left_out.add(place)
        if line.record.headers:
            headers = True
        elif not headers and not misplaced:
            misplaced = key is not None and partition_of(key, partitions) != line.partition
    return Survey(records, partitions, left_out, lost_headers=misplaced and not headers)


def _copied_from(line: LogLine) -> OldPlace | None:
    """The place that a record is a copy of; None where it is none: then it came from a switch, or has no header."""
    place = next((value for name, value in line.record.headers if name == FROM), b"").decode(errors="replace")
    topic, _, rest = place.partition("/")
    partition, _, offset = rest.partition("/")
    if not topic.endswith("calls") or not partition.isdecimal() or not offset.isdecimal():
        return None
    return int(partition), int(offset)


def moved(line: LogLine, partitions: int, left_out: set[OldPlace]) -> Iterator[LogLine]:
    """A record where it goes in a log with so many partitions: none, one, or several for a book or a tick."""
    record = line.record
    if (line.partition, record.offset) in left_out:
        return
    if _copied_from(line) is not None:
        record = record._replace(headers=tuple(mark for mark in record.headers if mark[0] != FROM))
    for partition in _homes(record.key, line.partition, line.partitions, partitions):
        yield LogLine(partition, partitions, record)


def _homes(key: bytes | None, partition: int, before: int, partitions: int) -> Sequence[int]:
    """A record without a key goes wherever accounts of its partition go; one that belonged elsewhere stays with it."""
    if partitions % before:
        return range(partitions) if key is None else (partition_of(key, partitions),)
    fed = range(partition, partitions, before)
    if key is None:
        return fed
    home = partition_of(key, partitions)
    return (home if home in fed else partition,)


def in_time(lines: Iterable[LogLine]) -> list[LogLine]:
    """Records of all partitions in the order of their times, each partition's in its own order."""
    return sorted(lines, key=lambda line: (line.record.timestamp, line.partition, line.record.offset))


def renumbered(lines: Iterable[LogLine]) -> Iterator[LogLine]:
    """Records with the offsets that they get where they are written in this order."""
    ends: dict[int, int] = {}
    for line in lines:
        offset = ends.get(line.partition, 0)
        ends[line.partition] = offset + 1
        timestamp, key, value, headers = line.record[1:]
        yield line._replace(record=LogRecord(offset, timestamp, key, value, headers))
