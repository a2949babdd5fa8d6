"""The rules of rating.md once more: short, slow, in fractions, from the words of the events alone.

It imports nothing of the rater. What each record does is decided in the order of the log; what a period costs is
reckoned at the end, from all calls that were charged and the latest instant that was shown to have come.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any, NamedTuple

from tests.laws.calendar_model import TICK, Calendar, at

Words = dict[str, Any]

TOLERANCE = timedelta(minutes=5)
PLACES = {"JPY": 0, "CNY": 2, "KWD": 3}
DISPOSITIONS = {"answered", "no-answer", "busy", "failed", "cancelled"}
CALL = {
    "type",
    "account",
    "source",
    "call_id",
    "caller",
    "callee",
    "direction",
    "started_at",
    "ended_at",
    "disposition",
}


class Sums(NamedTuple):
    """What an account owes for a period, and how many charges say so."""

    usage: Fraction
    fee: Fraction
    charges: int


class Segment(NamedTuple):
    """A stretch of a period under one plan; `since` None is the period's start."""

    since: datetime | None
    plan: Words


def half_up(amount: Fraction, places: int) -> Fraction:
    scale = 10**places
    return Fraction((amount * scale + Fraction(1, 2)).__floor__(), scale)


# --- units and prices


def talk_seconds(call: Words) -> int:
    length = at(call["ended_at"]) - at(call["answered_at"])
    return int(half_up(Fraction(length // TICK, 10**6), 0))


def billed_seconds(meter: Words, call: Words) -> int:
    talk = talk_seconds(call)
    first, step = (int(part) for part in meter.get("increment", "60/60").split("/"))
    billed = 0
    while talk and billed < max(talk, meter.get("minimum", 0)):
        billed += step if billed else first
    return billed


def price(meter: Words, units: Fraction) -> Fraction:
    if meter.get("allowance") == "unlimited":
        return Fraction(0)
    units = max(Fraction(0), units - meter.get("allowance", 0))
    if not units:
        return Fraction(0)
    if "rate" in meter:
        return units * Fraction(meter["rate"])
    bands = [
        (b["from"], Fraction(b["rate"]), Fraction(b.get("flat", "0")))
        for b in meter.get("volume") or meter["graduated"]
    ]
    if "volume" in meter:
        _, rate, flat = [band for band in bands if band[0] <= units][-1]
        return units * rate + flat
    ends = [*(start for start, _, _ in bands[1:]), units]
    parts = [(min(units, end) - start, rate, flat) for (start, rate, flat), end in zip(bands, ends, strict=True)]
    return sum((part * rate + flat for part, rate, flat in parts if part > 0), Fraction(0))


def cost(plan: Words, calls: list[Words]) -> Fraction:
    """What calls of one segment cost, unrounded, the plan's discount taken off."""
    total = Fraction(0)
    if any("portion" in meter for meter in plan.get("meters", [])):
        total += _portions(plan, [c for c in calls if c["disposition"] == "answered"])
        plan = {name: words for name, words in plan.items() if name != "minutes"}
        plan["meters"] = [meter for meter in plan["meters"] if meter["unit"] != "minutes"]
    if "attempts" in plan:
        total += price(plan["attempts"], Fraction(sum(call["direction"] == "outbound" for call in calls)))
    for name in ("minutes", "calls"):
        left = [c for c in calls if c["disposition"] == "answered"]
        for meter in _named_meters(plan, name):
            counted = [c for c in left if _selects(plan, meter, c)]
            left = [c for c in left if c not in counted]
            total += _by_class(plan, meter, counted, name) if "by_class" in meter else _price(meter, counted, name)
    return total * (1 - Fraction(plan.get("discount", "0")))


def _price(meter: Words, calls: list[Words], unit: str) -> Fraction:
    return price(meter, _units(meter, calls, unit))


def _units(meter: Words, calls: list[Words], unit: str) -> Fraction:
    return (
        Fraction(sum(billed_seconds(meter, call) for call in calls), 60) if unit == "minutes" else Fraction(len(calls))
    )


def _by_class(plan: Words, meter: Words, calls: list[Words], unit: str) -> Fraction:
    """Prices by class, of which some share the allowance, each in its turn what is left of it."""
    units = _by_part(plan, meter, calls, unit)
    left = meter.get("allowance", 0)
    for name in meter.get("covers", []):
        covered = units[name] if left == "unlimited" else min(units[name], Fraction(left))
        left = left if left == "unlimited" else left - covered
        units[name] -= covered
    own = {name: meter[name] for name in ("rate", "graduated", "volume") if name in meter}
    priced = meter["by_class"] | {"rest": own}
    return sum((price(priced[name], rest) for name, rest in units.items() if rest), Fraction(0))


def _by_part(plan: Words, meter: Words, calls: list[Words], unit: str) -> dict[str, Fraction]:
    """The units of each class that has a price of its own, and of the rest."""
    parts: dict[str, list[Words]] = {name: [] for name in (*meter["by_class"], "rest")}
    for call in calls:
        taken_for = next((name for name in call.get("classes", ["other"]) if name in _named(plan)), "")
        parts[taken_for if taken_for in meter["by_class"] else "rest"].append(call)
    return {name: _units(meter, some, unit) for name, some in parts.items()}


def _named_meters(plan: Words, unit: str) -> list[Words]:
    """The meters of a unit, those with names first."""
    named = [meter for meter in plan.get("meters", []) if meter["unit"] == unit]
    return [*named, plan[unit]] if unit in plan else named


def _named(plan: Words) -> set[str]:
    """The classes that a plan names."""
    meters = [one for one in [*plan.get("meters", []), *plan.values()] if isinstance(one, dict)]
    return {name for one in meters for name in (*one.get("classes", []), *one.get("by_class", {}))}


def _portions(plan: Words, calls: list[Words]) -> Fraction:
    """Minutes second by second: each goes to the first meter that has it."""
    meters = _named_meters(plan, "minutes")
    seconds = _portion_seconds(plan, calls, meters)
    return sum((price(meter, Fraction(s, 60)) for meter, s in zip(meters, seconds, strict=True)), Fraction(0))


def _portion_seconds(plan: Words, calls: list[Words], meters: list[Words]) -> list[int]:
    """The billed seconds of each meter."""
    seconds = [0] * len(meters)
    for call in calls:
        mine = [number for number, meter in enumerate(meters) if _selects(plan, meter, call)]
        for second in range(billed_seconds(meters[0], call)):
            for number in mine:
                portion = meters[number].get("portion", {})
                if portion.get("from", 0) <= second < portion.get("until", 10**9):
                    seconds[number] += 1
                    break
    return seconds


def _selects(plan: Words, meter: Words, call: Words) -> bool:
    known = _named(plan)
    if call["direction"] not in meter.get("directions", ["inbound", "outbound", "internal"]):
        return False
    taken_for = [name for name in call.get("classes", ["other"]) if name in known][:1]
    return "classes" not in meter or bool(taken_for and taken_for[0] in meter["classes"])


# --- the log


class Model:
    """What the rules keep of a log of one partition."""

    def __init__(self) -> None:
        self.books: list[Words] = []
        self.versions: dict[str, list[Words]] = defaultdict(list)
        self.subscriptions: dict[str, list[Words]] = defaultdict(list)
        self.seen: dict[Any, Any] = {}
        self.calls: dict[str, list[Words]] = defaultdict(list)

    def outcome(self, key: bytes | None, value: bytes | None, stamp: int) -> str:
        """Take one record, and say what becomes of it."""
        now = datetime.fromtimestamp(stamp / 1000, UTC) + TOLERANCE
        try:
            event = json.loads(value or b"")
        except ValueError:
            return "rejected:not-json"
        wrong = shape(event)
        if wrong:
            return f"rejected:{wrong}"
        if key != (event["account"].encode() if "account" in event else None):
            return "rejected:key-mismatch"
        if event["type"] == "clock-ticked/1":
            return "rejected:tick-ahead" if at(event["at"]) > now and not event.get("operator") else "applied"
        if event["type"] == "tariffs-published/1":
            return self._book(event["book"])
        if event["type"] == "call-ended/1" and at(event["ended_at"]) > now:
            return "rejected:ends-in-future"
        if not self.books:
            return "rejected:no-tariff-book"
        return self._call(event) if event["type"] == "call-ended/1" else self._subscription(event)

    def _book(self, book: Words) -> str:
        if book in self.books:
            return "duplicate"
        if self.books and book["version"] <= self.books[-1]["version"]:
            return "rejected:stale-book"
        self.books.append(book)
        for name, plan in book["plans"].items():
            if plan not in self.versions[name]:
                self.versions[name].append(plan)
        return "applied"

    def _again(self, identity: Any, event: Words) -> str | None:
        content = {name: at(text) if told_as_time(name, text) else text for name, text in event.items()}
        if identity not in self.seen:
            return None
        return "duplicate" if self.seen[identity] == content else "rejected:conflict"

    def _remember(self, identity: Any, event: Words) -> None:
        self.seen[identity] = {n: at(text) if told_as_time(n, text) else text for n, text in event.items()}

    def _subscription(self, event: Words) -> str:
        identity = (event["account"], event["subscription_id"])
        again = self._again(identity, event)
        if again:
            return again
        if isinstance(event["plan"], str) and event["plan"] not in self.books[-1]["plans"]:
            return "rejected:unknown-plan"
        self._remember(identity, event)
        self.subscriptions[event["account"]].append(event)
        return "applied"

    def _call(self, event: Words) -> str:
        identity = (event["account"], event["source"], event["call_id"])
        again = self._again(identity, event)
        if again:
            return again
        if self._segment(event) is None:
            subscribed = any(at(s["from"]) <= at(event["started_at"]) for s in self.subscriptions[event["account"]])
            return "rejected:account-ended" if subscribed else "rejected:unknown-account"
        self._remember(identity, event)
        self.calls[event["account"]].append(event)
        return "charged"

    # --- plans over time

    def calendar(self, account: str) -> Calendar:
        zone, day = self.books[-1]["time_zone"], 1
        for said in self.subscriptions[account]:
            zone, day = said.get("time_zone", zone), said.get("billing_day", day)
        return Calendar(zone, day)

    def segments(self, account: str, period: date) -> list[Segment]:
        """The plans of a period; without proration the plan that it begins under stays to its end."""
        calendar = self.calendar(account)
        said = sorted(self.subscriptions[account], key=lambda s: at(s["from"]))
        before = [s for s in said if calendar.begun(at(s["from"]), period)]
        if before and before[-1]["plan"] is not None:
            return [Segment(None, self._words(before[-1]["plan"], None, calendar, period))]
        default = None if before else self.books[-1].get("default_plan")
        found = [Segment(None, self._words(default, None, calendar, period))] if default else []
        for s in said:
            begins = at(s["from"])
            if s not in before and calendar.period(begins) == period and s["plan"] is not None:
                if s["plan"] != default:
                    found.append(Segment(begins, self._words(s["plan"], begins, calendar, period)))
                break
        return found

    def _words(self, plan: str | Words, since: datetime | None, calendar: Calendar, period: date) -> Words:
        """What a plan says: of the book's, the latest version in effect at the segment's start."""
        if not isinstance(plan, str):
            return plan
        found: Words = {}
        for version in self.versions[plan]:
            effective = at(version["effective"]) if "effective" in version else None
            if effective is None or (effective <= since if since else calendar.begun(effective, period)):
                found = version
        return found

    def _segment(self, call: Words) -> int | None:
        start = at(call["started_at"])
        period = self.calendar(call["account"]).period(start)
        begun = [s for s in self.segments(call["account"], period) if s.since is None or s.since <= start]
        return len(begun) - 1 if begun else None

    # --- money

    def sums(self) -> dict[tuple[str, str], Sums]:
        """(account, period) -> what it comes to."""
        found: dict[tuple[str, str], Sums] = {}
        for account in {*self.subscriptions, *self.calls}:
            calendar = self.calendar(account)
            shown = [at(c["started_at"]) for c in self.calls[account]]
            shown += [at(s["from"]) for s in self.subscriptions[account]]
            period = calendar.period(min(shown)) if shown else date.max
            while shown and period <= calendar.period(max(shown)):
                sums = self._period(account, period)
                if sums.charges:
                    found[account, calendar.name(period)] = sums
                period = calendar.after(period)
        return found

    def _period(self, account: str, period: date) -> Sums:
        calendar = self.calendar(account)
        calls = [c for c in self.calls[account] if calendar.period(at(c["started_at"])) == period]
        book = self.books[-1]
        places = book.get("precision", PLACES[book["currency"]])
        usage = fee = Fraction(0)
        for number, segment in enumerate(self.segments(account, period)):
            usage += half_up(cost(segment.plan, [c for c in calls if self._segment(c) == number]), places)
            fee += half_up(Fraction(segment.plan.get("fee", "0")), places)
        return Sums(usage, fee, len(calls) + (fee > 0))


def told_as_time(name: str, value: Any) -> bool:
    return value is not None and (name == "from" or name.endswith("_at"))


def shape(event: Any) -> str | None:
    """Why this is no event: what the generated logs have of it."""
    if not isinstance(event, dict):
        return "wrong-shape"
    if event.get("type") != "call-ended/1":
        known = {"tariffs-published/1", "account-subscribed/1", "clock-ticked/1"}
        return None if event.get("type") in known else "unknown-type"
    said = set(event) - {"answered_at"}
    times = [event.get(name) for name in ("started_at", "answered_at", "ended_at")]
    if said != CALL or not isinstance(event["caller"], str) or event["disposition"] not in DISPOSITIONS:
        return "wrong-shape"
    if any(text is not None and datetime.fromisoformat(text).tzinfo is None for text in times):
        return "naive-time"
    if (times[1] is None) == (event["disposition"] == "answered"):
        return "time-without-answer" if times[1] else "answered-without-time"
    told = [at(text) for text in times if text is not None]
    if told != sorted(told):
        return "times-out-of-order"
    return "too-long-call" if told[-1] - told[0] > timedelta(hours=24) else None


def rated(
    lines: Iterable[tuple[bytes | None, bytes | None]], stamp: int
) -> tuple[list[str], dict[tuple[str, str], Sums]]:
    """The outcome of each record, and what each account owes for each period."""
    model = Model()
    outcomes = [model.outcome(key, value, stamp) for key, value in lines]
    return outcomes, model.sums()
