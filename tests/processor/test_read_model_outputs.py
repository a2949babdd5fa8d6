"""What a worker publishes for read models: the catalog whole after each start, and how far it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
import pytest
from hypothesis import given

from rater.processor import read_model_outputs
from rater.processor.read_model_outputs import with_read_model_outputs
from rater.processor.rows import ACCOUNTS, TARIFFS
from rater.processor.step import make_step
from rater.rating.book import Plan
from rater.rating.catalog import Tariffs
from rater.seam.model import Output, Step
from rater.wire.catalog import TARIFFS_ID, NegotiatedPlan, PlanVersion, TariffsInForce
from rater.wire.results import RESULTS
from tests.laws.worlds import books
from tests.support.logs import Event, Log, book, call, published, record, subscribed
from tests.support.mutate import plant

PLAN = {"calls": {"rate": "2.50"}}


def worker() -> Step:
    return with_read_model_outputs(make_step(), "calls")


def catalog(outputs: Sequence[Output]) -> dict[str, Any]:
    """The messages of `catalog` by key."""
    return {(out.key or b"").decode(): orjson.loads(out.value or b"") for out in outputs if out.topic == "catalog"}


def rows(log: Log) -> dict[str, Plan | Tariffs]:
    found = log.replay.rows[0].table(TARIFFS)
    return {TARIFFS_ID if isinstance(row, Tariffs) else row.id: row for row in found.values()}


@given(books())
def test_the_catalog_is_the_rows(words: list[Event]) -> None:
    """Whatever was published: each plan version and the book in force come back as the rules have them."""
    log = Log(worker(), publish=False)
    log.add(*words)
    told = catalog(log.outputs)
    assert set(told) == set(rows(log))
    for ident, row in rows(log).items():
        body = orjson.dumps(told[ident])
        if isinstance(row, Plan):
            assert PlanVersion.model_validate_json(body).to_core() == row
        else:
            message = TariffsInForce.model_validate_json(body)
            assert message.to_core() == Tariffs(row.book, row.offered, row.effective, {})


@pytest.mark.parametrize("number", ["0.20", "0.2", "0.000000001", "999999999999.999999999"])
def test_numbers_stay_as_they_are_written(number: str) -> None:
    """0.20 is not 0.2 on a price list."""
    log = Log(worker(), book({"a": {"fee": number, "minutes": {"rate": number}}}))
    assert catalog(log.outputs)["a@1"]["terms"] == {
        "fee": number,
        "proration": "none",
        "minutes": {"allowance": 0, "rate": number},
    }


def test_all_of_it_after_each_start() -> None:
    """A worker of today on the rows of a version that published no catalog; and again after a restart."""
    log = Log(words=book({"a": PLAN, "b": PLAN}, default_plan="a"))
    assert catalog(log.outputs) == {}
    for _ in range(2):
        restarted = worker()
        rows, head = log.replay.rows[0], log.replay.heads[0]
        first, second = (restarted(rows, head, 0, [record(log.offset + n, call("A", n))]) for n in (0, 1))
        assert set(catalog(first.outputs)) == {TARIFFS_ID, "a@1", "b@1"}
        assert catalog(second.outputs) == {}


def test_a_later_book_publishes_what_is_new() -> None:
    """The version that it adds, and the book in force; plan versions never change."""
    log = Log(worker(), book({"a": PLAN, "b": PLAN}))
    told = len(log.outputs)
    dearer = {"calls": {"rate": "3.00"}, "effective": "2026-12-01T00:00:00+08:00"}
    log.add(published(book({"a": dearer, "b": PLAN}, version=2)))
    assert set(catalog(log.outputs[told:])) == {TARIFFS_ID, "a@2"}


OWN: Event = {"fee": "9.00", "items": {"seat": {"price": "1.50"}}, "calls": {"rate": "0.10"}}


def test_a_negotiated_plan_is_published_once() -> None:
    """With the subscription that has it written down, in partition 0 from any partition; not with every charge."""
    log = Log(worker(), book({"a": PLAN}))
    told = len(log.outputs)
    log.add(subscribed("A", OWN), call("A", 1), subscribed("A", OWN), subscribed("B", "a"))
    made = catalog(log.outputs[told:])
    assert set(made) == {"A:s-A@1"}
    message = NegotiatedPlan.model_validate(made["A:s-A@1"])
    history = log.replay.rows[0].table(ACCOUNTS)[b"A"].history
    assert message.to_core() == history[0].inline
    assert sum(out.topic == "catalog" for out in log.outputs[told:]) == 1
    elsewhere = worker()(log.replay.rows[0], log.replay.heads[0], 3, [record(log.offset, call("A", 2))])
    assert [out.partition for out in elsewhere.outputs if out.topic == "catalog"] == [0]


def test_negotiated_plans_are_published_again_some_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a start, so that a topic that was made anew is whole, and no transaction is too large."""
    monkeypatch.setattr(read_model_outputs, "AT_ONCE", 2)
    log = Log(words=book({"a": PLAN}, default_plan="a"))
    log.add(*(subscribed(name, OWN) for name in "ABC"), call("D", 1))
    restarted, told = worker(), list[set[str]]()
    for n in range(3):
        effects = restarted(log.replay.rows[0], log.replay.heads[0], 0, [record(log.offset + n, call("D", n + 2))])
        told.append({key for key in catalog(effects.outputs) if ":" in key})
    assert [len(keys) for keys in told] == [2, 1, 0]
    assert told[0] | told[1] == {f"{name}:s-{name}@1" for name in "ABC"}


def test_the_catalog_is_in_partition_0() -> None:
    """A book is in every partition of the log; what read models read is in one."""
    log = Log(words=book({"a": PLAN}))
    effects = worker()(log.replay.rows[0], log.replay.heads[0], 3, [record(log.offset, call("A", 1))])
    assert catalog(effects.outputs) == {}
    assert {out.partition for out in effects.outputs if out.topic == "progress"} == {3}


def test_progress_is_the_head() -> None:
    """Once a batch, with the next offset and the outcomes as they are committed; an empty batch publishes nothing."""
    log = Log(worker(), book({"a": PLAN}, default_plan="a"))
    log.add(call("A", 1), call("A", 1), {"type": "no-such"})
    last = [out for out in log.outputs if out.topic == "progress"][-1]
    head = log.replay.heads[0]
    assert orjson.loads(last.value or b"") == {
        "type": "progress/1",
        "partition": 0,
        "next_offset": 4,
        "outcomes": {"applied": 1, "charged": 1, "duplicate": 1, "rejected:unknown-type": 1},
    }
    assert (last.key, head.next_offset) == (b"0", 4)
    assert list(worker()(log.replay.rows[0], head, 0, []).outputs) == []


def test_they_are_in_the_contract() -> None:
    """Each message is as its model says."""
    log = Log(worker())
    log.add(call("A", 1))
    kinds = set()
    for out in log.outputs:
        if out.topic in {"catalog", "progress"}:
            kinds.add(kind := orjson.loads(out.value or b"")["type"])
            RESULTS[kind].model_validate_json(out.value or b"")
    assert kinds == {"plan-version/1", "tariffs-in-force/1", "progress/1"}


def test_a_catalog_of_changes_alone_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mistake: a new topic gets only what is published from then on."""
    plant(monkeypatch, with_read_model_outputs, "(changed or partition not in begun)", "changed")
    monkeypatch.setitem(globals(), "with_read_model_outputs", read_model_outputs.with_read_model_outputs)
    with pytest.raises(AssertionError):
        test_all_of_it_after_each_start()
