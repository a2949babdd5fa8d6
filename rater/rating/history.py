"""What bounds an account's history: how many changes it may have, and what becomes of those that are long past."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from rater.rating.account import UNCHANGED, Account, PlanName, Subscription, Unchanged, in_effect, in_force, inline_plan
from rater.rating.calendar import period_at
from rater.rating.instant import Instant
from rater.rating.items import said_of_items
from rater.rating.limits import CHANGES, CHANGES_PER_PERIOD


def folded(account: Account, forgotten: Instant) -> Account:
    """The account with all that was said for its forgotten periods made into one state, whose id is forgotten too.

    Of an account without a plan, its last one is kept beside the state.

    Periods that end at or before `forgotten` are; nothing can change them any more, so only what they left behind
    matters.
    """
    before = period_at(account.calendar, max(forgotten, 0)).start
    past = tuple(said for said in account.history if said.start < before)
    if not past:
        return account
    later = (said for said in account.history if said.start >= before)
    kept = (*_ended(past, before), _state(past, before), *later)
    return replace(account, history=tuple(_written_down(kept, account.history)))


def _written_down(kept: tuple[Subscription, ...], history: tuple[Subscription, ...]) -> Iterator[Subscription]:
    """The subscriptions, each negotiated plan that they name written down in one of them, as before in the history."""
    there = {said.plan for said in kept if said.inline is not None}
    for said in kept:
        if said.plan is None or not said.plan.inline or said.plan in there:
            yield said
        else:
            there.add(said.plan)
            yield replace(said, inline=inline_plan(history, said.plan.name))


def _ended(past: tuple[Subscription, ...], before: Instant) -> tuple[Subscription, ...]:
    """The last plan of an account that has left: credits are still posted under it."""
    now, last = in_force(past, before), in_force(tuple(said for said in past if said.plan is not None), before)
    if last is None or last is now or last.plan is None:
        return ()
    inline = inline_plan(past, last.plan.name) if last.plan.inline else None
    return (Subscription("" if inline is None else last.plan.name, "", last.plan, last.start, inline),)


def _state(past: tuple[Subscription, ...], before: Instant) -> Subscription:
    """One subscription that says what all these came to; its id is the one that a negotiated plan goes by."""
    last = in_force(past, before)
    assert last is not None  # noqa: S101 - they all start before
    plan: PlanName | None = last.plan
    inline = None if plan is None or not plan.inline else inline_plan(past, plan.name)
    own, quantities = said_of_items(past, plan, before)
    return Subscription(
        id=plan.name if inline is not None and plan is not None else "",
        fingerprint="",
        plan=plan,
        start=last.start,
        inline=inline,
        spend_cap=_value(in_effect(past, "spend_cap", before)),
        guaranteed_connect_rate=_value(in_effect(past, "guaranteed_connect_rate", before)),
        items=tuple(sorted((quantities | own).items())),
    )


def _value(value: Decimal | None) -> Decimal | Unchanged:
    """What was cleared, or never said, is not said."""
    return UNCHANGED if value is None else value


def too_many_changes(account: Account, said: Subscription) -> str | None:
    """Why the account's history takes no more changes; None where it does."""
    period = period_at(account.calendar, said.start)
    if sum(period.start <= other.start < period.end for other in account.history) >= CHANGES_PER_PERIOD:
        return f"{period.name} has {CHANGES_PER_PERIOD} subscriptions already"
    if len(account.history) >= CHANGES:
        return f"the account has {CHANGES} subscriptions that are not forgotten"
    return None
