"""Lives in which everything may change at any time: calendars, books, caps, versions of plans, how long is remembered.

No model says what they cost; they are for what must hold of any log. Equal numbers are written differently, one account
has half of all that happens, and several things fall on one instant.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import orjson

from tests.laws.lives import Told
from tests.support.logs import Event, call, published, subscribed, tick

FIRST = datetime(2026, 10, 1, tzinfo=UTC)
ZONES = ["UTC", "Asia/Shanghai", "America/New_York", "Pacific/Kiritimati", "Europe/Paris", "Pacific/Honolulu"]
PLANS: Event = {
    "p": {"fee": "100.00", "minutes": {"rate": "1.00"}},
    "q": {
        "proration": "daily",
        "fee": "31.00",
        "minutes": {"allowance": 10, "rate": "0.50"},
        "calls": {"rate": "2.00"},
    },
    "zeros": {"proration": "daily", "fee": "31.0", "minutes": {"allowance": 10, "rate": "0.5"}, "calls": {"rate": "2"}},
    "d": {"calls": {"rate": "2.00"}},
    "e": {"minutes": {"rate": "0.30"}},
}
ACCOUNTS = ("A", "A", "A", "B", "C", "D")
DAYS_OVER = (0, 1, 5, 20, 45)


def wild(seed: int) -> list[Told]:
    """A log of some 20 to 60 events over some months, then all its calls again, and ticks until all is forgotten."""
    writer = _Writer(Random(seed))
    told = [writer.told(writer.book())]
    told += [writer.told(writer.event()) for _ in range(writer.rng.randrange(15, 50))]
    told += [Told(event, writer.now) for event in writer.calls]
    for days in (30, 40, 40, 80):
        writer.now += timedelta(days=days)
        told.append(writer.told(tick(writer.now.isoformat())))
        told += [Told(event, writer.now) for event in writer.calls[-3:]]
    return told


class _Writer:
    def __init__(self, rng: Random) -> None:
        self.rng, self.now = rng, FIRST + timedelta(days=rng.randrange(30))
        self.plans: Event = orjson.loads(orjson.dumps(PLANS))
        self.effective: dict[str, datetime] = {}
        self.version, self.number, self.zone = 0, 0, rng.choice(ZONES[:4])
        self.default = rng.choice([None, "d", "d"])
        self.calls: list[Event] = []

    def told(self, event: Event) -> Told:
        return Told(event, self.now)

    def event(self) -> Event:
        """The next one, after some hours or at once."""
        self.number += 1
        self.now += timedelta(hours=self.rng.choice([0, self.rng.randrange(100)]))
        kinds = ("call",) * 38 + ("subscription",) * 20 + ("again",) * 10 + ("void",) * 5 + ("credit",) * 7
        kind = self.rng.choice((*kinds, *("book",) * 7, *("tick",) * 13))
        made: Event = getattr(self, kind)()
        return made

    def book(self) -> Event:
        """Other times, another zone or default; often a new version of a plan, from any day near this one."""
        self.version += 1
        name = self.rng.choice("pq")
        since = self.now + timedelta(days=self.rng.randrange(-60, 40))
        last = self.effective.get(name)
        if self.version > 1 and self.rng.random() < 0.5 and (last is None or since > last):
            self.effective[name] = since
            rate = f"{self.rng.randrange(1, 400) / 100:.2f}"
            fee = f"{self.rng.randrange(40_000) / 100:.2f}"
            plan = self.plans[name]
            minutes = {**plan["minutes"], "rate": rate}
            self.plans[name] = {**plan, "minutes": minutes, "fee": fee, "effective": since.isoformat()}
        if self.rng.random() < 0.4:
            self.zone = self.rng.choice(ZONES[:4])
        words: Event = {"version": self.version, "currency": "CNY", "time_zone": self.zone, "plans": dict(self.plans)}
        words["close_after"] = self.rng.choice(["0d", "1d", "10d", "10d", "40d"])
        words["remember"] = self.rng.choice(["31d", "31d", "60d", "7d"])
        words["late"] = self.rng.choice(["current", "current", "reject"])
        if self.default:
            words["default_plan"] = self.rng.choice([self.default, self.default, "e"])
        return published(words)

    def subscription(self) -> Event:
        """A plan or an end, from any hour of some months; every now and then another calendar or cap."""
        start = self.now + timedelta(hours=self.rng.choice([0, 0, self.rng.randrange(-1500, 500)]))
        fields: dict[str, Any] = {}
        if self.rng.random() < 0.4:
            fields["billing_day"] = self.rng.choice([1, 2, 15, 28, None])
        if self.rng.random() < 0.3:
            fields["time_zone"] = self.rng.choice(ZONES)
        if self.rng.random() < 0.3:
            fields["spend_cap"] = self.rng.choice(["50.00", "50.0", "120", None])
        plan = self.rng.choice(["p", "q", "zeros", "p", "q", None])
        ident = f"s-{self.number}"
        return subscribed(self.rng.choice(ACCOUNTS), plan, start.isoformat(), subscription_id=ident, **fields)

    def call(self) -> Event:
        """One that ended just now, or came days or months late."""
        ago = timedelta(
            hours=self.rng.choice([1, self.rng.randrange(1, 100), self.rng.randrange(1, 3000)]),
            minutes=self.rng.randrange(60),
        )
        talk = self.rng.choice([None, 0, 1, 59, 60, 61, self.rng.randrange(1800)])
        direction = self.rng.choice(["inbound", "outbound"])
        made = call(self.rng.choice(ACCOUNTS), self.number, talk, self.now - ago, direction=direction)
        self.calls.append(made)
        return made

    def again(self) -> Event:
        return self.rng.choice(self.calls) if self.calls else self.call()

    def void(self) -> Event:
        made = self.again()
        words = {"type": "call-voided/1", "account": made["account"], "source": "pbx-1", "call_id": made["call_id"]}
        return {**words, "reason": "a test"}

    def credit(self) -> Event:
        ident = f"a-{self.rng.randrange(self.number)}"
        words: Event = {"type": "account-adjusted/1", "account": self.rng.choice(ACCOUNTS), "adjustment_id": ident}
        return {**words, "amount": self.rng.choice(["-5.00", "3.00"]), "reason": "a test"}

    def tick(self) -> Event:
        self.now += timedelta(days=self.rng.choice(DAYS_OVER))
        return tick(self.now.isoformat())
