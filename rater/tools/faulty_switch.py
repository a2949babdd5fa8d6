"""A simulated switch on its worse days: both legs, records sent twice, out of order, late, cut off, without an account,
with a clock that is set back; and the truth of each record, for whoever checks what came of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any, NamedTuple
from zlib import crc32

import orjson

from rater.tools.raw_records import RawFormat, SimulatedCall
from rater.tools.simulate import Event
from rater.tools.switch_faults import Faults

SHUFFLED = 2_000
"""Records among which one may be out of order, at most."""


class RawEvent(NamedTuple):
    """A record of the switch."""

    key: bytes
    hash: int
    """What the partition is taken from."""
    value: bytes
    becomes: str
    """The outcome that the intake must give it: `call`, `skipped:REASON` or `rejected:REASON`."""
    account: str
    ident: str
    """The channel, or whatever the switch calls a call."""
    talk: int | None
    """Whole seconds of talk time; None where it was not answered."""

    def truth(self) -> bytes:
        """What the record is, as a line of the truth file."""
        words = {"becomes": self.becomes, "account": self.account, "ident": self.ident, "talk_seconds": self.talk}
        return orjson.dumps(words) + b"\n"


class _Due(NamedTuple):
    at: float
    number: int
    event: RawEvent


def raw_events(events: Iterator[Event], to: RawFormat, faults: Faults, seed: int) -> Iterator[RawEvent]:
    """The records of simulated calls, as the switch writes them, with its faults."""
    rng = Random(seed)  # noqa: S311 - a simulation
    late: list[RawEvent] = []
    for event in _shuffled(_records(events, to, faults, rng), faults.shuffle, rng):
        if faults.late and rng.random() < faults.late:
            late.append(event)
        else:
            yield event
    yield from late


def _records(events: Iterator[Event], to: RawFormat, faults: Faults, rng: Random) -> Iterator[tuple[float, RawEvent]]:
    for event in events:
        call = simulated_call(orjson.loads(event.value), to)
        if call.answered is None and rng.random() < faults.clock_steps:
            call = call._replace(ended=call.started - timedelta(seconds=1))
        at = call.ended.timestamp()
        for one in _of_call(call, to, faults, rng):
            yield at, one


def _of_call(call: SimulatedCall, to: RawFormat, faults: Faults, rng: Random) -> Iterator[RawEvent]:
    """All records of a call: what it is charged by, or what went wrong with it; its other leg; and repeats."""
    value, becomes = to.write(call), "call"
    if rng.random() < faults.garbage:
        if rng.random() < 0.5:
            value, becomes = value[: len(value) // 3], f"rejected:{to.broken}"
        else:
            value, becomes = to.write(call._replace(account="")), f"rejected:{to.nobody}"
    made = _event(call, value, becomes, faults, rng)
    yield made
    if faults.two_legs and call.answered is not None:
        leg = call._replace(ident=f"{call.ident}-b", account="", other_leg_of=call.ident)
        yield _event(leg, to.write(leg), "skipped:other-leg", faults, rng)
    if rng.random() < faults.duplicates:
        again = "skipped:duplicate" if becomes == "call" else becomes
        yield _event(call, value, again, faults, rng)


def _event(call: SimulatedCall, value: bytes, becomes: str, faults: Faults, rng: Random) -> RawEvent:
    key = call.ident.encode() if not faults.wrong_keys else b"%016x" % rng.getrandbits(64)
    talk = None if call.answered is None else call.talk
    return RawEvent(key, crc32(key), value, becomes, call.account, call.ident, talk)


def simulated_call(words: dict[str, Any], to: RawFormat) -> SimulatedCall:
    """A `call-ended` as the switch had the call before it wrote a record of it."""

    def time(name: str) -> datetime | None:
        said = words.get(name)
        when = None if said is None else datetime.fromisoformat(said)
        return when if when is None or to.exact else when.replace(microsecond=0)

    started, ended = time("started_at"), time("ended_at")
    assert started is not None  # noqa: S101 - the simulation gives it
    assert ended is not None  # noqa: S101
    inbound = words["direction"] == "inbound"
    return SimulatedCall(
        words["call_id"], words["account"], words["caller"], words["callee"], inbound, started, time("answered_at"),
        ended, words["disposition"],
    )  # fmt: skip


def _shuffled(records: Iterator[tuple[float, RawEvent]], seconds: float, rng: Random) -> Iterator[RawEvent]:
    """Each record up to so many seconds, of the calls' own time, behind its place."""
    waiting: list[_Due] = []
    for number, (at, event) in enumerate(records):
        waiting.append(_Due(at + rng.random() * seconds, number, event))
        if len(waiting) > SHUFFLED or not seconds:
            waiting.sort()
            ready = [due for due in waiting if due.at <= at] or waiting[:1]
            yield from (due.event for due in ready)
            waiting = waiting[len(ready) :]
    yield from (due.event for due in sorted(waiting))
