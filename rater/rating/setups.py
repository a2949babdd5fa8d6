"""Set-ups: due once for each plan, in the period of its first segment (rating.md, "Items and set-up")."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from rater.rating.account import Account, Subscription
from rater.rating.book import Plan
from rater.rating.calendar import period_after, period_at
from rater.rating.charging import Ledger, opened
from rater.rating.history import folded
from rater.rating.instant import Instant
from rater.rating.usage import Segment, Usage


def set_ups(
    account: Account, usage: Usage, begun: Iterable[tuple[Segment, Plan]], ledger: Ledger
) -> Iterator[tuple[Segment, Plan]]:
    """Of the segments of a period that have begun, those whose plan's set-up is due, as far as anybody knows now."""
    seen: set[str] = set()
    for segment, plan in begun:
        name = set_up_name(segment)
        had = name in seen or name in account.setups
        seen.add(name)
        if plan.setup and not had and not _was_there(account, name, usage, ledger):
            yield segment, plan


def set_up_name(segment: Segment) -> str:
    """The plan of a segment; all negotiated ones of an account count as one."""
    return "" if segment.inline else segment.plan_name


def _name(said: Subscription) -> str | None:
    """The plan of a subscription as `set_up_name` has it; None of an end, which is nobody's set-up."""
    return None if said.plan is None else "" if said.plan.inline else said.plan.name


def without_forgotten(account: Account, forgotten: Instant, ledger: Ledger) -> Account:
    """The account with all that was said for its forgotten periods made into one state (`rater.rating.history`).

    Plans that it had there, with a set-up or without, stay known: a later version that brings one does not charge it.
    """
    after = folded(account, forgotten)
    if after is account:
        return account
    before = period_at(account.calendar, max(forgotten, 0)).start
    known = account.setups | {_name(said) for said in after.history if said.start < before}
    dropped = [said for said in account.history if said.start < before and _name(said) not in known]
    return replace(after, setups=after.setups | _begun_by(account, dropped, before, ledger)) if dropped else after


def _was_there(account: Account, name: str, usage: Usage, ledger: Ledger) -> bool:
    """Whether a segment of the plan is in an earlier period."""
    ours = (said for said in account.history if said.start < usage.start and _name(said) == name)
    return name in _begun_by(account, ours, usage.start, ledger)


def _begun_by(account: Account, some: Iterable[Subscription], before: Instant, ledger: Ledger) -> set[str]:
    """The plans of the segments that subscriptions may begin in periods before an instant.

    What is said in a period makes a segment there or in the next one; a change under a plan without proration waits.
    """
    first = {period_at(account.calendar, said.start) for said in some}
    periods = first | {period_after(account.calendar, period) for period in first}
    segments = (opened(account, period, ledger).segments for period in periods if period.start < before)
    return {set_up_name(one) for ones in segments for one in ones if not one.stands_in}
