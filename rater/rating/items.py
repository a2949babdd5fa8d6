"""Items of an account: seats, numbers, value-added services (rating.md, "Items and set-up").

A plan has items; a subscription may say another quantity of one, or an item of the account's own, or end one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from rater.rating.account import PlanName, Subscription, same_plan
from rater.rating.book import Item, Plan
from rater.rating.instant import Instant
from rater.rating.money import ZERO


class ItemState(NamedTuple):
    """How an item stands from an instant on."""

    begins: Instant
    item: Item


def changes_within(history: tuple[Subscription, ...], start: Instant, end: Instant) -> list[Instant]:
    """The instants after `start` and before `end` at which something is said of items, in the order of time."""
    return sorted({said.start for said in history if said.items and start < said.start < end})


def said_of_items(
    history: tuple[Subscription, ...], name: PlanName | None, at: Instant
) -> tuple[dict[str, Item], dict[str, int]]:
    """The own items of an account at an instant, and the quantities that it has of its plan's.

    A quantity belongs to the plan that it was said with, and ends with it. An own item stays until it is ended, and
    takes the place of the plan's of its name.
    """
    own: dict[str, Item] = {}
    quantities: dict[str, int] = {}
    current: PlanName | None = None
    for said in sorted((one for one in history if one.start <= at), key=lambda one: one.start):
        begins = not same_plan(history, said.plan, current)
        current = said.plan
        ours = same_plan(history, said.plan, name)
        if begins and ours:
            quantities = {}
        for item, words in said.items:
            if isinstance(words, Item):
                own[item] = words
            elif words is None and item in own:
                del own[item]
            elif ours:
                quantities[item] = words or 0
    return own, quantities


def items_at(history: tuple[Subscription, ...], name: PlanName, plan: Plan, at: Instant) -> Mapping[str, Item]:
    """The items that cost something under a plan at an instant."""
    own, quantities = said_of_items(history, name, at)
    known = {item: there._replace(quantity=quantities.get(item, there.quantity)) for item, there in plan.items}
    return {item: there for item, there in sorted((known | own).items()) if there.quantity and there.price}


def item_states(
    history: tuple[Subscription, ...], name: PlanName, plan: Plan, start: Instant, end: Instant
) -> dict[str, list[ItemState]]:
    """By item: how it stands from `start` to `end`; a quantity of 0 where it does not. Neighbours may be equal."""
    found: dict[str, list[ItemState]] = {}
    for at in (start, *changes_within(history, start, end)):
        there = items_at(history, name, plan, at)
        for item in {*found, *there}:
            before = found.setdefault(item, [])
            before.append(ItemState(at, there.get(item, Item(ZERO, 0))))
    return found


def unknown_item(plan: Plan | None, said: Subscription) -> str | None:
    """The item of which a subscription says a quantity, and which its plan does not have; None where all are known."""
    known = set() if plan is None else {item for item, _ in plan.items}
    return next((item for item, words in said.items if isinstance(words, int) and item not in known), None)
