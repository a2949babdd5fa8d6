"""Laws of an account's life: calls taken back, subscriptions that come late, months that close."""

from __future__ import annotations

import random
from collections import defaultdict
from decimal import Decimal
from typing import Any

import orjson

from rater.audit.verify import Verifier
from rater.processor.replay import Replay
from rater.processor.rows import USAGE
from rater.rating.usage import Usage
from tests.laws.worlds import Line, World, line_of
from tests.support.logs import Event, bodies, tick

AFTER_ALL = 2031
"""A year in which everything is over."""
"""When every generated call is long forgotten."""


def usages(replay: Replay) -> dict[bytes, Usage]:
    """The usage of each account's period, apart from how it came about."""
    return {
        key: usage._replace(seq=0, alerts=())
        for key, usage in replay.rows[0].tables[USAGE].items()
        if usage.seq and any(usage[4:10])
    }


def voided(event: Event) -> Event:
    """The event that takes a call back."""
    words = {name: event[name] for name in ("account", "source", "call_id")}
    return {"type": "call-voided/1", **words, "reason": "taken back"}


def void(world: World) -> None:
    """Usage, totals and connect rate are as without the calls that were taken back, and twice is once."""
    from tests.laws.laws import rate  # noqa: PLC0415 - the laws list this one

    rng = random.Random(world.seed)
    gone = [event for event in world.calls if rng.random() < 0.5]
    backs = [line_of(voided(event)) for event in gone]
    replay, outputs = rate([*world.clean, *backs, *backs])
    kept = [line_of(event) for event in world.calls if event not in gone]
    without, _ = rate([*[line_of(event) for event in world.control], *kept])
    ours, theirs = usages(replay), usages(without)
    fees = {key for key, usage in ours.items() if key not in theirs}
    assert {key: usage for key, usage in ours.items() if key not in fees} == theirs
    for key in fees:  # a call that was taken back still showed that its month had begun
        assert ours[key].total == ours[key].fees
    counts = replay.outcomes()
    assert counts.get("voided", 0) == sum(c["kind"] == "reversal" for c in bodies(outputs, "charges"))


def history(world: World) -> None:
    """Subscriptions that come behind the calls give the totals that they would have given before them."""
    from tests.laws.laws import rate  # noqa: PLC0415

    books = [event for event in world.control if "book" in event]
    subscriptions = [event for event in world.control if "book" not in event and _same_calendar(world, event)]
    names = {event["account"] for event in subscriptions}
    calls = [event for event in world.calls if event["account"] in names]
    if books[-1]["book"].get("default_plan") is None:
        return  # without a default plan nothing is charged before the subscription
    early, _ = rate([line_of(event) for event in (*books, *subscriptions, *calls)])
    late, outputs = rate([line_of(event) for event in (*books, *calls, *subscriptions)])
    if any(outcome.startswith("rejected") for outcome in (*early.outcomes(), *late.outcomes())):
        return
    assert _money(late) == _money(early)
    for charge in bodies(outputs, "charges"):
        assert sum((Decimal(line["amount"]) for line in charge["lines"]), Decimal(0)) == Decimal(charge["amount"])


def closing(world: World) -> None:
    """At the end of time each period with a charge is closed once, with the sum of its charges, and no row is left."""
    from tests.laws.laws import rate  # noqa: PLC0415

    years = (tick(f"{year}-01-01T00:00:00Z", operator=True) for year in range(2020, AFTER_ALL + 1))
    ends = [Line(None, orjson.dumps(year)) for year in years]  # one tick goes no further than 400 days
    replay, outputs = rate([*world.log, *ends, ends[-1]])
    charges = bodies(outputs, "charges")
    verifier = Verifier()
    assert [fault for charge in charges for fault in verifier.faults(charge)] == []
    sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for charge in charges:
        if charge["type"] == "charge/1":
            sums[charge["account"], charge["period"]] += Decimal(charge["amount"])
    closed = [(c["account"], c["period"], Decimal(c["total"])) for c in charges if c["type"] == "period-closed/1"]
    until = "2030-11-22"
    assert sorted(c for c in closed if c[1] < until) == sorted((*key, s) for key, s in sums.items() if key[1] < until)
    tables = replay.rows[0].tables
    assert tables["calls"] == {}
    assert all(usage.end > replay.heads[0].state["closed_until"] for usage in tables[USAGE].values())


def _same_calendar(world: World, event: Event) -> bool:
    """A calendar that changes under charges is another matter."""
    book: Any = world.control[0]["book"]
    return event.get("billing_day") in {None, 1} and event.get("time_zone", book["time_zone"]) == book["time_zone"]


def _money(replay: Replay) -> dict[bytes, tuple[Decimal, Decimal, int, int]]:
    return {key: (u.total, u.fees, u.attempts, u.connected) for key, u in usages(replay).items()}
