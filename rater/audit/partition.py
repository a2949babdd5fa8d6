"""The proof of one log partition: its records through the step, its outputs side by side with what was published."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from rater.audit.books import AlertBooks, ChargeBooks, RejectedBooks
from rater.audit.due import due
from rater.audit.eyes import Eyes
from rater.audit.forwards import ForwardTally
from rater.audit.match import Books, Matcher, OutputRecord
from rater.audit.report import Report, add
from rater.audit.spends import Spends
from rater.processor.replay import Replay
from rater.processor.rows import USAGE
from rater.processor.step import make_step
from rater.seam.model import Head, Output
from rater.seam.rows import PartitionRows

FROM = "rater-from"

Pieces = AsyncIterator[tuple[list[Any], int]]
"""Records of a partition, piece by piece."""


class Origin(NamedTuple):
    """Where a proof begins: the log's own start, or a snapshot."""

    head: Head
    rows: PartitionRows
    outputs: Mapping[str, int]
    """Role of an output topic -> the offset of the first record that is not of before."""


@dataclass(slots=True)
class AuditContext:
    """What all the partitions' proofs share."""

    topic: str
    """The log's real name."""
    partitions: int
    heads: Mapping[int, Head]
    """Where the workers had come when the audit began."""
    report: Report
    sent: ForwardTally = field(default_factory=ForwardTally)
    arrived: ForwardTally = field(default_factory=ForwardTally)

    def cut(self, partition: int) -> int:
        """Up to where a partition was rated."""
        head = self.heads.get(partition)
        return 0 if head is None else head.next_offset


class Proof:
    """Of one partition, fed with its log and with what was published of it."""

    def __init__(
        self, scene: AuditContext, partition: int, origin: Origin, outputs: Mapping[str, tuple[str, Pieces]]
    ) -> None:
        """`outputs`: role -> the real topic, and its records from the origin on."""
        self._scene, self._partition, self._report = scene, partition, scene.report
        self._cut = max(scene.cut(partition), origin.head.next_offset)
        self._place = f"{scene.topic}/{partition}"
        self._spends = Spends() if "spend" in outputs else None
        self._since = origin.head.next_offset
        self.replay = Replay(make_step(scene.topic, spend=self._spends is not None), scene.partitions)
        self.replay.rows[partition], self.replay.heads[partition] = origin.rows, origin.head
        self._before = due(origin.rows)[1]
        self._settled = False
        self._published = {role: pieces for role, (_, pieces) in outputs.items()}
        books: dict[str, Books] = {
            "charges": ChargeBooks(self._report, _last_seqs(origin.rows)),
            "rejected": RejectedBooks(self._report),
            "alerts": AlertBooks(self._report),
        }
        self._matchers = {
            role: Matcher(self._report, books[role], self._place, f"{topic}/{partition}", self._cut)
            for role, (topic, _) in outputs.items()
            if role in books
        }
        self._topics = {role: topic for role, (topic, _) in outputs.items()}
        charges = self._topics.get("charges", "charges")
        self._eyes = Eyes(self._report, charges, partition, scene.partitions, origin.rows)
        self._report.records += sum(origin.head.outcomes.values())

    async def take(self, records: Sequence[Any]) -> None:
        """The next records of the log."""
        before = [record for record in records if record.offset < self._cut]
        behind = records[len(before) :]
        self._report.records += len(before)
        self._report.waiting += len(behind)
        for record in before:
            self._arrive(record)
        self._feed(before)
        if behind:
            self._at_cut()
            self._feed(behind)
        await self._compare()

    async def end(self, *, more: bool) -> dict[str, int]:
        """The log was read as far as it is to be, and `more` may come behind that.

        Gives for each role the offset of the last published one that was judged.
        """
        self._at_cut()
        for matcher in self._matchers.values():
            matcher.asked_all(more=more)
        await self._compare()
        await self._look_at_spends()
        return {role: matcher.passed for role, matcher in self._matchers.items()}

    async def _look_at_spends(self) -> None:
        if self._spends is None:
            return
        async for records, _ in self._published["spend"]:
            self._spends.publish(records, cause_of)
        self._spends.compare(self._report, f"{self._topics['spend']}/{self._partition}", self._since, self._cut)

    def _feed(self, records: Sequence[Any]) -> None:
        if not records:
            return
        for output in self.replay.feed(self._partition, records).outputs:
            cause = dict(output.headers)[FROM].decode()
            offset = int(cause.rpartition("/")[2])
            matcher = self._matchers.get(output.topic)
            if matcher is not None:
                matcher.expect([OutputRecord(output.key, output.value, offset, cause)])
            elif output.topic == "calls" and offset < self._cut:
                self._send(output, cause)
            elif output.topic == "spend" and self._spends is not None and offset < self._cut:
                self._spends.expect(output.key or b"", output.value)

    def _send(self, output: Output, cause: str) -> None:
        self._scene.sent.add((self._partition, output.partition), cause, output.key, output.value)

    def _arrive(self, record: Any) -> None:
        """Note a record that says it was forwarded from another partition, before that one's cut."""
        cause = cause_of(record)
        topic, partition, offset = _place(cause)
        if topic == self._scene.topic and offset < self._scene.cut(partition):
            self._scene.arrived.add((partition, self._partition), cause, record.key, record.value)

    def _at_cut(self) -> None:
        """All that the workers have rated is replayed: here their heads and the money must agree."""
        if self._settled:
            return
        self._settled = True
        ours, theirs = self.replay.heads[self._partition], self._scene.heads.get(self._partition)
        currency, total = due(self.replay.rows[self._partition])
        if currency:
            add(self._report.due, currency, total - self._before)
        if theirs is None:
            return
        self._report.outcomes.update(theirs.outcomes)
        missing = sum(ours.outcomes.values()) - sum(theirs.outcomes.values())
        if missing:
            detail = f"{missing} records without an outcome" if missing > 0 else f"{-missing} outcomes without a record"
            self._report.add_finding("no-outcome", self._place, detail, abs(missing))
        elif ours.outcomes != theirs.outcomes:
            detail = f"outcomes are {dict(theirs.outcomes)}, the log says {dict(ours.outcomes)}"
            self._report.add_finding("state", self._place, detail)
        if ours.state != theirs.state:
            self._report.add_finding("state", self._place, f"state is {theirs.state}, the log says {ours.state}")

    async def _compare(self) -> None:
        """Read as much of what was published as helps, and judge it."""
        for role, matcher in self._matchers.items():
            matcher.settle()
            while matcher.wants_published:
                piece = await anext(self._published[role], None)
                if piece is None:
                    matcher.read_all()
                else:
                    if role == "charges":
                        self._eyes.look(piece[0])
                    matcher.publish(OutputRecord(r.key, r.value, r.offset, cause_of(r)) for r in piece[0])
                matcher.settle()


def _last_seqs(rows: PartitionRows) -> dict[str, int]:
    """`account:period` -> the number of its last charge."""
    return {key.decode().replace("\x1f", ":"): usage.seq for key, usage in rows.table(USAGE).items()}


def cause_of(record: Any) -> str:
    """The place in the log that a record's header names; empty where it names none."""
    return next((value.decode(errors="replace") for name, value in record.headers if name == FROM), "")


def _place(cause: str) -> tuple[str, int, int]:
    topic, _, rest = cause.rpartition("/")
    topic, _, partition = topic.rpartition("/")
    if not (rest.isdecimal() and partition.isdecimal()):
        return "", -1, 0
    return topic, int(partition), int(rest)
