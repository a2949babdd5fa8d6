"""The proof of a partition, over topics in memory: heads, forwards, errors in the rules, snapshots; no broker."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson
import pytest

import rater.processor.call_ended
import rater.processor.rows
from rater.audit import forwards
from rater.audit.due import due
from rater.audit.partition import AuditContext, Origin, Proof
from rater.audit.report import Report
from rater.audit.run import OUTPUTS
from rater.audit.snapshot import ReplayState, Snapshot, SnapshotHeader, Writer
from rater.kafka.failstop import Refused
from rater.processor.replay import Replay
from rater.processor.rows import TABLES
from rater.processor.step import make_step
from rater.seam.model import Head, LogRecord, Output
from rater.seam.partitions import partition_of
from rater.seam.rows import PartitionRows
from tests.support.logs import STAMP, Event, call, published, record, shipped, subscribed


@dataclass
class Kept:
    """A record as a consumer gives it."""

    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()
    timestamp: int = STAMP


@dataclass
class System:
    """A rater of N partitions that has rated its log, with what it published."""

    partitions: int = 1
    log: dict[int, list[Kept]] = field(default_factory=dict)
    outputs: dict[tuple[str, int], list[Kept]] = field(default_factory=dict)
    heads: dict[int, Head] = field(default_factory=dict)

    def write(self, partition: int, *records: LogRecord) -> None:
        """Append to the log."""
        kept = self.log.setdefault(partition, [])
        kept += [Kept(len(kept) + n, r.key, r.value) for n, r in enumerate(records)]

    def rate(self) -> None:
        """Rate all, forwarded records too."""
        replay = Replay(make_step(), self.partitions)
        for _ in range(2):
            for partition in range(self.partitions):
                for output in replay.feed(partition, self.log.get(partition, [])).outputs:
                    self.publish(output)
        self.heads = dict(replay.heads)

    def publish(self, output: Output) -> None:
        topic = self.log if output.topic == "calls" else self.outputs
        where: Any = output.partition if output.topic == "calls" else (output.topic, output.partition)
        kept = topic.setdefault(where, [])
        kept.append(Kept(len(kept), output.key, output.value, output.headers))

    async def _pieces(self, role: str, partition: int, start: int) -> AsyncIterator[tuple[list[Any], int]]:
        records = self.outputs.get((role, partition), [])
        for at in range(start, len(records), 3):
            yield [*records[at : at + 3]], at

    async def audit(
        self, states: dict[int, ReplayState] | None = None, until: int | None = None, *, spend: bool = False
    ) -> tuple[Report, Any]:
        """Prove every partition; gives the states at the end too."""
        scene = AuditContext("calls", self.partitions, self.heads, Report())
        after = {}
        for p in range(self.partitions):
            state = (states or {}).get(p) or ReplayState(Origin(Head(0, self.partitions), empty(), {}))
            scene.sent.take(state.sent)
            scene.arrived.take(state.arrived)
            starts = {role: state.origin.outputs.get(role, 0) for role in OUTPUTS}
            sources = {role: (role, self._pieces(role, p, start)) for role, start in starts.items()}
            if spend:
                sources["spend"] = ("spend", self._pieces("spend", p, 0))
            proof = Proof(scene, p, state.origin, sources)
            records = [r for r in self.log.get(p, []) if r.offset >= state.origin.head.next_offset]
            taken = [r for r in records if until is None or r.offset < until]
            for at in range(0, len(taken), 7):
                await proof.take(taken[at : at + 7])
            passed = await proof.end(more=len(taken) < len(records))
            origin = Origin(
                proof.replay.heads[p], proof.replay.rows[p], {role: last + 1 for role, last in passed.items()}
            )
            after[p] = ReplayState(origin, scene.sent.as_dict(p, 0), scene.arrived.as_dict(p, 1))
        forwards.compare(scene.sent, scene.arrived, "calls", scene.report)
        return scene.report, after


def empty() -> PartitionRows:
    return PartitionRows(TABLES)


def events(calls: int) -> list[Event]:
    return [published(shipped()), subscribed("A", "hybrid-200"), *(call("A", n, 30 * n) for n in range(calls))]


def rated(calls: int = 20) -> System:
    system = System()
    system.write(0, *(record(0, event) for event in events(calls)), LogRecord(0, STAMP, b"A", b"{"))
    system.rate()
    return system


async def test_what_was_rated_is_proved() -> None:
    """Outcomes, charges, rejections and the money agree."""
    report, _ = await rated().audit()
    assert report.status == 0, report.as_dict()
    assert (report.records, report.charges, report.rejected, report.alerts) == (23, 21, 1, 2)
    assert report.residues() == {"CNY": 0}
    assert report.charged["CNY"] > 200


async def test_what_is_behind_the_heads_waits() -> None:
    """Records that the workers have not come to are told, and are no fault."""
    system = rated()
    system.write(0, *(record(0, call("A", n)) for n in range(100, 105)))
    report, _ = await system.audit()
    assert (report.status, report.waiting, report.records) == (0, 5, 23)


async def test_an_alert_that_is_gone_repeated_or_changed_is_named() -> None:
    """Alerts are told exactly once, like all that the rater publishes."""
    for spoil, kind in (("gone", "missing"), ("twice", "repeated"), ("other", "changed")):
        system = rated()
        alerts = system.outputs["alerts", 0]
        first = alerts[0]
        if spoil == "gone":
            del alerts[0]
        elif spoil == "twice":
            alerts.insert(1, first)
        else:
            alerts[0] = Kept(0, first.key, (first.value or b"").replace(b"40", b"41"), first.headers)
        system.outputs["alerts", 0] = [Kept(n, a.key, a.value, a.headers) for n, a in enumerate(alerts)]
        report, _ = await system.audit()
        assert report.counts == {kind: 1}, spoil
        assert "A:2026-11:allowance-80:minutes" in report.findings[0].what or kind == "changed"


async def test_a_rejection_that_is_gone_is_named() -> None:
    """Each record's outcome can be found: also what was refused."""
    system = rated()
    system.outputs["rejected", 0].clear()
    report, _ = await system.audit()
    assert [finding[:2] for finding in report.findings] == [("missing", "calls/0/22")]


@pytest.mark.parametrize(
    ("outcomes", "kind"),
    [({"charged": 19, "applied": 2, "rejected:not-json": 1}, "no-outcome"), ({"charged": 23}, "state")],
)
async def test_heads_that_count_otherwise_are_seen(outcomes: dict[str, int], kind: str) -> None:
    """A call without an outcome shows in the sum, a wrong outcome in its name."""
    system = rated()
    system.heads[0] = replace(system.heads[0], outcomes=outcomes)
    report, _ = await system.audit()
    assert [finding.kind for finding in report.findings] == [kind]


async def test_a_record_that_the_rules_fail_on_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """An `internal-error` is a call without its charge: the audit names the record and where the rules failed."""
    row = rater.processor.rows.call_row

    def fails(*known: Any, **more: Any) -> bytes:
        if "+861" in known:
            raise ZeroDivisionError
        return row(*known, **more)

    monkeypatch.setattr(rater.processor.call_ended, "call_row", fails)
    system = System()
    system.write(0, *(record(0, e) for e in events(3)), record(0, call("A", 9, caller="+861", callee="\u00e9")))
    system.rate()
    report, _ = await system.audit()
    assert report.status == 1
    (found,) = report.findings
    assert (found.kind, found.place) == ("internal-error", "rejected/0/0")
    assert found.what.startswith("the record at calls/0/5: ZeroDivisionError in ")


def misplaced() -> System:
    """Two partitions; calls of an account are written into the wrong one."""
    system = System(2)
    home = partition_of(b"A", 2)
    system.write(home, *(record(0, event) for event in events(2)))
    system.write(1 - home, record(0, published(shipped())), *(record(0, call("A", n)) for n in range(10, 14)))
    system.rate()
    return system


async def test_forwarded_calls_are_followed() -> None:
    """A misplaced call's charge is proved in the partition that it was forwarded to."""
    report, _ = await misplaced().audit()
    assert (report.status, report.outcomes["forwarded"], report.outcomes["charged"]) == (0, 4, 6)


async def test_a_forwarded_call_that_never_arrived_is_seen() -> None:
    """One that is lost between the partitions."""
    system = misplaced()
    home = partition_of(b"A", 2)
    lost = system.log[home].pop()
    charge = system.outputs["charges", home].pop()
    assert b"c-13" in (lost.value or b"")
    assert b"c-13" in (charge.value or b"")
    head = system.heads[home]
    fewer = {**head.outcomes, "charged": head.outcomes["charged"] - 1}
    system.heads[home] = replace(head, next_offset=head.next_offset - 1, outcomes=fewer)
    report, _ = await system.audit()
    assert [finding.kind for finding in report.findings] == ["forward"]
    assert "4 were forwarded, 3 arrived" in report.findings[0].what


async def test_a_proof_goes_on_from_a_snapshot(tmp_path: Path) -> None:
    """From a snapshot on the same is proved, without what lies before it; what was wrong behind it is still seen."""
    system = misplaced()
    _, states = await system.audit()
    file = tmp_path / "snapshot.jsonl"
    header = SnapshotHeader("calls", 2, proven=True, previous="f00")
    with Writer(file, header) as writer:
        for partition, state in states.items():
            writer.add(partition, state)
        writer.keep()
    for p in range(2):
        system.write(p, record(0, call("A", 77 + p)))
    _rate_again(system)
    snapshot = Snapshot(file)
    assert snapshot.header == header
    report, _ = await system.audit(dict(snapshot.states()))
    assert report.status == 0, report.as_dict()
    assert report.charges == 2
    assert file.stat().st_mode & 0o077 == 0


def _rate_again(system: System) -> None:
    """Rate the whole log anew, forwarded records as they are."""
    system.outputs.clear()
    home = partition_of(b"A", 2)
    replay = Replay(make_step(), 2)
    for partition in (1 - home, home):
        for output in replay.feed(partition, system.log[partition]).outputs:
            if output.topic != "calls" or dict(output.headers)["rater-from"].endswith(b"/5"):
                system.publish(output)
    system.heads = dict(replay.heads)


def test_a_snapshot_that_was_changed_is_refused(tmp_path: Path) -> None:
    """One byte of it."""
    file = tmp_path / "snapshot.jsonl"
    with Writer(file, SnapshotHeader("calls", 1, proven=True)) as writer:
        writer.add(0, ReplayState(Origin(Head(5, 1, {"charged": 5}), empty(), {})))
        writer.keep()
    assert Snapshot(file).header.log == "calls"
    file.write_bytes(file.read_bytes().replace(b'"charged":5', b'"charged":6'))
    with pytest.raises(Refused, match="it was changed"):
        Snapshot(file)


def test_a_snapshot_that_is_not_whole_is_refused(tmp_path: Path) -> None:
    """One that was cut off, and one that was never finished is not there at all."""
    file = tmp_path / "snapshot.jsonl"
    with Writer(file, SnapshotHeader("calls", 1, proven=True)) as writer:
        writer.add(0, ReplayState(Origin(Head(5, 1), empty(), {})))
    assert list(tmp_path.iterdir()) == []
    file.write_bytes(orjson.dumps({"type": "snapshot/1"}) + b"\n")
    with pytest.raises(Refused, match="not a whole snapshot"):
        Snapshot(file)


def test_a_fee_that_is_not_due_is_not_missed() -> None:
    """Money that falls due later is no residue: a plan that starts later in the month owes nothing yet."""
    replay = Replay(make_step())
    book = shipped(default_plan="per-minute")
    later = subscribed("A", "hybrid-200", "2026-11-20T00:00:00+08:00")
    replay.feed(0, [record(n, e) for n, e in enumerate([published(book), call("A", 1, 60), later])])
    assert due(replay.rows[0]) == ("CNY", sum(u.total for u in replay.rows[0].tables["usage"].values()))
