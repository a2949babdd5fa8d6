"""The laws of rating.md that are in force, as properties of any log; and for each a planted bug that it must catch."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import rater.core.ledger
import rater.core.lines
import rater.core.price
import rater.core.usage
import rater.service.calls
import rater.service.decision
import rater.service.rows
import rater.service.step
from rater.core.ledger import charge_call
from rater.core.period import period_at
from rater.core.usage import Call, Segment, Usage
from rater.core.zones import zone
from rater.service.memory import Replay
from rater.service.rows import TABLES
from rater.service.step import make_step
from rater.stream.model import LogRecord, Output
from tests.support.logs import STAMP, Event, bodies, call, published, record, shipped, subscribed, total

EXTRA: dict[str, Event] = {
    "fine": {
        "minutes": {
            "increment": "1/1",
            "graduated": [{"from": 0, "rate": "0.19"}, {"from": 3, "rate": "0.113", "flat": "0.5"}],
        },
        "calls": {"allowance": 2, "rate": "0.333"},
    },
    "odd": {"fee": "9.99", "minutes": {"increment": "30/6", "minimum": 40, "allowance": 7, "rate": "0.07"}},
}
BOOK = shipped(plans={**shipped()["plans"], **EXTRA})
PLANS: dict[str, Event] = BOOK["plans"]
DEFAULT = "per-minute"
BEGAN = datetime(2026, 10, 31, 12, tzinfo=UTC)
SPAN = timedelta(days=70)


class Account(NamedTuple):
    """An account of a generated log: its plan (None: no subscription) and its calendar."""

    name: str
    plan: str | None
    zone: str
    day: int

    def event(self) -> Event:
        return subscribed(self.name, self.plan, "2026-09-01T00:00:00Z", time_zone=self.zone, billing_day=self.day)


class World(NamedTuple):
    """A generated log: accounts, their calls, and what is repeated."""

    accounts: list[Account]
    calls: list[Event]
    seed: int

    @property
    def events(self) -> list[Event]:
        subscriptions = [account.event() for account in self.accounts if account.plan is not None]
        return [published(BOOK), *subscriptions, *self.calls]


@st.composite
def worlds(draw: st.DrawFn) -> World:
    plans = st.sampled_from([*PLANS, "fine", "odd", None])
    accounts = [
        Account(name, plan, *(calendar if plan else ("Asia/Shanghai", 1)))
        for name in ("A", "B", "C")
        for plan, calendar in [
            draw(st.tuples(plans, st.sampled_from([("Asia/Shanghai", 1), ("America/New_York", 15)])))
        ]
    ]
    shape = st.tuples(
        st.sampled_from(accounts),
        st.none() | st.integers(0, 400) | st.sampled_from([0.5, 60, 2940, 3000]),
        st.integers(0, int(SPAN.total_seconds())),
        st.sampled_from(["outbound", "outbound", "inbound", "internal"]),
    )
    made = [
        call(account.name, number, talk, BEGAN + timedelta(seconds=seconds), direction=direction)
        for number, (account, talk, seconds, direction) in enumerate(draw(st.lists(shape, max_size=25)))
    ]
    return World(accounts, made, draw(st.integers(0, 1000)))


def outputs_of(events: list[Event]) -> tuple[Replay, list[Output]]:
    replay = Replay(make_step())
    effects = replay.feed(0, [record(offset, event) for offset, event in enumerate(events)])
    return replay, list(effects.outputs)


def charges_of(events: list[Event]) -> list[Event]:
    return bodies(outputs_of(events)[1], "charges")


def totals(charges: list[Event]) -> dict[tuple[str, str], Decimal]:
    """Account and period -> the sum of the charges, where it has any."""
    sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for charge in charges:
        sums[charge["account"], charge["period"]] += Decimal(charge["amount"])
    return dict(sums)


# --- an oracle that knows the plans' words and nothing of the rules' code


def oracle_period(account: Account, start: datetime) -> str:
    local = start.astimezone(zone(account.zone)).date()
    first = local.replace(day=account.day)
    begins = first if local >= first else (first.replace(day=1) - timedelta(days=1)).replace(day=account.day)
    return f"{begins:%Y-%m}" if account.day == 1 else begins.isoformat()


def oracle_seconds(words: Event, event: Event) -> int:
    length = datetime.fromisoformat(event["ended_at"]) - datetime.fromisoformat(event["answered_at"])
    talk = (2 * length // timedelta(seconds=1) + 1) // 2
    first, step = (int(part) for part in words.get("increment", "60/60").split("/"))
    billed = 0
    while talk and billed < max(talk, words.get("minimum", 0)):
        billed += step if billed else first
    return billed


def oracle_price(words: Event | None, units: Fraction) -> Fraction:
    if words is None or words.get("allowance") == "unlimited":
        return Fraction(0)
    units = max(Fraction(0), units - words.get("allowance", 0))
    if not units:
        return Fraction(0)
    if "rate" in words:
        return units * Fraction(words["rate"])
    bands = [
        (b["from"], Fraction(b["rate"]), Fraction(b.get("flat", "0")))
        for b in words.get("volume") or words["graduated"]
    ]
    if "volume" in words:
        _, rate, flat = [band for band in bands if band[0] <= units][-1]
        return units * rate + flat
    ends = [*(band[0] for band in bands[1:]), 10**12]
    return sum(
        (
            (min(units, end) - start) * rate + flat
            for (start, rate, flat), end in zip(bands, ends, strict=True)
            if units > start
        ),
        Fraction(0),
    )


def oracle_usage(plan: str, calls: list[Event]) -> Decimal:
    """What calls of one period cost: half up to cents."""
    words = PLANS[plan]
    connected = [event for event in calls if event["disposition"] == "answered"]
    minutes = words.get("minutes")
    seconds = sum(oracle_seconds(minutes, event) for event in connected) if minutes else 0
    cost = oracle_price(minutes, Fraction(seconds, 60)) + oracle_price(words.get("calls"), Fraction(len(connected)))
    return Decimal(int(cost * 200 + 1) // 2) / 100


def by_period(world: World) -> dict[tuple[str, str], list[Event]]:
    of = {account.name: account for account in world.accounts}
    found: dict[tuple[str, str], list[Event]] = defaultdict(list)
    for event in world.calls:
        start = datetime.fromisoformat(event["started_at"])
        found[event["account"], oracle_period(of[event["account"]], start)].append(event)
    return found


# --- the laws


def conservation(world: World) -> None:
    """A period's usage charges sum to R(price(final usage)), and it owes its fee once."""
    charges = charges_of(world.events)
    plans = {account.name: account.plan or DEFAULT for account in world.accounts}
    for (account, period), calls in by_period(world).items():
        mine = [charge for charge in charges if (charge["account"], charge["period"]) == (account, period)]
        assert total(c for c in mine if c["kind"] == "usage") == oracle_usage(plans[account], calls)
        assert total(c for c in mine if c["kind"] == "fee") == Decimal(PLANS[plans[account]].get("fee", "0"))


def idempotence(world: World) -> None:
    """Records delivered again, at once or much later, change no charge."""
    events = world.events
    twice = [event for event in events for _ in range(2)] + events
    assert charges_of(twice) == charges_of(events)


def order(world: World) -> None:
    """Any order of the calls gives the same totals of the periods."""
    shuffled = random.Random(world.seed).sample(world.calls, len(world.calls))
    control = world.events[: len(world.events) - len(world.calls)]
    assert totals(charges_of(control + shuffled)) == totals(charges_of(world.events))


def isolation(world: World) -> None:
    """An account's charges do not depend on other accounts."""
    charges = charges_of(world.events)
    for account in world.accounts:
        alone = [event for event in world.events if event.get("account") in {None, account.name}]
        assert charges_of(alone) == [charge for charge in charges if charge["account"] == account.name]


def batching(world: World) -> None:
    """Any split into batches gives the same bytes, also when the rows come back from the changelogs in between."""
    records = [record(offset, event) for offset, event in enumerate(world.events)]
    replay, outputs = outputs_of(world.events)
    other = Replay(make_step())
    split: list[Output] = []
    rng = random.Random(world.seed)
    while records:
        size = rng.randrange(1, 8)
        split += other.feed(0, records[:size]).outputs
        records = records[size:]
        for table in TABLES:
            rows = other.rows[0].tables[table.name]
            rows.update({key: table.decode(table.encode(row)) for key, row in rows.items()})
    assert split == outputs
    assert other.heads == replay.heads
    assert other.rows[0].tables == replay.rows[0].tables


def monotonic(world: World) -> None:
    """More usage never lowers the total, volume bands excepted."""
    volume = {account.name for account in world.accounts if "volume" in str(PLANS[account.plan or DEFAULT])}
    for charge in charges_of(world.events):
        assert charge["account"] in volume or Decimal(charge["amount"]) >= 0


def period(world: World) -> None:
    """Each charged call is in exactly one period, that of its start; and a period's charges count 1, 2, 3."""
    charges = charges_of(world.events)
    charged = {(c["account"], c["period"], c["call"]["call_id"]) for c in charges if "call" in c}
    due = {(*place, event["call_id"]) for place, events in by_period(world).items() for event in events}
    assert charged == due
    assert sum("call" in charge for charge in charges) == len(due)
    counts: dict[tuple[str, str], int] = defaultdict(int)
    for charge in charges:
        counts[charge["account"], charge["period"]] += 1
        assert charge["seq"] == counts[charge["account"], charge["period"]]


def explanation(world: World) -> None:
    """The lines of a charge sum to its amount."""
    for charge in charges_of(world.events):
        assert sum((Decimal(line["amount"]) for line in charge["lines"]), Decimal(0)) == Decimal(charge["amount"])


def outcomes(world: World) -> None:
    """Outcomes add up to the records, and to what came out."""
    events = [*world.events, *world.calls, *({**event, "caller": "other"} for event in world.calls)]
    replay, outputs = outputs_of(events)
    counts = replay.outcomes()
    assert sum(counts.values()) == len(events)
    assert counts.get("charged", 0) == sum("call" in charge for charge in bodies(outputs, "charges"))
    rejected = sum(count for outcome, count in counts.items() if outcome.startswith("rejected:"))
    assert rejected == len(bodies(outputs, "rejected")) == len(world.calls)


def totality(records: list[LogRecord]) -> None:
    """No bytes whatever raise, or meet an error in the rules; each record has its outcome, and the stream goes on."""
    replay = Replay(make_step(), partitions=2)
    replay.feed(0, [record(0, published(BOOK))])
    replay.feed(0, records)
    assert "rejected:internal-error" not in replay.outcomes()
    assert sum(replay.outcomes().values()) == 1 + len(records)


LAWS: list[Callable[[World], None]] = [
    conservation,
    idempotence,
    order,
    isolation,
    batching,
    monotonic,
    period,
    explanation,
    outcomes,
]

UNTIL = settings(
    max_examples=60, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
PLANTED = settings(UNTIL, max_examples=500, phases=[Phase.generate], report_multiple_bugs=False)


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_the_law_holds(law: Callable[[World], None]) -> None:
    """The law holds for every generated log."""
    UNTIL(given(worlds())(law))()


@st.composite
def garbage(draw: st.DrawFn) -> list[LogRecord]:
    """Records of any bytes, and events with a part of them torn out or replaced."""
    events = st.sampled_from([call("A", 1), subscribed("B", "hybrid-200"), published(BOOK), {"type": "clock-ticked/1"}])
    values: list[bytes | None] = []
    for event, at, torn in draw(st.lists(st.tuples(events, st.integers(0, 400), st.binary(max_size=9)), max_size=12)):
        whole = record(0, event).value or b""
        values.append(whole[:at] + torn + whole[at + len(torn) :])
    values += draw(st.lists(st.none() | st.binary(max_size=60), max_size=5))
    keys = st.none() | st.sampled_from([b"A", b"B"]) | st.binary(max_size=5)
    stamps = st.integers(-(2**63), 2**63 - 1) | st.just(STAMP)
    return [LogRecord(1 + n, draw(stamps), draw(keys), value) for n, value in enumerate(values)]


def test_no_bytes_whatever_raise() -> None:
    """The law of totality holds for any bytes, keys and timestamps."""
    settings(UNTIL, max_examples=200)(given(garbage())(totality))()


# --- the planted bugs


def band_too_late(patch: pytest.MonkeyPatch) -> None:
    """A volume band is reached only beyond its `from`: 50 minutes still cost 0.20."""

    def reached(price: Any, quanta: int, per: int) -> Any:
        return [band for band in price.bands if band.start * per < quanta or not band.start][-1]

    patch.setattr(rater.core.price, "reached", reached)


def no_identity(patch: pytest.MonkeyPatch) -> None:
    """Calls are remembered under a key that never comes again."""
    numbers = iter(range(10**9))
    patch.setattr(rater.service.calls, "call_key", lambda *_: b"%d" % next(numbers))


def latecomers_free(patch: pytest.MonkeyPatch) -> None:
    """A call that comes after a later one is taken for unanswered."""

    def charged(plan: Any, usage: Usage, index: int, taken: Call, start: int, precision: int) -> Any:
        late = usage.latest is not None and start < usage.latest
        return charge_call(plan, usage, index, Call(taken.direction, False, 0) if late else taken, start, precision)  # noqa: FBT003

    patch.setattr(rater.service.calls, "charge_call", charged)


def one_usage_for_all(patch: pytest.MonkeyPatch) -> None:
    """The account is left out of the key of the usage."""
    for module in (rater.service.calls, rater.service.decision):
        patch.setattr(module, "usage_key", lambda _, period: period.encode())


def calls_lost_on_disk(patch: pytest.MonkeyPatch) -> None:
    """The count of connected calls does not survive the changelog."""
    patch.setattr(
        rater.service.rows, "Segment", lambda at, plan, own, seconds, _, cost: Segment(at, plan, own, seconds, 0, cost)
    )


def usage_gives_back(patch: pytest.MonkeyPatch) -> None:
    """Prices fall with use."""
    priced = rater.core.price.price_of
    patch.setattr(rater.core.price, "price_of", lambda *given: -priced(*given))


def a_day_later(patch: pytest.MonkeyPatch) -> None:
    """A call is put into the period of the day after its start."""
    patch.setattr(rater.service.calls, "period_at", lambda calendar, at: period_at(calendar, at + 86_400_000_000))


def no_rounding_line(patch: pytest.MonkeyPatch) -> None:
    """What rounding left over is dropped."""
    patch.setattr(rater.core.usage, "settled", lambda lines, _: lines)


def rejected_as_charged(patch: pytest.MonkeyPatch) -> None:
    """A rejection is counted as a charge."""
    rejected = rater.service.step._rejected
    patch.setattr(rater.service.step, "_rejected", lambda *given: rejected(*given)._replace(outcome="charged"))


BUGS = [
    (conservation, band_too_late),
    (idempotence, no_identity),
    (order, latecomers_free),
    (isolation, one_usage_for_all),
    (batching, calls_lost_on_disk),
    (monotonic, usage_gives_back),
    (period, a_day_later),
    (explanation, no_rounding_line),
    (outcomes, rejected_as_charged),
]


@pytest.mark.parametrize(("law", "plant"), BUGS, ids=[plant.__name__ for _, plant in BUGS])
def test_the_law_catches_its_planted_bug(
    law: Callable[[World], None], plant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the bug in the rules the law fails: it can fail at all."""
    plant(monkeypatch)
    with pytest.raises(AssertionError):
        PLANTED(given(worlds())(law))()


def test_totality_catches_a_parser_that_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even where the step saves the stream, an error in the rules is seen."""
    monkeypatch.setattr(rater.service.step, "parse", lambda value: value.decode())
    with pytest.raises(AssertionError):
        settings(PLANTED)(given(garbage())(totality))()


def test_every_law_has_its_bug() -> None:
    """No law goes unproven."""
    assert [law for law, _ in BUGS] == LAWS
