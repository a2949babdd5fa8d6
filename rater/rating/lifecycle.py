"""What time brings to an account: fees that fall due, periods that close, identities that are forgotten.

Time moves by ticks alone (rating.md, "Periods", "Fees", "Same call twice", "Time's work has an order"). An account's
fees and closings are done in the order in which they fall due, by the tick that shows it, or before the account's own
next event; identities are forgotten by ticks.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

from rater.rating.account import Account
from rater.rating.charging import Charged, Ledger
from rater.rating.fees import Begun, Entry, charge_due_fees, entries, set_up_names
from rater.rating.instant import NEVER, Instant, length
from rater.rating.names import PeriodName
from rater.rating.settlement import settled_at_closing
from rater.rating.usage import Usage

MAX_EVENTS = 2400
"""Fees and closings of one account at once: two for each of the periods that one record may bring due."""


class Clock(NamedTuple):
    """What a partition knows of time."""

    now: Instant = NEVER
    """The latest tick's instant."""
    closed: Instant = NEVER
    """Periods that end at or before this are closed."""
    forgotten: Instant = NEVER
    """Identities of periods that end at or before this are forgotten."""

    def past(self, account: Account) -> bool:
        """Whether a fee of the account has fallen due, or a period of it must close."""
        return (account.next_fee is not None and account.next_fee <= self.now) or (
            bool(account.periods) and account.periods[0].end <= self.closed
        )


class Closing(NamedTuple):
    """A period that is final: its last usage."""

    usage: Usage
    settled: tuple[Charged, ...] = ()
    """The charges with which it closed."""
    fees: tuple[Entry, ...] = ()
    """What its total has of fees, items and set-ups."""


@dataclass(frozen=True, slots=True)
class Lived:
    """The account after fees and closings, and these, in their order."""

    account: Account
    events: tuple[Charged | Closing, ...]


def due(account: Account, close_after: int, remember: int) -> Instant | None:
    """The tick's instant at which the account's next work falls due; None while nothing is known to come.

    The durations are in microseconds.
    """
    # Asked of every account by each tick that has work: without a list it takes a third of the time.
    at, look = account.next_fee, account.next_look
    if look is not None and (at is None or look < at):
        at = look
    if account.periods:
        closes = account.periods[0].end + close_after
        if at is None or closes < at:
            at = closes
    if account.closed:
        forgets = min(known.forgotten for known in account.closed) + close_after + remember
        if at is None or forgets < at:
            at = forgets
    return at


def live(account: Account, clock: Clock, ledger: Ledger) -> Lived:
    """Charge the fees and close the periods that have fallen due, in the order of their instants.

    After `MAX_EVENTS` of them the rest is still due.
    """
    changed: dict[str, Usage] = {}
    events: list[Charged | Closing] = []

    def usage_of(period: PeriodName) -> Usage | None:
        return changed.get(period) or ledger.usage_of(period)

    ours = ledger._replace(usage_of=usage_of)
    close_after = length(ledger.tariffs.book.close_after)
    while len(events) < MAX_EVENTS:
        fee = account.next_fee if account.next_fee is not None and account.next_fee <= clock.now else None
        oldest = account.periods[0] if account.periods and account.periods[0].end <= clock.closed else None
        if fee is not None and (oldest is None or fee <= oldest.end + close_after):
            begun = charge_due_fees(account, fee, ours)
            assert isinstance(begun, Begun)  # noqa: S101 - one period is never too many
            account = begun.account
            changed |= {charged.usage.period: charged.usage for charged in begun.fees}
            events += begun.fees
        elif oldest is not None:
            usage = usage_of(oldest.name)
            if usage is not None:
                fees = tuple(entries(account, usage, ours, usage.end))
                settled = settled_at_closing(account, usage, fees, ledger.plan_of, ledger.tariffs.book.precision)
                events += (*settled, Closing(settled[-1].usage if settled else usage, settled, fees))
                if paid := set_up_names(usage, fees):
                    account = replace(account, setups=account.setups | paid)
            account = replace(account, periods=account.periods[1:], closed=(*account.closed, oldest))
        else:
            break
    return Lived(account, tuple(events))


def forgettable(account: Account, clock: Clock) -> frozenset[PeriodName]:
    """The closed periods whose identities are to be forgotten."""
    return frozenset(known.name for known in account.closed if known.forgotten <= clock.forgotten)


def forgetting(account: Account, gone: frozenset[PeriodName]) -> Account:
    """The account when no call and no manual adjustment of these periods is remembered any more."""
    return replace(
        account,
        closed=tuple(known for known in account.closed if known.name not in gone),
        adjustments=tuple(known for known in account.adjustments if known.period not in gone),
    )


def is_empty(account: Account) -> bool:
    """Whether the account has no history, charges or pending fees left, so that its row can go."""
    return not (
        account.history or account.adjustments or account.periods or account.closed or account.next_fee is not None
    )
