"""A book that reaches back: open periods as if its versions of plans had been known from their start (rating.md, "Books
that reach back").

What the calls counted stays, for these versions count alike; what it costs is taken anew. What that changes is one
`adjustment`, and where fees differ one `fee`, for each open period.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from rater.rating.account import Account
from rater.rating.calendar import Period, period_after, period_at
from rater.rating.catalog import Reach, counts_otherwise, rank
from rater.rating.charging import Charged, Ledger, opened, plan_of_segment, with_period
from rater.rating.fees import charge_fee, entries
from rater.rating.names import PeriodName, PlanId
from rater.rating.rerating import rerated, unused
from rater.rating.usage import Segment, Usage


class ReachedBack(NamedTuple):
    """The account after a book that reaches back, its periods that changed, and what that changes in money."""

    account: Account
    usages: tuple[Usage, ...]
    charges: tuple[Charged, ...]


def reach_back(account: Account, reach: Reach, ledger: Ledger) -> ReachedBack:
    """Apply a book to an account. `ledger` has the tariffs as they were at the book's place in the log.

    Periods that were closed there stay what they are, and so does a segment whose own version counts otherwise.
    """
    adjusted = list(_rated_again(account, reach, ledger))
    changed = {one.usage.period: one.usage for one in adjusted}
    charges = [one.charged for one in adjusted if one.charged is not None]

    def usage_of(period: PeriodName) -> Usage | None:
        return changed.get(period) or ledger.usage_of(period)

    for fee in _fees_again(account, reach, ledger, ledger._replace(usage_of=usage_of)):
        changed[fee.usage.period] = fee.usage
        charges.append(fee)
        account = with_period(account, fee.usage)
    return ReachedBack(account, tuple(changed.values()), tuple(charges))


class _Again(NamedTuple):
    usage: Usage
    charged: Charged | None
    """None where it costs the same, line by line."""


def _rated_again(account: Account, reach: Reach, ledger: Ledger) -> Iterator[_Again]:
    """The open periods under other versions."""
    for known in account.periods:
        usage = ledger.usage_of(known.name) if known.end > reach.closed else None
        if usage is None:
            continue
        new = tuple(_under_its_version(segment, reach, ledger) for segment in usage.segments)
        if new == usage.segments:
            continue
        if _same_prices(account, usage, new, ledger):
            yield _Again(usage._replace(segments=new), None)
        else:
            again = rerated(account, account, usage, tuple(map(unused, new)), ledger, lambda: ())
            yield _Again(again.usage, again if again.usage.seq > usage.seq else None)


def _under_its_version(segment: Segment, reach: Reach, ledger: Ledger) -> Segment:
    """The segment under the version that it would have, had the book's been known when it began."""
    if segment.inline or segment.stands_in:
        return segment
    for plan_id in reach.plans:
        if plan_id.rpartition("@")[0] == segment.plan_name:
            old, new = ledger.plan_of(segment.plan_id), ledger.plan_of(plan_id)
            holds = rank(new)[0] <= segment.start and rank(new) > rank(old)
            return segment._replace(plan_id=plan_id) if holds and not counts_otherwise(old, new) else segment
    return segment


def _same_prices(account: Account, usage: Usage, new: tuple[Segment, ...], ledger: Ledger) -> bool:
    """Whether all that differs is what does not hang on usage: fees, items, a minimum."""
    for old, segment in zip(usage.segments, new, strict=True):
        one, other = (plan_of_segment(account, each, ledger.plan_of) for each in (old, segment))
        if (one.meters, one.discount) != (other.meters, other.discount):
            return False
    return True


def _fees_again(account: Account, reach: Reach, before: Ledger, after: Ledger) -> Iterator[Charged]:
    """What the fees that were charged already come to now, less what they were; of each period that was not closed."""
    if account.next_fee is None or not _on_a_plan(account, reach.plans):
        return
    shown = account.next_fee - 1
    period = period_at(account.calendar, max(reach.closed, min(said.start for said in account.history), 0))
    while period.start <= shown:
        fee = _fee_again(account, reach, period, before, after)
        if fee is not None:
            yield fee
        period = period_after(account.calendar, period)


def _fee_again(account: Account, reach: Reach, period: Period, before: Ledger, after: Ledger) -> Charged | None:
    assert account.next_fee is not None  # noqa: S101 - it was asked
    shown = account.next_fee - 1
    was, now = before.usage_of(period.name), after.usage_of(period.name)
    if period.end <= reach.closed or (was is now and was is not None):
        return None
    if was is not None and now is not None:
        return charge_fee(account, now, shown, after, entries(account, was, before, shown))
    # Nothing was charged for it, call or fee: it is opened only where the book's own versions bring a fee.
    usage = opened(account, period, after)
    if reach.plans.isdisjoint(segment.plan_id for segment in usage.segments):
        return None
    return charge_fee(account, usage, shown, after, [])


def _on_a_plan(account: Account, plans: frozenset[PlanId]) -> bool:
    """Whether the account was ever on one of these plans."""
    names = {plan_id.rpartition("@")[0] for plan_id in plans}
    return any(said.plan is not None and not said.plan.inline and said.plan.name in names for said in account.history)


def marked(account: Account, book: int) -> Account:
    """The account to which all books that reach back up to this one were applied."""
    return account if account.reached >= book else replace(account, reached=book)
