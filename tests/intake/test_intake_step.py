"""The intake's step: what comes of records, however they come in batches."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import rater.intake.step as intake_step
from rater.app.metrics import INTAKE, exposition
from rater.engine.batches import Tally
from rater.intake.rows import RECORDS, TABLES, day_group
from rater.intake.step import DAY_MS, FORGOTTEN_AT_ONCE, make_intake_step
from rater.seam.model import Head, LogRecord, Output
from rater.seam.partitions import partition_of
from rater.seam.rows import PartitionRows
from rater.switches.profile import Profile
from tests.switches.profiles import made

FIELDS = {"id": "id", "caller": "from", "callee": "to", "start": "start", "end": "end", "answer": "answer"}
CALLS = 4
"""Partitions of the log of calls."""


def profile(account: Any = None, **more: Any) -> Profile:
    rules = account or [{"field": "account"}]
    return made("json", account=rules, fields=FIELDS, times="epoch", unique_ids=True, remember_days=31, **more)


def record(ident: str, account: str = "acme", *, start: int = 1_793_577_600, to: str = "1") -> bytes:
    words = {"id": ident, "account": account, "from": "100", "to": to}
    return orjson.dumps({**words, "start": start, "answer": start + 5, "end": start + 65})


class Topic:
    """A switch's topic of so many partitions through the step, forwarded records included."""

    def __init__(self, partitions: int = 1) -> None:
        self.partitions = partitions
        self.rows = {p: PartitionRows(TABLES) for p in range(partitions)}
        self.heads = {p: Head(0, partitions) for p in range(partitions)}
        self.outputs: list[Output] = []

    def feed(self, profile: Profile, values: list[bytes], partition: int = 0, *, at: int = 0) -> None:
        head = self.heads[partition]
        records = [LogRecord(head.next_offset + n, at, b"any", value) for n, value in enumerate(values)]
        step = make_intake_step(profile, "switch-pbx-1", CALLS)
        effects = step(self.rows[partition], head, partition, records)
        self.rows[partition].apply(effects.changes)
        self.heads[partition] = effects.head
        for output in effects.outputs:
            self.outputs.append(output)
            if output.topic == "switch":
                self.feed(profile, [output.value or b""], output.partition, at=at)

    def outcomes(self) -> dict[str, int]:
        total: dict[str, int] = {}
        for head in self.heads.values():
            for outcome, count in head.outcomes.items():
                total[outcome] = total.get(outcome, 0) + count
        return total

    def calls(self) -> list[dict[str, Any]]:
        return [orjson.loads(output.value or b"") for output in self.outputs if output.topic == "calls"]


def test_a_call_goes_to_the_partition_of_its_account() -> None:
    """Keyed by it, whatever the switch's key was; and it says where it came from, and by which profile."""
    topic = Topic()
    by = profile()
    topic.feed(by, [record("1", f"a{n}").replace(b'"1"', b'"%d"' % n, 1) for n in range(20)])
    for output in topic.outputs:
        assert output.key is not None
        assert output.partition == partition_of(output.key, CALLS)
        assert output.key.decode() == orjson.loads(output.value or b"")["account"]
        assert dict(output.headers)["rater-profile"] == by.hash.encode()
        assert dict(output.headers)["rater-from"].startswith(b"switch-pbx-1/0/")


def test_a_known_record_keeps_its_account() -> None:
    """A call mapped to A; the profile changes to B; the switch sends it again, in its words or in others."""
    topic = Topic(4)
    topic.feed(profile([{"value": "A"}]), [record("1")], 0)
    changed = profile([{"value": "B"}])
    for partition in range(4):  # wherever the switch, the door or a person puts it
        topic.feed(changed, [record("1")], partition)
    assert [call["account"] for call in topic.calls()] == ["A"]
    topic.feed(changed, [record("1", to="2"), record("2")], 1)
    assert [(call["account"], call["callee"]) for call in topic.calls()] == [("A", "1"), ("A", "2"), ("B", "1")]


def test_other_numbers_by_a_newer_profile_are_no_other_call() -> None:
    topic = Topic()
    topic.feed(profile(), [record("1", to="87654321")])
    topic.feed(profile(numbers={"country": "CN", "area": "10"}), [record("1", to="87654321")])
    assert topic.outcomes() == {"call": 1, "skipped:duplicate": 1}


def test_what_was_rejected_goes_through_the_newest_profile() -> None:
    topic = Topic()
    topic.feed(profile([{"field": "account", "pattern": "^x"}]), [record("1")])
    topic.feed(profile(), [record("1"), record("1")])
    assert topic.outcomes() == {"rejected:no-account": 1, "call": 1, "skipped:duplicate": 1}
    rejected = orjson.loads(topic.outputs[0].value or b"")
    assert (rejected["reason"], topic.outputs[0].topic) == ("no-account", "rejected")


def test_records_are_forgotten_when_they_are_old() -> None:
    """Four at most with each record, and those of 31 days and less never."""
    topic, day = Topic(), DAY_MS
    topic.feed(profile(), [record(str(n)) for n in range(10)], at=20_000 * day)
    topic.feed(profile(), [record("new")], at=20_031 * day)
    assert len(topic.rows[0].table(RECORDS)) == 11
    for n, left in enumerate((8, 5, 4, 5)):
        topic.feed(profile(), [record(f"later-{n}")], at=20_032 * day)
        assert len(topic.rows[0].table(RECORDS)) == left
    topic.feed(profile(), [record("new")], at=20_032 * day)
    assert topic.outcomes()["skipped:duplicate"] == 1


Days = st.sampled_from([0, 0, 0, 1, 30, 32, 40])


SAID = st.lists(st.tuples(st.integers(0, 12), Days, st.booleans()), max_size=60)
SIZES = st.lists(st.integers(1, 9), min_size=1, max_size=8)


@settings(max_examples=60)
@given(SAID, SIZES)
def test_batches_change_nothing(said: list[tuple[int, int, bool]], sizes: list[int]) -> None:
    """One by one, or in batches of any size: the same outputs, rows and counts."""
    law_of_batches(said, sizes)


def law_of_batches(said: list[tuple[int, int, bool]], sizes: list[int]) -> None:
    now, records = 20_000 * DAY_MS, []
    for offset, (ident, days, broken) in enumerate(said):
        now += days * DAY_MS
        records.append(LogRecord(offset, now, None, b"{" if broken else record(str(ident))))
    step = make_intake_step(profile(), "switch-pbx-1", CALLS)
    assert _run(step, records, [1]) == _run(step, records, sizes) == _run(step, records, [len(records) or 1])


def _run(step: Any, records: list[LogRecord], sizes: list[int]) -> tuple[Any, ...]:
    rows, head, outputs, at, turn = PartitionRows(TABLES), Head(0, 1), [], 0, 0
    while at < len(records):
        size = sizes[turn % len(sizes)]
        effects = step(rows, head, 0, records[at : at + size])
        rows.apply(effects.changes)
        head, at, turn = effects.head, at + size, turn + 1
        outputs += effects.outputs
    return outputs, rows.tables, head


@pytest.mark.parametrize("again", [False, True])
def test_a_rejection_of_a_record_that_was_sent_again_names_its_first_place(again: bool) -> None:  # noqa: FBT001
    marks = (("rater-first", b"switch-pbx-1/0/7"),) if again else ()
    step = make_intake_step(profile(), "switch-pbx-1", CALLS)
    effects = step(PartitionRows(TABLES), Head(0, 1), 0, [LogRecord(0, 0, None, b"{", marks)])
    assert dict(effects.outputs[0].headers).get("rater-first") == (b"switch-pbx-1/0/7" if again else None)


def _forgets_what_stood_before_the_batch(patch: pytest.MonkeyPatch) -> None:
    """Rows that the batch itself made are not looked at."""

    def forget(self: Any) -> None:
        last = self.newest // DAY_MS - self.profile.spec.remember_days
        if self.oldest_day is None or self.oldest_day >= last:
            return
        keys = self.rows.first(RECORDS, day_group(self.oldest_day), FORGOTTEN_AT_ONCE)
        self.changed |= dict.fromkeys(keys)
        self.oldest_day += len(keys) < FORGOTTEN_AT_ONCE

    patch.setattr(intake_step._Intake, "_forget", forget)


def _knows_what_stood_before_the_batch(patch: pytest.MonkeyPatch) -> None:
    """A record that came in the same batch is taken for new."""
    usual = intake_step._Intake._call

    def call(self: Any, record: Any, found: Any) -> str:
        kept, self.changed = self.changed, {}
        outcome = usual(self, record, found)
        self.changed = kept | self.changed
        return outcome

    patch.setattr(intake_step._Intake, "_call", call)


def _counts_days_by_the_batch(patch: pytest.MonkeyPatch) -> None:
    """The newest time is that of the batch's first record."""
    usual = intake_step._Intake.run

    def run(self: Any, records: Any) -> Any:
        first = [record._replace(timestamp=records[0].timestamp) for record in records]
        return usual(self, first)

    patch.setattr(intake_step._Intake, "run", run)


@pytest.mark.parametrize(
    "bug", [_forgets_what_stood_before_the_batch, _knows_what_stood_before_the_batch, _counts_days_by_the_batch]
)
def test_the_law_of_batches_catches_a_planted_bug(bug: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    bug(monkeypatch)
    found = settings(max_examples=300, phases=[Phase.generate])(given(SAID, SIZES)(law_of_batches))
    with pytest.raises(AssertionError):
        found()


def test_ambiguous_times_are_told() -> None:
    """A change of clocks shows in the metrics, under the intake's own name."""
    unit = SimpleNamespace(head=Head(3, 1, {"call": 3}, {"newest": 0, "ambiguous": 2}), tally=Tally())
    engine = SimpleNamespace(units={0: unit}, held={}, ready=True, restored=(0, 0), held_back=dict)
    text = exposition(engine, INTAKE).decode()
    assert 'rater_intake_ambiguous_times_total{partition="0"} 2.0' in text
    assert 'rater_intake_records_total{outcome="call",partition="0"} 3.0' in text
    unit.head = Head(3, 1, {"charged": 3}, None)
    assert "ambiguous" not in exposition(engine).decode()
