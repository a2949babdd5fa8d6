"""One harmed topic a check: the audit finds exactly what was harmed, and without that check it would not."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from rater.audit import eyes, partition, spends
from rater.audit.report import Report
from rater.audit.run import header_after
from rater.kafka.settings import Settings
from rater.processor.replay import Replay
from rater.processor.rows import TABLES
from rater.processor.step import make_step
from rater.seam.model import LogRecord
from rater.seam.partitions import partition_of
from rater.seam.rows import PartitionRows
from tests.audit.test_proof import Kept, System, events
from tests.support.logs import STAMP, call, published, record, shipped, subscribed, tick

START = datetime.fromisoformat("2026-11-20T09:00:00+08:00")


class Whole(System):
    """A system of one partition that publishes `spend` too, and closes a month."""

    final: Replay

    def rate(self) -> None:
        """Rate all."""
        replay = Replay(make_step(spend=True), self.partitions)
        for given in self.log[0]:
            for output in replay.feed(0, [given]).outputs:
                self.publish(output)
        self.heads = dict(replay.heads)
        self.final = replay


def system() -> Whole:
    made = Whole()
    later = [call("A", f"late-{n}", 60 + n, START + timedelta(hours=n)) for n in range(5)]
    closes = tick("2026-12-12T00:00:00+08:00", operator=True)
    after = call("A", "december", 90, START + timedelta(days=20))
    made.write(0, *(record(0, event) for event in [*events(6), *later, closes, after]), LogRecord(0, STAMP, b"A", b"{"))
    made.rate()
    return made


async def found(made: Whole) -> dict[str, int]:
    report, _ = await made.audit(spend=True)
    return {str(kind): times for kind, times in report.counts.items()}


def charge(made: Whole, number: int) -> Kept:
    return made.outputs["charges", 0][number]


def edited(kept: Kept, **changes: Any) -> None:
    kept.value = orjson.dumps({**orjson.loads(kept.value or b""), **changes})


def closings(made: Whole) -> list[Kept]:
    return [kept for kept in made.outputs["charges", 0] if b'"period-closed/1"' in (kept.value or b"")]


def other_key(made: Whole) -> None:
    charge(made, 2).key = b"B"


def another_last_seq(made: Whole) -> None:
    edited(closings(made)[0], last_seq=99)


def another_closing_total(made: Whole) -> None:
    edited(closings(made)[0], total="1.00")


def a_charge_of_more(made: Whole) -> None:
    edited(charge(made, 3), amount="9.99")


def spend_of_before(made: Whole) -> None:
    keys = [kept.key for kept in made.outputs["spend", 0]]
    last = max(n for n, key in enumerate(keys) if key == keys[-1])
    made.outputs["spend", 0].pop(last)


def spend_changed(made: Whole) -> None:
    edited(made.outputs["spend", 0][-1], total="0.01")


def spend_of_nobody(made: Whole) -> None:
    last = made.outputs["spend", 0][-1]
    made.outputs["spend", 0].append(Kept(99, b"Z:2026-11", last.value, last.headers))


def heads_of_another_time(made: Whole) -> None:
    made.heads[0] = replace(made.heads[0], state={**made.heads[0].state, "closed_until": 1})


def heads_with_other_counts(made: Whole) -> None:
    outcomes = dict(made.heads[0].outcomes)
    outcomes["charged"] -= 1
    outcomes["duplicate"] = outcomes.get("duplicate", 0) + 1
    made.heads[0] = replace(made.heads[0], outcomes=outcomes)


async def test_a_charge_in_a_partition_that_is_not_the_accounts_is_found() -> None:
    """Key and body agree, and it stands where no reader of the account looks."""
    made = system()
    moved = charge(made, 2)
    home = partition_of(b"A", 2)
    other = Report()
    eyes.Eyes(other, "charges", 1 - home, 2, PartitionRows(TABLES)).look([moved])
    assert f"charges of A belong into partition {home}" in [finding.what for finding in other.findings]


async def test_calls_known_from_a_snapshot_are_not_charged_again() -> None:
    """What was charged before the origin of a proof is seeded from its rows."""
    made = system()
    rows = made.final.rows[0]
    looked = Report()
    eyes.Eyes(looked, "charges", 0, 1, rows).look([charge(made, 2)])
    assert any("is charged again" in finding.what for finding in looked.findings)


async def test_a_forwarded_record_that_arrives_changed_is_found() -> None:
    """Not only how many arrive is compared, but what they say."""
    made = System(2)
    home = partition_of(b"A", 2)
    made.write(home, record(0, published(shipped())), record(0, subscribed("A", "hybrid-200")))
    made.write(1 - home, record(0, published(shipped())), record(0, call("A", 1, 90)))
    made.rate()
    report, _ = await made.audit()
    assert dict(report.counts) == {}
    arrived = next(kept for kept in made.log[home] if kept.headers)
    arrived.value = (arrived.value or b"").replace(b'"c-1"', b'"c-9"')
    report, _ = await made.audit()
    assert report.counts["forward"] > 0


def test_a_snapshot_carries_the_sum_of_the_one_before() -> None:
    """The chain: a header after a snapshot names its SHA-256, and only then is it proven from it."""
    before = SimpleNamespace(sha256="abc", header=SimpleNamespace(proven=True))
    settings = Settings()
    assert header_after(settings, before).previous == "abc"  # type: ignore[arg-type]
    assert header_after(settings, None).previous is None


HARMS: list[tuple[Callable[[Whole], None], set[str]]] = [
    (other_key, {"books", "changed"}),
    (another_last_seq, {"books", "changed", "gap"}),
    (another_closing_total, {"books", "changed"}),
    (a_charge_of_more, {"books", "changed"}),
    (spend_of_before, {"changed"}),
    (spend_changed, {"changed"}),
    (spend_of_nobody, {"no-cause"}),
    (heads_of_another_time, {"state"}),
    (heads_with_other_counts, {"state"}),
]


async def test_what_is_right_is_proved() -> None:
    """Nothing is off in a system that nobody harmed."""
    assert await found(system()) == {}


@pytest.mark.parametrize(("harm", "kinds"), HARMS, ids=[harm.__name__ for harm, _ in HARMS])
async def test_each_harm_is_found_for_what_it_is(harm: Callable[[Whole], None], kinds: set[str]) -> None:
    """One topic, one place, and nothing else is said to be off."""
    made = system()
    harm(made)
    assert set(await found(made)) == kinds


async def test_a_call_charged_twice_by_the_rules_themselves_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the rules forget an identity, the replay agrees with them; the audit's own eyes do not."""
    made = Whole()
    twice = call("A", 1, 60)
    made.write(0, *(record(0, event) for event in [*events(0), twice, twice]))
    numbers = iter(range(10**9))
    monkeypatch.setattr(
        "rater.processor.call_ended.call_key", lambda account, *_: b"%b\x1f%d\x1fx" % (account, next(numbers))
    )
    made.rate()
    assert await found(made) == {"books": 1}


def blind(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(eyes.Eyes, "look", lambda *_: None)


def no_spends(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(spends.Spends, "compare", lambda *_: None)


def no_heads(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(partition.Proof, "_at_cut", lambda _: None)


@pytest.mark.parametrize(
    ("without", "harm"),
    [(no_spends, spend_changed), (no_spends, spend_of_nobody), (no_heads, heads_of_another_time), (blind, other_key)],
)
async def test_without_the_check_the_harm_is_not_found(
    without: Callable[[pytest.MonkeyPatch], None], harm: Callable[[Whole], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """So the tests above would fail if a check were taken out."""
    made, kinds = system(), dict(HARMS)[harm]
    harm(made)
    whole = await found(copy.deepcopy(made))
    without(monkeypatch)
    assert set(await found(made)) < set(whole) == kinds
