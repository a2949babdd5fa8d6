"""Logs written by hand: events as people read them, and the step run over them in memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson

from rater.processor.replay import Replay
from rater.processor.step import make_step
from rater.seam.model import Effects, LogRecord, Output, Step
from rater.wire.shipped import shipped_book

Event = dict[str, Any]

START = datetime.fromisoformat("2026-11-03T09:00:00+08:00")
"""When calls start unless a test says otherwise: a morning in Shanghai."""

STAMP = 1_800_000_000_000
"""Record timestamps unless a test says otherwise: 2027-01-15, after all that the tests rate."""


def shipped(**changes: Any) -> Event:
    """The shipped tariff book as JSON, with fields changed."""
    words: Event = orjson.loads(shipped_book().model_dump_json(exclude_unset=True))
    return {**words, **changes}


def book(plans: Event, **changes: Any) -> Event:
    """A small tariff book in CNY and Shanghai's time."""
    return {"version": 1, "currency": "CNY", "time_zone": "Asia/Shanghai", "plans": plans, **changes}


def published(words: Event) -> Event:
    """The event that publishes a tariff book."""
    return {"type": "tariffs-published/1", "book": words}


def subscribed(account: str, plan: Any, start: str = "2026-11-01T00:00:00+08:00", **fields: Any) -> Event:
    """The event that puts an account under a plan."""
    event = {"type": "account-subscribed/1", "account": account, "subscription_id": f"s-{account}", "plan": plan}
    return {**event, "from": start, **fields}


def call(account: str, number: object, talk: float | None = 60, start: datetime = START, **fields: Any) -> Event:
    """A call of so many seconds of talk, answered after 5 s; `talk` None was not answered."""
    answered = start + timedelta(seconds=5)
    event: Event = {
        "type": "call-ended/1",
        "account": account,
        "source": "pbx-1",
        "call_id": f"c-{number}",
        "caller": "+861012345678",
        "callee": "+861087654321",
        "direction": "outbound",
        "started_at": start.isoformat(),
    }
    if talk is not None:
        event["answered_at"] = answered.isoformat()
    event["ended_at"] = (answered + timedelta(seconds=talk or 0)).isoformat()
    event["disposition"] = "no-answer" if talk is None else "answered"
    return {**event, **fields}


def tick(at: str, **fields: Any) -> Event:
    """The event that moves time."""
    return {"type": "clock-ticked/1", "at": at, **fields}


def record(offset: int, event: Event, timestamp: int = STAMP) -> LogRecord:
    """The event as a record of the log, under its account's key."""
    account = event.get("account")
    return LogRecord(offset, timestamp, None if account is None else str(account).encode(), orjson.dumps(event))


class Log:
    """A log of one partition, fed to a step as it is written."""

    def __init__(self, step: Step | None = None, words: Event | None = None, *, publish: bool = True) -> None:
        self.replay = Replay(step or make_step())
        self.outputs: list[Output] = []
        if publish:
            self.add(published(words or shipped()))

    def add(self, *events: Event, timestamp: int = STAMP) -> list[Event]:
        """Write events and rate them; gives the charges they made, in order."""
        return self.feed([record(self.offset + n, event, timestamp) for n, event in enumerate(events)])

    def feed(self, records: Sequence[LogRecord]) -> list[Event]:
        """Rate records as they are; gives the charges they made."""
        effects: Effects = self.replay.feed(0, records)
        self.outputs += effects.outputs
        return bodies(effects.outputs, "charges")

    @property
    def offset(self) -> int:
        """The offset of the next record."""
        return self.replay.heads[0].next_offset

    @property
    def charges(self) -> list[Event]:
        """All charges so far."""
        return bodies(self.outputs, "charges")

    @property
    def rejected(self) -> list[str]:
        """The reasons of all rejections so far."""
        return [body["reason"] for body in bodies(self.outputs, "rejected")]

    @property
    def outcomes(self) -> dict[str, int]:
        """The counts of outcomes."""
        return self.replay.outcomes()


def bodies(outputs: Iterable[Output], topic: str) -> list[Event]:
    """The messages of a topic as JSON values."""
    return [orjson.loads(output.value or b"null") for output in outputs if output.topic == topic]


def amounts(charges: Iterable[Event]) -> list[str]:
    """What the charges amount to, in order."""
    return [charge["amount"] for charge in charges]


def total(charges: Iterable[Event]) -> Decimal:
    """The sum of the charges."""
    return sum((Decimal(charge["amount"]) for charge in charges), Decimal(0))
