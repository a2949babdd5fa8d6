"""Generated lives: months of calls, plan changes, voids, credits, late ones, new books, and ticks that close."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, NamedTuple

from tests.laws.life_plans import ACCOUNTS, CLASSES, EVERYTHING, INLINE, NUMBERS, PLANS
from tests.support.logs import Event, call, published, tick

FIRST = datetime(2026, 9, 20, tzinfo=UTC)


class Told(NamedTuple):
    """An event, and when it came."""

    event: Event
    stamp: datetime


def book(version: int, late: str, default: str | None, plans: Event, classes: Event | None = None) -> Event:
    """A book in CNY and Shanghai's time."""
    words: Event = {"version": version, "currency": "CNY", "time_zone": "Asia/Shanghai", "late": late, "plans": plans}
    return published(words | ({"default_plan": default} if default else {}) | (classes or {}))


def life(
    seed: int, length: int = 120, first: datetime = FIRST, plans: Event = PLANS, classes: Event | None = None
) -> list[Told]:
    """A log of about `length` events over some months, from `first` on, of accounts on these plans."""
    return list(_Writer(Random(seed), first, plans, classes).events(length))


def life_of_late_books(seed: int, length: int = 120, plans: Event = PLANS, share: float = 0.75) -> list[Told]:
    """One whose later books date versions into the running month or the last: so many of them reach back.

    At its end a tick has applied each book to all accounts.
    """
    told = list(_Writer(Random(seed), FIRST, plans, None, late_books=share).events(length))
    return [*told, Told(tick(told[-1].stamp.isoformat()), told[-1].stamp)]


def life_of_everything(seed: int, length: int = 120) -> list[Told]:
    """One with all plans and classes there are, and books that date versions back."""
    told = list(_Writer(Random(seed), FIRST, EVERYTHING, CLASSES, late_books=0.75).events(length))
    return [*told, Told(tick(told[-1].stamp.isoformat()), told[-1].stamp)]


class _Writer:
    def __init__(
        self, rng: Random, first: datetime, plans: Event, classes: Event | None, *, late_books: float = 0
    ) -> None:
        self.rng, self.now = rng, first
        self.late = rng.choice(["current", "current", "reject"])
        self.default = rng.choice([None, "volume"])
        self.plans, self.version, self.effective = plans, 1, first
        self.classes, self.late_books = classes, late_books
        self.calls: list[Event] = []
        self.old: list[Event] = []
        self.number = 0
        self.newest: dict[str, tuple[datetime, Event]] = {}
        """Of a plan's versions the one with the latest effective, and that."""

    def events(self, length: int) -> Iterator[Told]:
        yield self._told(book(1, self.late, self.default, self.plans, self.classes))
        for account, calendar in ACCOUNTS.items():
            if calendar:  # else its calendar is the book's, whether it is subscribed or not
                yield self._told(self._subscribed(account, self.now - timedelta(days=2), first=True))
        often = {"call": 60, "subscribe": 10, "void": 8, "credit": 4, "again": 6, "tick": 14}
        kinds = [kind for kind, times in often.items() for _ in range(times)]
        kinds += ["late_book"] * 8 if self.late_books else ["publish"]
        for _ in range(length):
            self.now += timedelta(seconds=self.rng.randrange(1, 150_000))
            yield self._told(getattr(self, f"_{self.rng.choice(kinds)}")())

    def _told(self, event: Event) -> Told:
        if event["type"] != "tariffs-published/1":
            self.old.append(event)
        return Told(event, self.now)

    def _ago(self) -> datetime:
        """Mostly just now; sometimes days, and now and then months ago."""
        days = self.rng.choice([0, 0, 0, 0, 1, 3, 12, 30, 45, 100])
        return self.now - timedelta(days=days, seconds=self.rng.randrange(7300, 90_000))

    def _call(self) -> Event:
        self.number += 1
        talk = self.rng.choice([None, 0, 1, 59, 60, 61, 600, 1800, 6000])
        start = self._ago()
        made = call(
            self.rng.choice(list(ACCOUNTS)),
            self.number,
            talk,
            start,
            direction=self.rng.choice(["inbound", "outbound"]),
        )
        if talk is not None and any("connected" in plan for plan in self.plans.values()):
            by = self.rng.choice(["person", "machine", "fax", "unknown", None])
            made |= {} if by is None else {"answered_by": by}
        if self.classes:
            made |= {name: self.rng.choice(NUMBERS) for name in ("caller", "callee")}
            labels = {"route": self.rng.choice(["ct-1", "ct-2", "ct-3"]), "agent": self.rng.choice(["7", "8"])}
            made |= self.rng.choice([{}, {"labels": labels}, {"labels": labels}])
        self.calls.append(made)
        return made

    def _subscribe(self) -> Event:
        ahead = self.rng.choice([-40, -12, -3, -1, 0, 2, 20, 35])
        day = (self.now + timedelta(days=ahead)).replace(
            hour=self.rng.choice([0, 16, 23]), minute=0, second=0, microsecond=0
        )
        return self._subscribed(self.rng.choice(list(ACCOUNTS)), day)

    def _subscribed(self, account: str, start: datetime, *, first: bool = False) -> Event:
        self.number += 1
        plan: Any = self.rng.choice([*self.plans, *self.plans, INLINE, None])
        words = {
            "type": "account-subscribed/1",
            "account": account,
            "subscription_id": f"s-{self.number}",
            "plan": plan,
        }
        if not first and any("items" in plan for plan in self.plans.values()):
            words |= self._items(plan)
        return {**words, "from": start.isoformat(), **ACCOUNTS[account]}

    def _items(self, plan: Any) -> Event:
        """What a subscription says of items; mostly nothing, or something of the plan's, now and then of no plan's."""
        known = list(self.plans[plan].get("items", ())) if isinstance(plan, str) else []
        said: Event = {}
        for name in self.rng.sample(["seat", "number", "vpn", "desk"], self.rng.choice([0, 0, 1, 1, 2])):
            own = {"price": self.rng.choice(["7.77", "80", "0.01"]), "quantity": self.rng.choice([0, 1, 4])}
            choices = [own, None, *([self.rng.choice([0, 1, 12, 25])] * 4 if name in known else [])]
            said[name] = self.rng.choice([*choices, 3] if self.rng.random() < 0.1 else choices)
        return {"items": said} if said else {}

    def _void(self) -> Event:
        self.number += 1
        made = self.rng.choice(self.calls[-15:]) if self.calls else {"account": "A", "call_id": "c-none"}
        words = {"type": "call-voided/1", "account": made["account"], "source": "pbx-1", "call_id": made["call_id"]}
        return {**words, "reason": "test"}

    def _credit(self) -> Event:
        self.number += 1
        words = {
            "type": "account-adjusted/1",
            "account": self.rng.choice(list(ACCOUNTS)),
            "adjustment_id": f"a-{self.number}",
        }
        return {**words, "amount": self.rng.choice(["-12.00", "5.55", "-0.01"]), "reason": "credit"}

    def _again(self) -> Event:
        return self.rng.choice(self.old[-40:]) if self.old else self._call()

    def _tick(self) -> Event:
        ahead = self.rng.choice([0, 0, 0, 0, 0, 0, 400, 86_400 * 3, 86_400 * 25])
        if ahead > 400:  # an operator closes early: time itself goes there
            self.now += timedelta(seconds=ahead)
        return tick((self.now + timedelta(seconds=ahead if ahead == 400 else 0)).isoformat())

    def _publish(self) -> Event:
        """A new version of a plan, in effect from a month that nobody has come to."""
        self.version += 1
        later = max(self.now + timedelta(days=70), self.effective + timedelta(days=32))
        self.effective = later.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        changed = {**PLANS["rigid"], "fee": f"{90 + self.version}.00", "effective": self.effective.isoformat()}
        self.plans = {**self.plans, "rigid": changed}
        if self.classes:
            self.classes = self._other_classes(self.classes)
        return book(self.version, self.late, self.default, self.plans, self.classes)

    def _late_book(self) -> Event:
        """Another version of a plan, mostly of one that somebody was just put on, from some days ago on.

        One that does not reach back takes over what recurs from the version that it follows: a period of which nothing
        was charged is not looked at again for its sake.
        """
        self.version += 1
        said = [event["plan"] for event in self.old if isinstance(event.get("plan"), str)]
        plain = [name for name, plan in self.plans.items() if not any("by_class" in one for one in _meters(plan))]
        name = self.rng.choice([*plain, *(name for name in said[-4:] * 4 if name in plain)])
        back = self.rng.random() < self.late_books
        since = self.now - timedelta(days=self.rng.choice([-3, 1, 9, 15, 33, 33, 60, 60]))
        last, plan = self.newest.get(name, (FIRST - timedelta(days=365), self.plans[name]))
        since = (since if back else max(since, last)).replace(hour=0, minute=0, second=0, microsecond=0)
        plan = self._otherwise_priced(plan, back=back and name != self.default)
        changed = {**plan, "effective": since.isoformat()} | ({"reach_back": True} if back else {})
        if since >= last:
            self.newest[name] = since, changed
        self.plans = {**self.plans, name: changed}
        return book(self.version, self.late, self.default, self.plans, self.classes)

    def _otherwise_priced(self, plan: Event, *, back: bool) -> Event:
        """The plan at other prices, with other allowances; where it reaches back, with another fee too."""
        found = {name: value for name, value in plan.items() if name not in {"effective", "reach_back"}}
        for unit in ("minutes", "calls"):
            if unit in found:
                found[unit] = self._meter(found[unit])
        if not back:
            return found
        for name, choices in (
            ("fee", ["0", "12.34", "777.77"]),
            ("minimum", ["0", "55.55"]),
            ("discount", ["0", "0.2"]),
        ):
            if self.rng.random() < 0.4:
                found[name] = self.rng.choice(choices)
        if "items" in found and self.rng.random() < 0.5:
            found["items"] = {
                "seat": {"price": self.rng.choice(["1.11", "90.00"]), "quantity": self.rng.choice([0, 2])}
            }
        if self.rng.random() < 0.2:
            found["setup"] = self.rng.choice(["0", "44.00"])
        return found

    def _meter(self, meter: Event) -> Event:
        words: Event = {
            name: meter[name] for name in ("increment", "minimum", "directions", "classes") if name in meter
        }
        words["allowance"] = self.rng.choice([0, 5, 40])
        rate = self.rng.choice(["0.11", "0.5", "2.00"])
        priced: list[Event] = [
            {"rate": rate},
            {"volume": [{"from": 0, "rate": rate}, {"from": 7, "rate": "0.05", "flat": "1"}]},
        ]
        return words | self.rng.choice(priced)

    def _other_classes(self, classes: Event) -> Event:
        """The same classes of other calls: prefixes change their sets, classes their order."""
        prefixes = [prefix for some in classes["prefixes"].values() for prefix in some]
        self.rng.shuffle(prefixes)
        sets = {name: prefixes[n :: len(classes["prefixes"])] for n, name in enumerate(classes["prefixes"])}
        order = self.rng.sample(classes["classes"], len(classes["classes"]))
        return classes | {"prefixes": sets, "classes": order}


def _meters(plan: Event) -> list[Event]:
    """All meters of a plan."""
    return [*(one for one in plan.values() if isinstance(one, dict)), *plan.get("meters", [])]
