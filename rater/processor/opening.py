"""A period made ready for an event: its usage, and the fees that fall due on the way to it."""

from __future__ import annotations

from typing import NamedTuple

from rater.processor.decision import Change, Rejected
from rater.processor.rows import USAGE, usage_key
from rater.rating.account import Account, in_force
from rater.rating.calendar import Period
from rater.rating.charging import Charged, Ledger, opened, segment_at, with_period
from rater.rating.fees import TooFar, charge_due_fees
from rater.rating.instant import Instant
from rater.rating.names import AccountKey, UsageKey
from rater.rating.usage import Usage


class Opened(NamedTuple):
    """The period of a call, ready for it: the account, the fees that fell due on the way, the period's usage."""

    account: Account
    fees: tuple[Charged, ...]
    usage: Usage
    usage_key: UsageKey
    segment: int
    late: bool = False
    """Whether the call's own period is closed."""


def usage_changes(key: AccountKey, charges: tuple[Charged, ...]) -> tuple[Change, ...]:
    """The usage after each of the charges; of one period the later holds."""
    return tuple((USAGE, usage_key(key, charged.usage.period), charged.usage) for charged in charges)


def too_far(begun: TooFar) -> Rejected:
    """A date so far off that too many periods would fall due at once."""
    return Rejected("too-far", f"the fees of more than {begun.periods} periods would fall due at once")


def begin_period(
    ledger: Ledger, account: Account, period: Period, start: Instant, place: UsageKey
) -> Opened | Rejected:
    """The period with the fees that fall due when an event shows that `start`, an instant of it, has come."""
    usage = opened(account, period, ledger)
    index = segment_at(usage, start)
    if index is None:
        return no_plan(account, start)
    begun = charge_due_fees(account, start, ledger)
    if isinstance(begun, TooFar):
        return too_far(begun)
    usage = next((fee.usage for fee in begun.fees if fee.usage.period == period.name), usage)
    return Opened(with_period(begun.account, usage), begun.fees, usage, place, index)


def no_plan(account: Account, start: Instant) -> Rejected:
    """Why there is no plan at an instant: there was never one, or it has ended."""
    if in_force(account.history, start) is None:
        return Rejected("unknown-account", "no subscription is in force at the call's start, and no default plan")
    return Rejected("account-ended", "the account's subscription has ended at the call's start")
