"""What becomes of an `account-subscribed` (rating.md, "Subscriptions", "Fees").

The checks, in this order; only what passes them all changes anything: no-tariff-book, duplicate or conflict,
closed-period, unknown-plan, unknown-class, unknown-item, too-many-changes, too-many-calls, ambiguous-period, too-far.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from hashlib import blake2b
from typing import Any

import orjson

from rater.processor.decision import APPLIED, DUPLICATE, Decision, RecordScope, Rejected, recorded_at
from rater.processor.opening import too_far, usage_changes
from rater.processor.outputs import Cause, charge
from rater.processor.rows import ACCOUNTS, USAGE, dated_call, usage_key
from rater.processor.tariff_rows import plan_content
from rater.rating.account import UNCHANGED, Account, ItemSaid, PlanName, Subscription, in_force, inline_plan
from rater.rating.amendments import Amended, CanNot, amended, offered
from rater.rating.book import Item, Plan
from rater.rating.calendar import period_at
from rater.rating.catalog import Tariffs, versioned
from rater.rating.charging import Charged, Ledger, newcomer
from rater.rating.classes import Classes
from rater.rating.fees import Before, Begun, TooFar, charge_due_fees
from rater.rating.history import too_many_changes
from rater.rating.instant import Instant, instant
from rater.rating.items import unknown_item
from rater.rating.limits import CALLS_RERATED
from rater.rating.names import AccountKey, PeriodName
from rater.rating.rerating import Dated
from rater.rating.setups import without_forgotten
from rater.rating.usage import Usage
from rater.seam.model import Record
from rater.wire.events import AccountSubscribed


def on_subscribed(
    scope: RecordScope, record: Record, event: AccountSubscribed, known: Account | None
) -> Decision | Rejected:
    """Decide on a subscription of an account that belongs into this partition; `known` is what is kept of it."""
    tariffs = scope.tariffs
    if tariffs is None:
        return Rejected("no-tariff-book", "no tariff book is published yet")
    said = _said(event)
    key = AccountKey(event.account.encode())
    ledger, classes = scope.ledger(key, tariffs), tariffs.book.classes
    forgotten = scope.clock.forgotten
    account = without_forgotten(known, forgotten, ledger) if known else newcomer(tariffs, forgotten)
    # What was folded into one state has no fingerprint: its id, which a negotiated plan still goes by, is forgotten.
    earlier = next((s for s in account.history if s.id == said.id and s.fingerprint), None)
    if earlier is not None:
        return _again(earlier, said)
    said = _repeating(said, account)
    if period_at(account.calendar, said.start).end <= scope.clock.closed:
        return Rejected("closed-period", "from: it lies in a period that is closed")
    if refused := _unknown(account, said, ledger):
        return refused
    if too_many := too_many_changes(account, said):
        return Rejected("too-many-changes", f"from: {too_many}")
    if too_long := _too_many_calls(account, said, ledger):
        return Rejected("too-many-calls", f"from: {too_long}")
    amendment = amended(account, said, ledger, scope.clock, lambda period: _calls(scope, key, period, classes))
    if isinstance(amendment, CanNot):
        return Rejected("ambiguous-period", amendment.detail)
    begun = _begin(scope, record, account, amendment, said, ledger)
    if isinstance(begun, TooFar):
        return too_far(begun)
    return _applied(scope, record, key, amendment, begun, tariffs)


def _unknown(account: Account, said: Subscription, ledger: Ledger) -> Rejected | None:
    """What the subscription names that there is not: a plan, a class of calls, an item."""
    if not offered(said, account, ledger.tariffs):
        return Rejected("unknown-plan", "plan: the tariff book has no plan of this name in effect from then on")
    named = frozenset[str]() if said.inline is None else said.inline.named
    if classes := sorted(named - ledger.tariffs.book.classes.names):
        return Rejected("unknown-class", f"plan: the tariff book has no class {classes[0]}")
    if item := _unknown_item(account, said, ledger):
        return Rejected("unknown-item", f"items.{item}: the plan has no such item; write price and quantity for one")
    return None


def _unknown_item(account: Account, said: Subscription, ledger: Ledger) -> str | None:
    """The item of which a quantity is said that the plan does not have."""
    plan: Plan | None = said.inline
    if plan is None and said.plan is not None:
        if said.plan.inline:
            plan = inline_plan(account.history, said.plan.name)
        elif version := ledger.tariffs.version_at(said.plan.name, said.start):
            plan = ledger.plan_of(versioned(said.plan.name, version))
    return unknown_item(plan, said)


def _too_many_calls(account: Account, said: Subscription, ledger: Ledger) -> str | None:
    """Which open period that the subscription touches has more calls than one record may have looked at again."""
    for name, end, _ in account.periods:
        usage = ledger.usage_of(name) if end > said.start else None
        if usage is not None and usage.seq > CALLS_RERATED:  # each call has a charge
            return f"{name} has more than {CALLS_RERATED} charges; say it from the end of that period on"
    return None


def _said(event: AccountSubscribed) -> Subscription:
    """The event as the rules see it; a field left out keeps its value, null clears it."""
    said: dict[str, Any] = {name: getattr(event, name) for name in _OPTIONAL if event.says(name)}
    inline = (
        None if event.plan is None or isinstance(event.plan, str) else event.plan.to_core(f"{event.subscription_id}@1")
    )
    name = event.plan if isinstance(event.plan, str) else event.subscription_id
    plan = None if event.plan is None else PlanName(name, inline is not None)
    start = instant(event.start)
    items = tuple(sorted((name, words) for name, words in event.item_words().items()))
    one = Subscription(event.subscription_id, "", plan, start, inline, **said, items=items)
    return replace(one, fingerprint=_fingerprint(one, lambda number: f"{number.normalize():f}"))


def _fingerprint(said: Subscription, written: Callable[[Decimal], str]) -> str:
    """Of all that a subscription says; `written` writes its numbers."""
    plan = None if said.plan is None else [said.plan.name] if said.inline is None else plan_content(said.inline)
    values = ((field, getattr(said, field)) for field in _OPTIONAL)
    fields: list[tuple[str, Any]] = [
        (field, value if value is None else written(value) if isinstance(value, Decimal) else str(value))
        for field, value in values
        if value is not UNCHANGED
    ]
    if said.items:
        fields.append(("items", [(item, _item_words(words, written)) for item, words in said.items]))
    return blake2b(orjson.dumps((plan, said.start, sorted(fields))), digest_size=12).hexdigest()


def _item_words(said: ItemSaid, written: Callable[[Decimal], str]) -> object:
    return [written(said.price), said.quantity] if isinstance(said, Item) else said


def _repeating(said: Subscription, account: Account) -> Subscription:
    """A negotiated plan in the words of the one in force is that plan: no new segment, no second allowance."""
    current = in_force(account.history, said.start)
    if said.inline is None or current is None or current.plan is None or not current.plan.inline:
        return said
    known = inline_plan(account.history, current.plan.name)
    return replace(said, plan=current.plan, inline=None) if said.inline.same_terms(known) else said


_OPTIONAL = ("time_zone", "billing_day", "spend_cap", "guaranteed_connect_rate")


def _again(known: Subscription, said: Subscription) -> Decision | Rejected:
    """Equal content is a repetition, however its numbers are written (500.0, 500.00).

    Rows of format 3 have fingerprints of numbers as they were written.
    """
    if known.fingerprint in {said.fingerprint, _fingerprint(said, str)}:
        return Decision(DUPLICATE)
    return Rejected("conflict", "a subscription with this subscription_id but other content was applied before")


def _calls(scope: RecordScope, key: AccountKey, period: PeriodName, classes: Classes) -> Iterator[Dated]:
    for row in scope.calls_of(usage_key(key, period)):
        dated = dated_call(row, classes)
        if dated is not None:
            yield dated


def _begin(
    scope: RecordScope, record: Record, before: Account, amendment: Amended, said: Subscription, ledger: Ledger
) -> Begun | TooFar:
    """The subscription shows that its own period has begun, unless it is dated ahead of its record.

    Fees that were charged before are looked at again, for they may have changed.
    """
    ahead = scope.check_timestamps and said.start > recorded_at(record)
    # A plan that is yet to come has moved `next_fee`, and no fee before it was looked at: periods with charges were.
    ends = [known.end for known in before.periods]
    charged = (
        _shown_by_calls(before, ledger) if before.next_fee is None else min(before.next_fee, max(ends, default=0)) - 1
    )
    shown = charged if ahead else max(charged, said.start)
    changed = {usage.period: usage for usage in amendment.usages}

    def usage_of(period: PeriodName) -> Usage | None:
        return changed.get(period) or ledger.usage_of(period)

    return charge_due_fees(amendment.account, shown, ledger._replace(usage_of=usage_of), Before(before, ledger))


def _shown_by_calls(account: Account, ledger: Ledger) -> Instant:
    """The start of the newest period in which calls were charged under the default plan; -1 without any."""
    usages = (ledger.usage_of(known.name) for known in account.periods)
    return max((usage.start for usage in usages if usage is not None), default=-1)


def _applied(
    scope: RecordScope, record: Record, key: AccountKey, amendment: Amended, begun: Begun, tariffs: Tariffs
) -> Decision:
    usages = tuple((USAGE, usage_key(key, usage.period), usage) for usage in amendment.usages)
    fees: tuple[Charged, ...] = begun.fees
    changes = (*usages, *usage_changes(key, fees), (ACCOUNTS, key, begun.account))
    currency = tariffs.book.currency
    cause = Cause(subscription_id=begun.account.history[-1].id)
    adjusted = (charge(scope, record, key, change, currency, cause) for change in amendment.adjustments)
    outputs = (*adjusted, *(charge(scope, record, key, fee, currency) for fee in fees))
    return Decision(APPLIED, changes, outputs, grows=True)
