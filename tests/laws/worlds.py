"""Generated logs: plans, calendars and calls near the edges of time, and what goes wrong on the way into a log."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta, timezone
from itertools import product
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import orjson
from hypothesis import strategies as st

from rater.seam.model import LogRecord
from tests.support.logs import Event, call, published, shipped, subscribed, tick

STAMP = 1_861_920_000_000
"""The timestamp of all records: 2029-01-01, after all calls."""

ZONES = ("Asia/Shanghai", "America/New_York", "Europe/Berlin", "America/Havana", "Asia/Beirut", "Australia/Lord_Howe")
"""Havana's 2026-11-01 has two midnights, Beirut's 2027-03-28 none; Lord Howe is half an hour off, and so is its DST."""

CALENDARS = [*product(ZONES, (1, 15, 28)), *[("America/Havana", 1), ("Asia/Beirut", 28)] * 4]
"""Zone and billing day; those whose months begin in such a night more often."""

BEGINNING = "2026-09-01T00:00:00Z"

EDGES = [
    datetime.fromisoformat(text)
    for text in (
        "2026-10-25T03:00",  # Berlin's night of 25 hours
        "2026-11-01T00:00",  # Havana's and New York's, on a first of the month
        "2026-11-15T00:00",
        "2026-12-28T00:00",
        "2027-01-01T00:00",
        "2027-02-28T00:00",
        "2027-03-14T02:00",  # New York's night of 23 hours
        "2027-03-28T00:00",  # Beirut's and Berlin's, on a billing day
        "2027-04-04T02:00",  # Lord Howe's night of 24.5 hours
        "2028-02-29T00:00",
        "2028-03-01T00:00",
    )
]
"""Local times that calls gather around."""

NEAR = [timedelta(seconds=seconds) for seconds in (-7200, -3600, -1801, -1, -0.000001, 0, 0.000001, 1, 1800, 3600)]

SHIPPED = shipped()
EXTRA: dict[str, Event] = {
    "fine": {
        "minutes": {
            "increment": "1/1",
            "graduated": [{"from": 0, "rate": "0.19"}, {"from": 3, "rate": "0.113", "flat": "0.5"}],
        },
        "calls": {"allowance": 2, "rate": "0.333"},
    },
    "off": {"discount": "0.0333", "minutes": {"rate": "0.15", "allowance": 1}, "calls": {"rate": "1.0000005"}},
    "odd": {"fee": "9.995", "minutes": {"increment": "30/6", "minimum": 40, "allowance": 7, "rate": "0.07"}},
    "out": {
        "minutes": {"directions": ["outbound", "internal"], "rate": "0.125"},
        "calls": {
            "directions": ["inbound"],
            "volume": [{"from": 0, "rate": "1", "flat": "3"}, {"from": 2, "rate": "1"}],
        },
    },
}


class Account(NamedTuple):
    """An account of a generated log: its calendar, or None where no subscription says one."""

    name: str
    calendar: tuple[str, int] | None

    @property
    def zone(self) -> str:
        return self.calendar[0] if self.calendar else "Asia/Shanghai"


class Line(NamedTuple):
    """What a producer writes."""

    key: bytes | None
    value: bytes | None


class World(NamedTuple):
    """A generated log: tariff books and subscriptions, calls of distinct identities, and what else is in between."""

    control: list[Event]
    calls: list[Event]
    others: list[tuple[int, Line]]
    """Lines that come after so many calls, or (-1) before all: repetitions, conflicts, garbage."""
    sizes: list[int]
    """How many records the batches have, again and again."""
    seed: int

    @property
    def clean(self) -> list[Line]:
        """The log without what is repeated, contradicted or broken."""
        return [line_of(event) for event in (*self.control, *self.calls)]

    @property
    def log(self) -> list[Line]:
        """All of it."""
        lines = [line_of(event) for event in self.calls]
        for at, line in sorted(self.others, key=lambda other: -other[0]):
            if at >= 0:
                lines.insert(at, line)
        before = [line for at, line in self.others if at < 0]
        return before + [line_of(event) for event in self.control] + lines

    @property
    def accounts(self) -> list[str]:
        return sorted({event["account"] for event in (*self.control, *self.calls) if "account" in event})


def line_of(event: Event) -> Line:
    """The event under its account's key."""
    account = event.get("account")
    return Line(None if account is None else str(account).encode(), orjson.dumps(event))


def event_of(line: Line) -> Event:
    """What a line says; nothing where it is no event."""
    try:
        words = orjson.loads(line.value or b"")
    except ValueError:
        return {}
    return words if isinstance(words, dict) else {}


def records(lines: Iterable[Line], first: int = 0) -> list[LogRecord]:
    """The lines as records of a log."""
    return [LogRecord(offset, STAMP, *line) for offset, line in enumerate(lines, start=first)]


# --- tariffs

rates = st.sampled_from(["0", "0.005", "0.15", "0.113", "2.50", "1.0000005", "0.333333333"])
increments = st.sampled_from(["60/60", "30/6", "1/1", "45/13"])
sides = st.none() | st.lists(st.sampled_from(["inbound", "outbound", "internal"]), min_size=1, max_size=2, unique=True)


@st.composite
def meters(draw: st.DrawFn, allowances: Sequence[int]) -> Event:
    """A meter with any price."""
    kind = draw(st.sampled_from(["rate", "graduated", "volume", "unlimited"]))
    said = draw(sides)
    words: Event = {} if said is None else {"directions": said}
    if kind == "unlimited":
        return {**words, "allowance": "unlimited"}
    if draw(st.booleans()):
        words["allowance"] = draw(st.sampled_from(allowances))
    if kind == "rate":
        return {**words, "rate": draw(rates)}
    starts = [0, *sorted(draw(st.sets(st.sampled_from([1, 2, 3, 10, 49, 50]), max_size=2)))]
    bands: list[Event] = [{"from": start, "rate": draw(rates)} for start in starts]
    for band in bands:
        if draw(st.booleans()):
            band["flat"] = draw(rates)
    return {**words, kind: bands}


@st.composite
def inline_plans(draw: st.DrawFn) -> Event:
    """A negotiated plan."""
    has = draw(st.sampled_from([("minutes",), ("calls",), ("minutes", "calls")]))
    plan: Event = {"fee": draw(rates)}
    if "minutes" in has:
        plan["minutes"] = {**draw(meters([1, 49, 100])), "increment": draw(increments)}
        plan["minutes"]["minimum"] = draw(st.sampled_from([0, 10, 61]))
    if "calls" in has:
        plan["calls"] = draw(meters([1, 3]))
    return plan | draw(st.sampled_from([{}, {}, {"discount": "0.125"}, {"discount": "1"}]))


@st.composite
def books(draw: st.DrawFn) -> list[Event]:
    """A tariff book, and perhaps the next version of it with a dearer plan from an instant on."""
    money = draw(st.sampled_from([{}, {"currency": "JPY", "precision": 0}, {"currency": "KWD", "precision": 3}]))
    default = draw(st.sampled_from(["per-minute", "fine", None]))
    first = {**SHIPPED, **money, "default_plan": default, "plans": {**SHIPPED["plans"], **EXTRA}}
    if default is None:
        del first["default_plan"]
    if draw(st.booleans()):
        return [published(first)]
    start = draw(st.sampled_from(EDGES)).isoformat() + "+08:00"
    dearer = {"effective": start, "fee": "1.115", "minutes": {"rate": "0.4"}}
    return [published(first), published({**first, "version": 2, "plans": {**first["plans"], "odd": dearer}})]


# --- accounts and calls


def moment(account: Account, edge: datetime, off: timedelta) -> datetime:
    """The instant at a distance from a local time, told in the account's zone."""
    local = edge.replace(tzinfo=ZoneInfo(account.zone))
    return (local.astimezone(UTC) + off).astimezone(local.tzinfo)


@st.composite
def subscriptions(draw: st.DrawFn, account: Account) -> list[Event]:
    """The subscriptions of an account: one, and perhaps a change and an end, in the order of time."""
    if account.calendar is None:
        return []
    zone, day = account.calendar
    plans = st.sampled_from([*SHIPPED["plans"], *EXTRA]) | inline_plans()
    edges = st.tuples(st.sampled_from(EDGES), st.sampled_from(NEAR))
    changes = sorted({moment(account, *edge).astimezone(UTC) for edge in draw(st.lists(edges, max_size=2))})
    starts = [at.isoformat() for at in changes]
    if not starts or draw(st.booleans()):
        starts = [BEGINNING, *starts]
    made = [subscribed(account.name, draw(plans), starts[0], time_zone=zone, billing_day=day)]
    made += [subscribed(account.name, draw(plans | st.none()), at) for at in starts[1:]]
    return [{**event, "subscription_id": f"s-{account.name}-{number}"} for number, event in enumerate(made)]


TALKS = st.sampled_from([None, 0, 0.4999, 0.5, 1, 29, 60, 61, 2940, 3000, 3060]) | st.integers(0, 400)


@st.composite
def calls_of(draw: st.DrawFn, accounts: list[Account]) -> list[Event]:
    """Calls around few edges, so that many fall into the same period."""
    edges = draw(st.lists(st.sampled_from(EDGES), min_size=1, max_size=3, unique=True))
    offs = st.sampled_from(NEAR) | st.integers(-2_000_000, 2_000_000).map(lambda s: timedelta(seconds=s))
    directions = st.sampled_from(["outbound", "outbound", "inbound", "internal"])
    shape = st.tuples(st.sampled_from(accounts), TALKS, st.sampled_from(edges), offs, directions)
    many = draw(st.sampled_from([0, 1, 3, 6, 10, 15]))
    shapes = draw(st.lists(shape, min_size=many, max_size=many + 5))
    return [
        call(account.name, number, talk, moment(account, edge, off), direction=direction)
        for number, (account, talk, edge, off, direction) in enumerate(shapes)
    ]


# --- what goes wrong

BROKEN: list[dict[str, Any]] = [
    {"type": "call-started/1"},
    {"caller": 1},
    {"surprise": 1},
    {"started_at": "2026-11-03T09:00:00"},
    {"answered_at": None, "disposition": "answered"},
    {"answered_at": "2026-11-03T09:00:00Z", "disposition": "busy"},
    {"started_at": "2028-12-31T09:00:00Z"},
    {"started_at": "2020-12-31T09:00:00Z"},
]
"""Fields that make a call no call."""

GARBAGE = [b"", b"\xff\xfe", b"{", b"[]", b"null", b"{}", b'{"type":"call-ended/1"}', b'{"type":7}']


def in_other_words(event: Event) -> Event:
    """The same event with its instants written with another offset."""
    far = timezone(timedelta(hours=5, minutes=30))
    return {
        name: datetime.fromisoformat(value).astimezone(far).isoformat()
        if value is not None and (name == "from" or name.endswith("_at"))
        else value
        for name, value in event.items()
    }


@st.composite
def others(draw: st.DrawFn, control: list[Event], calls: list[Event]) -> Line:
    """A line that charges nothing, or contradicts one that does."""
    made: list[Event] = [event for event in control if "account" in event] + calls
    kinds = ["garbage", "tick", "book"]
    kinds += ["again", "conflict", "broken", "broken", "key", "future", "plan"] * bool(made)
    kind = draw(st.sampled_from(kinds))
    if kind == "garbage":
        return Line(draw(st.sampled_from([None, b"A", b"\xff"])), draw(st.none() | st.sampled_from(GARBAGE)))
    if kind == "tick":
        line = line_of(tick(draw(st.sampled_from([BEGINNING, "2026-08-01T00:00:00+08:00", "2030-01-01T00:00:00Z"]))))
        return line._replace(key=draw(st.sampled_from([None, None, b"A"])))
    if kind == "book":
        event = draw(st.sampled_from([event for event in control if "book" in event]))
        return line_of(draw(st.sampled_from([event, published({**event["book"], "late": "reject"})])))
    event = draw(st.sampled_from(made))
    if kind == "again":
        return line_of(draw(st.sampled_from([event, in_other_words(event)])))
    if kind == "key":
        return line_of(event)._replace(key=draw(st.sampled_from([None, b"", b"X", b"\xff"])))
    if kind == "plan":
        return line_of(subscribed(event["account"], "no-such-plan", subscription_id="s-late"))
    if kind == "future":
        return line_of(call(event["account"], "future", 60, datetime(2029, 1, 1, 0, 4, 5, tzinfo=UTC)))
    if kind == "broken":
        return line_of({**(event if "call_id" in event else call("A", 0)), **draw(st.sampled_from(BROKEN))})
    return line_of({**event, **({"caller": "other"} if "call_id" in event else {"spend_cap": "7"})})


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """A log."""
    calendars = st.none() | st.sampled_from(CALENDARS)
    accounts = [Account(name, draw(calendars)) for name in ("A", "B", "C")]
    control = draw(books()) + [event for account in accounts for event in draw(subscriptions(account))]
    calls = draw(calls_of(accounts))
    many = draw(st.sampled_from([0, 2, 4, 8]))
    lines = draw(st.lists(others(control, calls), min_size=many, max_size=many + 2))
    places = st.sampled_from([-1, *range(len(calls) + 1)])
    # A book before all would have calls charged before their accounts' subscriptions.
    around = [(0 if "book" in event_of(line) else draw(places), line) for line in lines]
    sizes = draw(st.lists(st.integers(1, 9), min_size=1, max_size=4))
    return World(control, calls, around, sizes, draw(st.integers(0, 1000)))
