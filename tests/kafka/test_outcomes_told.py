"""The verbs that write an event say what became of it, and can be run again after any failure."""

from __future__ import annotations

import json

from tests.support.rated import so_far
from tests.support.workers import Rater


async def test_what_became_of_it_is_told(ready: Rater) -> None:
    """Applied with its charges, rejected with what to do, done before; the exit status says so too."""
    ready.worker()
    said = ready.run("subscribe", "A1", "hybrid-200", "--from", "2026-11-01T00:00:00+08:00", "--id", "s-1")
    assert "A1:2026-11:1  fee  200.00 CNY" in said
    credit = ("adjust", "A1", "--reason", "see [/ticket 42] :100:", "--id", "a-1", "--json", "--", "-12.00")
    first, again = (json.loads(ready.run(*credit, status=None).splitlines()[-1]) for _ in range(2))
    assert [charge["amount"] for charge in first["charges"]] == ["-12.00"]
    assert (again["outcome"], again["charges"]) == ("done", [])
    unknown = ready.run("void", "A1", "pbx-1", "nobody", "--reason", "x", status=1)
    assert "rejected: unknown-call" in unknown
    assert "rater rejected redrive" in unknown
    outcomes = await so_far(ready)
    assert (outcomes["duplicate"], outcomes["rejected:unknown-call"]) == (1, 1)


def test_without_a_worker_it_says_that_nothing_is_lost(ready: Rater) -> None:
    """And --no-wait returns at once."""
    said = ready.run("adjust", "A1", "--no-wait", "--reason", "x", "--", "-1.00")
    assert "the same again is: rater adjust A1 --reason x --id a-" in said
    assert "is in" in said


def test_a_tick_by_mistake_is_not_written(ready: Rater) -> None:
    """2062 for 2026: what it would do is said, and --force is asked for; the step bounds it all the same."""
    said = ready.run("tick", "--at", "2062-12-12T00:00:00Z", status=2)
    assert "fees of about" in said
    assert "--force" in said
    ready.worker()
    ready.run("tick", "--at", "2062-12-12T00:00:00Z", "--force")
    said = ready.run("adjust", "A1", "--reason", "x", "--", "-1.00", status=1)
    assert "unknown-account" in said or "no-tariff-book" in said
