"""An account's life once more: plan changes, proration, ticks, late calls, voids, credits, closing; in fractions.

Like `tests.laws.model`, whose prices it takes, it imports nothing of the rater. Each event's outcome is decided as the
log goes; what the periods cost is reckoned once, at the end, from all that was said.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from math import ceil

from tests.laws.calendar_model import TICK, Calendar, at, zone
from tests.laws.class_model import classes_of
from tests.laws.items_model import items_due
from tests.laws.life_rows import NEVER, Person, Stretch, Taken, Version, Words, as_seen, holding
from tests.laws.model import TOLERANCE, cost, half_up

CLOSE_AFTER = timedelta(days=10)
REMEMBER = timedelta(days=60)


class Life:
    """What the rules keep of a log of one partition."""

    def __init__(self) -> None:
        self.book: Words = {}
        self.versions: dict[str, list[Version]] = defaultdict(list)
        self.people: dict[str, Person] = {}
        self.calls: dict[tuple[str, str], Taken] = {}
        self.now = self.closed = self.forgotten = NEVER

    def outcome(self, event: Words, stamp: datetime) -> str:
        """Take one event that is right in itself, and say what becomes of it."""
        kind = event["type"].split("/")[0].replace("-", "_")
        found: str = getattr(self, f"_{kind}")(event, stamp)
        for person in self.people.values():
            self._notes_versions(person)
        return found

    def _notes_versions(self, person: Person) -> None:
        """Remember under which versions stretches of periods with charges began."""
        for period in person.charged:
            if self._ends(person, period) > self.closed:
                stretches = [s for s in self.stretches(person, period) if isinstance(s.name, str)]
                places = [(period, s.start, str(s.name)) for s in stretches]
                noted = {place: person.opened.get(place, len(self.versions[place[2]])) for place in places}
                others = {place: n for place, n in person.opened.items() if place[0] != period}
                person.opened = others | noted

    def _tariffs_published(self, event: Words, _: datetime) -> str:
        self.book = event["book"]
        for name, plan in self.book["plans"].items():
            if all(plan != version.words for version in self.versions[name]):
                self.versions[name].append(Version(plan, self.closed))
        for person in self.people.values():
            if person.said and any(plan.get("reach_back") for plan in self.book["plans"].values()):
                self._shows(person, person.shown)
        return "applied"

    def _clock_ticked(self, event: Words, stamp: datetime) -> str:
        moment = at(event["at"])
        if moment > stamp + TOLERANCE and not event.get("operator"):
            return "rejected:tick-ahead"
        self.now = max(self.now, moment)
        for person in self.people.values():
            if person.said:
                self._shows(person, self.now)
            self._notes_versions(person)
        for person in self.people.values():
            for period in person.charged:
                ends = self._ends(person, period)
                credited = period in person.posted.values()
                if credited and self.closed < ends <= moment - CLOSE_AFTER - timedelta(days=1):  # it closes late
                    person.kept.setdefault(period, moment - CLOSE_AFTER)
        self.closed = max(self.closed, moment - CLOSE_AFTER)
        self.forgotten = max(self.forgotten, moment - CLOSE_AFTER - REMEMBER)
        return "applied"

    def _account_subscribed(self, event: Words, stamp: datetime) -> str:
        calendar = Calendar(str(event.get("time_zone", self.book["time_zone"])), event.get("billing_day", 1))
        person = self.people.get(event["account"]) or Person(calendar)
        start = at(event["from"])
        past = start < self._begins(person, person.calendar.period(self.forgotten))
        if event["subscription_id"] in person.ids and not past:
            return "duplicate"
        if self._ends(person, person.calendar.period(start)) <= self.closed:
            return "rejected:closed-period"
        if self._unknown_item(event, start):
            return "rejected:unknown-item"
        self._keeps(event["account"], person)
        person.ids.add(event["subscription_id"])
        person.said.append(event)
        self._shows(person, max(person.shown, NEVER if start > stamp else start))
        return "applied"

    def _account_adjusted(self, event: Words, _: datetime) -> str:
        person = self.people.get(event["account"])
        if person is None or not self._remembered(person):
            return "rejected:unknown-account"
        known = person.posted.get(event["adjustment_id"])
        if known is not None and self._known(person, known):
            return "duplicate"
        opened = sorted(p for p in person.charged if self._ends(person, p) > self.closed)
        if opened:
            period = opened[0]
        else:
            start = max(self.closed, min((at(s["from"]) for s in person.said), default=self.closed))
            refused = self._refused(person, start)
            period = person.calendar.period(start)
            had_a_plan = any(s["plan"] is not None and at(s["from"]) <= start for s in person.said)
            has_one = had_a_plan or any(stretch.plan is not None for stretch in self.stretches(person, period))
            if refused and not (refused == "rejected:account-ended" and has_one):
                return refused
            if not refused:
                self._shows(person, max(person.shown, start))
        person.posted[event["adjustment_id"]] = period
        person.credits[period] += Fraction(event["amount"])
        person.charged.add(period)
        return "applied"

    def _call_ended(self, event: Words, _: datetime) -> str:
        key = event["account"], event["call_id"]
        person = self.people.get(event["account"]) or Person(Calendar(self.book["time_zone"], 1))
        known = self.calls.get(key)
        if known is not None and self._known(person, known.period):
            return "duplicate"
        start, own = at(event["started_at"]), person.calendar.period(at(event["started_at"]))
        if start < (person.known_from if self._remembered(person) else self.forgotten):
            return "rejected:too-old"
        late = self._ends(person, own) <= self.closed
        if late:
            if self._ends(person, own) <= self.forgotten:
                return "rejected:too-old"
            if self.book["late"] == "reject":
                return "rejected:late"
            own = person.calendar.period(self.closed)
            planned = [s for s in self.stretches(person, own) if s.plan is not None]
            if not planned:
                return "rejected:late-no-plan"
            start = planned[0].start
        refused = self._refused(person, start)
        if refused:
            return refused
        self._keeps(event["account"], person)
        self.calls[key] = Taken(event | {"classes": classes_of(self.book, event, person.calendar.zone)}, own, late)
        person.charged.add(own)
        self._shows(person, max(person.shown, start))
        return "charged"

    def _call_voided(self, event: Words, _: datetime) -> str:
        known = self.calls.get((event["account"], event["call_id"]))
        person = self.people.get(event["account"])
        if known is None or person is None or not self._known(person, known.period):
            return "rejected:unknown-call"
        if known.voided:
            return "duplicate"
        if self._ends(person, known.period) <= self.closed:
            return "rejected:closed-period"
        known.voided = True
        return "voided"

    def _known(self, person: Person, period: date) -> bool:
        """Whether the period's calls and credits are remembered."""
        return max(self._ends(person, period), person.kept.get(period, NEVER)) > self.forgotten

    def _keeps(self, account: str, person: Person) -> None:
        if not self._remembered(person):
            person.known_from = self.forgotten
        self.people[account] = person

    def _remembered(self, person: Person) -> bool:
        """Who only ever called without a subscription is unknown again when all these calls are forgotten."""
        return bool(person.said) or any(self._known(person, period) for period in person.charged)

    # --- time

    def _ends(self, person: Person, period: date) -> datetime:
        return self._begins(person, person.calendar.after(period))

    def _begins(self, person: Person, period: date) -> datetime:
        return datetime(period.year, period.month, period.day, tzinfo=zone(person.calendar.zone)).astimezone(UTC)

    def _shows(self, person: Person, moment: datetime) -> None:
        """Time has come to this moment: periods whose fees fell due have charges."""
        person.shown = max(person.shown, moment)
        for period in self._periods(person):
            if self._ends(person, period) <= self.closed:
                continue
            if self.fee(person, period) or any(
                Fraction((s.plan or {}).get("minimum", 0)) for s in self._begun(person, period)
            ):
                person.charged.add(period)
        running = person.calendar.period(person.shown)
        if person.said and running in person.charged:  # up to the next plan that is known, or its end, all is charged
            later = [s.start for s in self.stretches(person, running) if s.start > person.shown]
            ends = self._ends(person, running)
            later += [at(s["from"]) for s in person.said if s.get("items") and person.shown < at(s["from"]) < ends]
            person.shown = min(later, default=self._ends(person, running)) - TICK

    def _periods(self, person: Person) -> list[date]:
        starts = [at(s["from"]) for s in person.said]
        period, found = person.calendar.period(min(starts, default=person.shown)), []
        while self._begins(person, period) <= person.shown:
            found.append(period)
            period = person.calendar.after(period)
        return found

    # --- plans

    def _refused(self, person: Person, start: datetime) -> str | None:
        period = person.calendar.period(start)
        if any(s.plan is not None and s.start <= start < s.end for s in self.stretches(person, period)):
            return None
        return "rejected:account-ended" if self._in_force(person, start) else "rejected:unknown-account"

    def _in_force(self, person: Person, moment: datetime) -> Words | None:
        begun = [s for s in person.said if at(s["from"]) <= moment]
        return max(enumerate(begun), key=lambda one: (at(one[1]["from"]), one[0]))[1] if begun else None

    def stretches(self, person: Person, period: date) -> list[Stretch]:
        """The plans of a period, in the order of time."""
        begins, ends = self._begins(person, period), self._ends(person, period)
        first = self._in_force(person, begins)
        fallback = self.book.get("default_plan") if first is None else None
        found: list[tuple[datetime, str | Words | None]] = [(begins, first["plan"] if first else fallback)]
        for start in sorted({at(s["from"]) for s in person.said if begins < at(s["from"]) < ends}):
            said = self._in_force(person, start)
            since, plan = found[-1]
            assert said is not None
            if said["plan"] == plan:
                continue
            if plan is not None and self._version(plan, since, person, period).get("proration", "none") == "none":
                if plan != fallback:
                    break
                if said["plan"] is None:
                    continue
            found.append((start, said["plan"]))
        until = [*(start for start, _ in found[1:]), ends]
        return [
            Stretch(start, end, None if plan is None else self._version(plan, start, person, period), plan)
            for (start, plan), end in zip(found, until, strict=True)
        ]

    def _version(
        self, plan: str | Words, start: datetime, person: Person | None = None, period: date | None = None
    ) -> Words:
        """The plan's words for a stretch that begins then, of a person's period where that is said."""
        if not isinstance(plan, str):
            return plan
        if person is None or period is None:
            return holding(self.versions[plan], start)
        known = person.opened.get((period, start, plan))
        return holding(self.versions[plan], start, known, self._ends(person, period))

    def _share(self, person: Person, period: date, stretch: Stretch) -> Fraction:
        """The share of the period's days that is the stretch's; all of it without proration."""
        if stretch.plan is None or stretch.plan.get("proration", "none") == "none":
            return Fraction(1)
        first, last = (m.astimezone(zone(person.calendar.zone)).date() for m in (stretch.start, stretch.end))
        return Fraction((last - first).days, (person.calendar.after(period) - period).days)

    def remembered(self) -> set[tuple[str, str]]:
        """The (account, call id) of every call that is known again: its period ends behind the horizon."""
        return {key for key, taken in self.calls.items() if self._known(self.people[key[0]], taken.period)}

    # --- money

    def _begun(self, person: Person, period: date) -> list[Stretch]:
        """The stretches under a plan that time has come to."""
        return [s for s in self.stretches(person, period) if s.plan is not None and s.start <= person.shown]

    def fee(self, person: Person, period: date) -> Fraction:
        """What the stretches that have begun owe."""
        begun = self._begun(person, period)
        return sum((self._recurring(person, period, s) for s in begun), Fraction(0)) + self.setups(person, period)

    def _recurring(self, person: Person, period: date, stretch: Stretch) -> Fraction:
        return self._part(person, period, stretch, "fee") + items_due(person, period, stretch)

    def setups(self, person: Person, period: date) -> Fraction:
        """The set-ups of plans that no earlier period had."""
        due: dict[str, Fraction] = {}
        for s in self._begun(person, period):
            assert s.plan is not None
            due.setdefault(s.name if isinstance(s.name, str) else "", Fraction(s.plan.get("setup", "0")))
        for earlier in self._periods(person):
            for s in self.stretches(person, earlier) if earlier < period and person.said else ():
                if s.plan is not None:
                    due.pop(s.name if isinstance(s.name, str) else "", None)
        return sum(due.values(), Fraction(0))

    def _unknown_item(self, event: Words, start: datetime) -> bool:
        plan = event["plan"]
        known = {} if plan is None else self._version(plan, start).get("items", {})
        return any(isinstance(said, int) and name not in known for name, said in event.get("items", {}).items())

    def _part(self, person: Person, period: date, stretch: Stretch, name: str) -> Fraction:
        """A plan's fee or minimum, by days."""
        assert stretch.plan is not None
        return half_up(Fraction(stretch.plan.get(name, "0")) * self._share(person, period, stretch), 2)

    def usage(self, account: str, period: date) -> list[tuple[Stretch, Fraction]]:
        """What the calls cost that were charged and not taken back, by stretch."""
        person = self.people[account]
        planned = [s for s in self.stretches(person, period) if s.plan is not None]
        found = []
        for number, s in enumerate(planned):
            calls = self._calls_of(account, period, s, first=number == 0)
            assert s.plan is not None
            found.append((s, half_up(cost(self._prorated(s.plan, self._share(person, period, s)), calls), 2)))
        return found

    def settled(self, person: Person, period: date, used: list[tuple[Stretch, Fraction]]) -> Fraction:
        """What a closed period's stretches were short of their minimums."""
        if self._ends(person, period) > self.closed:
            return Fraction(0)
        short = [
            self._part(person, period, s, "minimum") - self._recurring(person, period, s) - usage
            for s, usage in used
            if s.plan is not None and "minimum" in s.plan
        ]
        return sum((amount for amount in short if amount > 0), Fraction(0))

    def credited(self, account: str, period: date, used: list[tuple[Stretch, Fraction]]) -> Fraction:
        """What a closed period's guarantees give back: too few of a stretch's outbound calls were answered."""
        if self._ends(self.people[account], period) > self.closed:
            return Fraction(0)
        total = Fraction(0)
        for number, (s, usage) in enumerate(used):
            words: Words = (s.plan or {}).get("guarantee", {})
            calls = [c for c in self._calls_of(account, period, s, first=number == 0) if c["direction"] == "outbound"]
            answered = sum(call["disposition"] == "answered" for call in calls)
            enough = words and len(calls) >= words.get("attempts", 100)
            if enough and Fraction(answered, len(calls)) < Fraction(words["connect_rate"]):
                total -= half_up(Fraction(words["credit"]) * usage, 2)
        return total

    def _calls_of(self, account: str, period: date, stretch: Stretch, *, first: bool) -> list[Words]:
        """The calls of a stretch that were charged and not taken back; late ones count from the first plan on."""
        taken = [c for (a, _), c in self.calls.items() if a == account and c.period == period and not c.voided]
        ours = [c for c in taken if (first if c.late else stretch.start <= at(c.event["started_at"]) < stretch.end)]
        return [as_seen(stretch.plan or {}, c.event) for c in ours]

    def outbound(self, account: str, period: date) -> tuple[int, int]:
        """The outbound calls of a period, and how many of them are connected as their plans mean it."""
        planned = [s for s in self.stretches(self.people[account], period) if s.plan is not None]
        calls = [self._calls_of(account, period, s, first=number == 0) for number, s in enumerate(planned)]
        found = [c for some in calls for c in some if c["direction"] == "outbound"]
        taken = [c.event for (a, _), c in self.calls.items() if a == account and c.period == period and not c.voided]
        all_of_it = [c for c in taken if c["direction"] == "outbound"]
        known = {c["call_id"] for c in found}
        found += [c for c in all_of_it if c["call_id"] not in known]
        return len(found), sum(c["disposition"] == "answered" for c in found)

    def _prorated(self, plan: Words, share: Fraction) -> Words:
        def part(meter: Words) -> Words:
            allowance = meter.get("allowance")
            return {**meter, "allowance": ceil(allowance * share)} if isinstance(allowance, int) else meter

        words = plan | {name: part(plan[name]) for name in ("minutes", "calls") if name in plan}
        return words | {"meters": [part(meter) for meter in plan.get("meters", [])]}

    def totals(self) -> dict[tuple[str, str], Fraction]:
        """(account, period) -> what it comes to, of all periods that have a charge."""
        found = {}
        for name, person in self.people.items():
            for period in sorted(person.charged):
                used = self.usage(name, period)
                usage = sum((amount for _, amount in used), Fraction(0))
                due = usage + self.fee(person, period) + self.settled(person, period, used)
                due += self.credited(name, period, used)
                found[name, person.calendar.name(period)] = due + person.credits[period]
        return found
