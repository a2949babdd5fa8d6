"""What the demo tells: subscriptions and the clock, said to the log, and the records of a FreeSWITCH."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

import orjson

from rater.seam.partitions import partition_of
from rater.tools import simulate
from rater.tools.embedded import PARTITIONS
from rater.tools.faulty_switch import simulated_call
from rater.tools.feed import Placed
from rater.tools.raw_records import RAW_FORMATS, SimulatedCall
from rater.wire.events import TariffsPublished
from rater.wire.shipped import shipped_book

ZONE = ZoneInfo("Asia/Shanghai")
"""Of the shipped book; office hours are hours there."""
CLOSED = 2
"""Months that are closed when the story is told."""
CLOSE_AFTER = 11
"""The day of a month whose first tick closes the month before."""
FAULT_EVERY = 400
"""Of so many calls one is followed by a fault: something that real switches send."""
SOURCE = "demo"
CAPS = {3: "120.00", 4: "260.00", 10: "450.00"}
"""Number of an account -> its spend cap."""
WEAK = 7
"""The account whose connect rate is guaranteed, and too low."""
WEAK_PLAN = {"calls": {"rate": "1.60"}, "guarantee": {"connect_rate": "0.75", "attempts": 20, "credit": "0.10"}}
LATE, LATE_CALLS = 8, 3
"""The account of which so many calls of the first month come in the last one."""

_FORMAT = RAW_FORMATS["freeswitch-event"]


class StoryRecord(NamedTuple):
    """A record of the story."""

    to: Literal["calls", "switch"]
    key: bytes | None
    value: bytes
    account: str = ""
    """Whose call the intake makes of it; empty where it makes none, and of what is said to the log."""
    waits: bool = False
    """Whether all before it must be rated first: a void must not come before its call, nor a closing."""


def story(seed: int, calls: int, accounts: int, now: datetime | None = None) -> Iterator[StoryRecord]:
    """Three months up to today, of which two are closed: subscriptions to all the plans, caps, a guarantee, calls with
    the faults that switches have, late ones, a change of plan, a credit, a void, and a book that reaches back.

    At the end of each day there the clock ticks, as a worker's own would: forecasts are made by days.
    """
    today = (now or datetime.now(UTC)).astimezone(ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
    months = _months(today)
    for event in simulate.subscriptions(accounts, months[0]):
        yield StoryRecord("calls", event.account.encode(), _of_the_story(event.value))
    told = _calls(seed, calls, accounts, months, today)
    extras = _extras(accounts, months)
    midnight = months[0] + timedelta(days=1)
    voids, voided = simulate.account_name(1), None
    for number, call in enumerate(told, start=1):
        while call.ended >= midnight:
            tick = orjson.dumps({"type": "clock-ticked/1", "at": midnight.isoformat()})
            yield StoryRecord("calls", None, tick, waits=midnight.day == CLOSE_AFTER)
            midnight += timedelta(days=1)
            while extras and extras[0][0] <= midnight:
                yield extras.pop(0)[1]
        yield _written(call)
        if voided is None and call.account == voids and call.answered is not None and call.started >= months[1]:
            voided = call
            extras = sorted([*extras, (months[-1] + timedelta(days=2), _void(call))], key=lambda one: one[0])
        if number % FAULT_EVERY == 0:
            yield _FAULTS[number // FAULT_EVERY % len(_FAULTS)](call)
    yield from (record for _, record in extras)


def _months(today: datetime) -> list[datetime]:
    """The first days of the months that are told, the one that runs last."""
    found = [today.replace(day=1)]
    while len(found) <= CLOSED or (len(found) == CLOSED + 1 and today.day < CLOSE_AFTER):
        found.insert(0, (found[0] - timedelta(days=1)).replace(day=1))
    return found


def _of_the_story(value: bytes) -> bytes:
    words = orjson.loads(value)
    number = int(words["account"][1:])
    if number in CAPS:
        words["spend_cap"] = CAPS[number]
    if number == WEAK:
        words["plan"] = WEAK_PLAN
    return orjson.dumps(words)


def _calls(
    seed: int, calls: int, accounts: int, months: Sequence[datetime], today: datetime
) -> Iterator[SimulatedCall]:
    """The calls in the order in which the switch writes them: some of the first month at the start of the last."""
    held: list[SimulatedCall] = []
    late, weak = simulate.account_name(LATE), simulate.account_name(WEAK)
    for number, event in enumerate(simulate.calls(seed, calls, accounts, months[0], (today - months[0]).days)):
        call = simulated_call(orjson.loads(event.value), _FORMAT)
        if call.account == weak and number % 3 == 0:
            call = call._replace(answered=None, disposition="no-answer")
        if call.account == late and len(held) < LATE_CALLS and call.ended < months[1]:
            held.append(call)
            continue
        if held and len(held) == LATE_CALLS and call.ended >= months[-1] + timedelta(days=1):
            yield from held
            held = []
            late = ""
        yield call
    yield from held


def _extras(accounts: int, months: Sequence[datetime]) -> list[tuple[datetime, StoryRecord]]:
    """What people say to the log, and when."""
    names = [simulate.account_name(number) for number in range(accounts)]
    found = []
    if accounts > 6:
        found.append((months[1] + timedelta(days=9), _said(_change(names[0], months[1] + timedelta(days=10)))))
        credit = {"adjustment_id": "outage-1", "amount": "-12.00", "reason": "outage on the 5th"}
        found.append((months[-1], _said({"type": "account-adjusted/1", "account": names[5], **credit})))
    found.append((months[-1] + timedelta(days=8), StoryRecord("calls", None, _book(months[-1]))))
    return sorted(found, key=lambda one: one[0])


def _change(account: str, at: datetime) -> dict[str, Any]:
    words = {"type": "account-subscribed/1", "account": account, "subscription_id": "story-1"}
    return words | {"plan": "hybrid-200", "from": at.isoformat()}


def _void(call: SimulatedCall) -> StoryRecord:
    words = {"type": "call-voided/1", "account": call.account, "source": SOURCE, "call_id": call.ident}
    return _said(words | {"reason": "wrong number, by agreement"})._replace(waits=True)


def _said(words: Mapping[str, Any]) -> StoryRecord:
    return StoryRecord("calls", words["account"].encode(), orjson.dumps(words))


def _book(month: datetime) -> bytes:
    """The shipped book's next version, in which calls cost less from the start of the month on."""
    words = orjson.loads(TariffsPublished(type="tariffs-published/1", book=shipped_book()).to_json())["book"]
    words["version"] += 1
    plan = words["plans"]["per-call"]
    bands = [{**band, "rate": str(Decimal(band["rate"]) - Decimal("0.10"))} for band in plan["calls"]["volume"]]
    changed = {**plan, "calls": {**plan["calls"], "volume": bands}}
    words["plans"]["per-call"] = {**changed, "effective": month.isoformat(), "reach_back": True}
    return orjson.dumps({"type": "tariffs-published/1", "book": words})


def _written(call: SimulatedCall, **changes: Any) -> StoryRecord:
    changed = call._replace(**changes)
    account = "" if changed.other_leg_of else changed.account
    return StoryRecord("switch", changed.ident.encode(), _FORMAT.write(changed), account)


def _repeated(call: SimulatedCall) -> StoryRecord:
    return _written(call)._replace(account="")


def _conflicting(call: SimulatedCall) -> StoryRecord:
    return _written(call, callee="+8610000000")


def _broken(call: SimulatedCall) -> StoryRecord:
    told = _written(call)
    return told._replace(value=told.value[: len(told.value) // 2], account="")


def _other_leg(call: SimulatedCall) -> StoryRecord:
    return _written(call, ident=f"{call.ident}-b", account="", other_leg_of=call.ident)


def _nobody(call: SimulatedCall) -> StoryRecord:
    return _written(call, ident=f"{call.ident}-n", account="")


_FAULTS = (_nobody, _repeated, _conflicting, _broken, _other_leg)
"""In turn, from the second on."""


class Size(NamedTuple):
    """How much a story is."""

    told: int
    """Records that are written, by whom ever; a tick is one."""
    records: int
    """In the log: a tick is one in every partition."""
    heaviest: int
    """Records of the partition of any topic that has the most."""


def size(told: Iterable[StoryRecord]) -> Size:
    """Count them."""
    count = ticks = 0
    homes: Counter[tuple[str, int]] = Counter()
    for one in told:
        count += 1
        if one.key is None:
            ticks += 1
            continue
        homes[one.to, partition_of(one.key, PARTITIONS)] += 1
        if one.account:
            homes["calls", partition_of(one.account.encode(), PARTITIONS)] += 1
    logged = sum(number for (topic, _), number in homes.items() if topic == "calls")
    return Size(count, logged + ticks * PARTITIONS, max(homes.values(), default=0) + ticks)


def chapters(told: Iterable[StoryRecord]) -> Iterator[list[StoryRecord]]:
    """The story, divided before each record that waits."""
    chapter: list[StoryRecord] = []
    for one in told:
        if one.waits and chapter:
            yield chapter
            chapter = []
        chapter.append(one)
    yield chapter


def placed(told: Iterable[StoryRecord], log: str, switch: str) -> Iterator[Placed]:
    """Where each record goes; `log` and `switch` are the topics' real names."""
    for one in told:
        everywhere = range(PARTITIONS)
        homes = everywhere if one.key is None else (partition_of(one.key, PARTITIONS),)
        yield Placed(log if one.to == "calls" else switch, one.key, one.value, homes)
