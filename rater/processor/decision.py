"""What deciding on one record looks at, and what comes of it. Both are values: nothing is changed on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from rater.processor.rows import plan_key, usage_key
from rater.rating.account import Account
from rater.rating.book import Plan
from rater.rating.catalog import Reach, Tariffs
from rater.rating.charging import Ledger
from rater.rating.instant import NEVER, SECOND, Instant
from rater.rating.lifecycle import Clock
from rater.rating.names import AccountKey, PeriodName, PlanId
from rater.rating.usage import Usage
from rater.seam.model import Output, Record, Row
from rater.wire.reasons import Reason

CHARGED = "charged"
DUPLICATE = "duplicate"
APPLIED = "applied"
VOIDED = "voided"
FORWARDED = "forwarded"
REJECTED = "rejected:"
"""An outcome of this kind goes on with the reason."""

TOLERANCE = 300 * SECOND
"""How far the clock of a switch may be ahead of the broker's."""

Read = Callable[[bytes], Any]
"""Finds a row of a table by its key, as the records before this one left it; None where there is none."""

Change = tuple[str, bytes, "Row | None"]
"""(table, key, the new row; None deletes it)."""


class State(NamedTuple):
    """What a log partition knows of time; kept in its head."""

    now: Instant | None = None
    """The latest `at` of any tick."""
    closed_until: Instant | None = None
    """Periods that end at or before this are closed (rating.md, "Periods")."""
    book: int | None = None
    """The version of the tariff book in force."""
    forgotten_until: Instant | None = None
    """Identities of periods that end at or before this are forgotten; like `closed_until` it never falls."""
    due: Instant | None = None
    """No account has work that falls due before this instant of the ticks' time; None while none has any."""
    left: bool = False
    """Whether the last tick left work because it had made as many row changes as it may."""
    newest: Instant | None = None
    """Of bare events, which have no timestamps: the latest instant in any of them."""
    reached: int = 0
    """Books that reach back were applied to all accounts up to this version."""
    reaching: int = 0
    """Up to which version ticks apply them now, in the order of the accounts' ids as bytes; 0 while they do not."""
    reached_account: str = ""
    """The last account that had its turn."""

    @classmethod
    def read(cls, words: Mapping[str, Any] | None) -> State:
        """The state of a head; a field that an earlier version kept there is left out."""
        return cls(**{name: value for name, value in (words or {}).items() if name in cls._fields})

    @property
    def clock(self) -> Clock:
        """The state of time as the rules look at it."""
        return Clock(*(NEVER if at is None else at for at in (self.now, self.closed_until, self.forgotten_until)))


class Decision(NamedTuple):
    """All that one record does."""

    outcome: str
    changes: tuple[Change, ...] = ()
    outputs: tuple[Output, ...] = ()
    state: State | None = None
    """The partition's new state, if it changes."""
    grows: bool = False
    """Whether it changes rows that grow with every event, so that its size must be checked."""


class Done(NamedTuple):
    """What was done for an account besides what its own record says."""

    account: Account
    changes: tuple[Change, ...]
    outputs: tuple[Output, ...]


class Rejected(NamedTuple):
    """A record that does nothing: a reason in one word, and a line for the person who mends it."""

    reason: Reason
    detail: str = ""


def recorded_at(record: Record) -> Instant:
    """The instant at which the broker took a record."""
    return record.timestamp * 1000


@dataclass(frozen=True, slots=True)
class RecordScope:
    """What a decision may look at: the rows as the records before it left them, and where the record stands."""

    accounts: Read
    usages: Read
    calls: Read
    published: Read
    """Tariffs and the versions of plans."""
    everyone: Callable[[], Iterable[tuple[AccountKey, Account]]]
    """All accounts with their keys, in any order."""
    adjustments: Read
    calls_of: Callable[[bytes], Iterable[bytes]]
    """The remembered calls that were charged in a period, by the key of its usage, in any order."""
    identities: Callable[[str, bytes, int], Sequence[bytes]]
    """(table, key of a usage, n) to the first n keys, in their order, of what is remembered of that period."""
    plans: dict[str, Plan]
    """The versions of plans that were looked up before; they never change."""
    state: State
    clock: Clock
    """The state's time."""
    tariffs: Tariffs | None
    """What was published so far; None before the first book."""
    place: str
    """The partition in words, `calls/3/`; with an offset it is where a record stands."""
    partition: int
    partitions: int
    check_timestamps: bool
    spend: bool
    """Whether `spend` is published."""

    def pending(self, key: bytes, account: Account) -> tuple[Reach, ...]:
        """The books that reach back which were not applied to an account yet, in their order."""
        if self.tariffs is None or not self.tariffs.reaches:
            return ()
        state = self.state
        had = state.reaching if state.reaching and key <= state.reached_account.encode() else state.reached
        done = max(had, account.reached)
        return tuple(one for one in self.tariffs.reaches if one.book > done)

    def now(self, record: Record) -> Instant:
        """The instant of a record: its timestamp, where it has one, and never before the last tick."""
        return max(recorded_at(record) if self.check_timestamps else 0, self.state.now or 0)

    def plan(self, plan_id: PlanId) -> Plan:
        """A published version of a plan, by its id."""
        plan = self.plans.get(plan_id)
        if plan is None:
            plan = self.published(plan_key(plan_id))
            if plan is None:
                raise LookupError("a segment has a plan that was never published")
            self.plans[plan_id] = plan
        return plan

    def ledger(self, key: AccountKey, tariffs: Tariffs) -> Ledger:
        """The account's rows as the rules look at them."""

        def usage_of(period: PeriodName) -> Usage | None:
            usage: Usage | None = self.usages(usage_key(key, period))
            return usage

        return Ledger(tariffs, self.plan, usage_of)
