"""Did every forwarded record arrive, once? Counts and sums of hashes, so that memory does not grow with the log.

A sum of hashes says the same whatever the order, and a record that is lost, changed or there twice changes it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from rater.audit.report import Report

MODULUS = 1 << 128

Way = tuple[int, int]
"""From a log partition to another."""


@dataclass(slots=True)
class ForwardTally:
    """How many records went a way, and the sum of their hashes."""

    counts: Counter[Way] = field(default_factory=Counter)
    sums: Counter[Way] = field(default_factory=Counter)

    def add(self, way: Way, place: str, key: bytes | None, value: bytes | None) -> None:
        """One more record, which came from `place`."""
        parts = [part if part is None else part.hex() for part in (key, value)]
        digest = sha256(repr((place, parts)).encode()).digest()
        self.counts[way] += 1
        self.sums[way] = (self.sums[way] + int.from_bytes(digest[:16])) % MODULUS

    def as_dict(self, partition: int, end: int) -> dict[str, list[str | int]]:
        """The ways that start (`end` 0) or end (1) at a partition, as JSON."""
        return {
            f"{way[0]}-{way[1]}": [count, f"{self.sums[way]:x}"]
            for way, count in sorted(self.counts.items())
            if way[end] == partition
        }

    def take(self, words: Mapping[str, list[str | int]]) -> None:
        """Go on from what `words` wrote."""
        for name, (count, total) in words.items():
            source, _, target = name.partition("-")
            way = (int(source), int(target))
            self.counts[way] += int(count)
            self.sums[way] = (self.sums[way] + int(str(total), 16)) % MODULUS


def compare(sent: ForwardTally, arrived: ForwardTally, topic: str, report: Report) -> None:
    """Note every way whose records did not arrive as they were sent."""
    for way in sorted({*sent.counts, *arrived.counts}):
        out, come = sent.counts[way], arrived.counts[way]
        if (out, sent.sums[way]) != (come, arrived.sums[way]):
            place = f"{topic}/{way[0]} to {topic}/{way[1]}"
            difference = "one of them is another" if out == come else ""
            report.add_finding(
                "forward", place, f"{out} were forwarded, {come} arrived {difference}".rstrip(), abs(out - come) or 1
            )
