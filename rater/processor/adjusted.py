"""What becomes of an `account-adjusted` (rating.md, "Subscriptions").

The checks, in this order: no-tariff-book, unknown-account, duplicate or conflict, wrong-shape (more decimal places than
the currency has), then those of a period that it begins.
"""

from __future__ import annotations

from hashlib import blake2b

import orjson

from rater.processor.decision import APPLIED, DUPLICATE, Decision, RecordScope, Rejected
from rater.processor.opening import Opened, begin_period, usage_changes
from rater.processor.outputs import Cause, charge
from rater.processor.rows import (
    ACCOUNTS,
    ADJUSTMENTS,
    adjustment_key,
    usage_key,
)
from rater.rating.account import Account, PostedAdjustment
from rater.rating.calendar import period_at
from rater.rating.catalog import Tariffs
from rater.rating.charging import opened, plan_of_segment, with_period
from rater.rating.corrections import adjust, under_the_last_plan
from rater.rating.money import rounded
from rater.rating.names import AccountKey
from rater.rating.usage import Usage
from rater.seam.model import Record
from rater.wire.events import AccountAdjusted


def on_adjusted(
    scope: RecordScope, record: Record, event: AccountAdjusted, key: AccountKey, account: Account | None
) -> Decision | Rejected:
    """Post an amount by hand in the account's oldest open period."""
    tariffs = scope.tariffs
    if tariffs is None:
        return Rejected("no-tariff-book", "no tariff book is published yet")
    if account is None:
        return Rejected("unknown-account", "the account has no subscription and no calls")
    content = orjson.dumps([str(event.amount.normalize()), event.reason])
    fingerprint = blake2b(content, digest_size=12).hexdigest()
    identity = adjustment_key(key, event.adjustment_id)
    earlier: PostedAdjustment | None = scope.adjustments(identity) or next(
        (known for known in account.adjustments if known.id == event.adjustment_id), None
    )
    if earlier is not None:
        return _again(earlier, fingerprint)
    amount = rounded(event.amount, tariffs.book.precision)
    if amount != event.amount:
        return Rejected("wrong-shape", f"amount: more than {tariffs.book.precision} decimal places")
    ready = _oldest(scope, tariffs, key, account)
    if isinstance(ready, Rejected):
        return ready
    plan = plan_of_segment(ready.account, ready.usage.segments[ready.segment], scope.plan)
    adjusted = adjust(plan, ready.usage, ready.segment, amount)
    posted = PostedAdjustment(event.adjustment_id, fingerprint, adjusted.usage.period)
    after = with_period(ready.account, adjusted.usage)
    changes = (
        *usage_changes(key, (*ready.fees, adjusted)),
        (ADJUSTMENTS, identity, posted),
        (ACCOUNTS, key, after),
    )
    cause = Cause(adjustment_id=event.adjustment_id, reason=event.reason)
    fees = (charge(scope, record, key, fee, tariffs.book.currency) for fee in ready.fees)
    output = charge(scope, record, key, adjusted, tariffs.book.currency, cause)
    return Decision(APPLIED, changes, (*fees, output), grows=True)


def _again(earlier: PostedAdjustment, fingerprint: str) -> Decision | Rejected:
    if earlier.fingerprint == fingerprint:
        return Decision(DUPLICATE)
    return Rejected("conflict", "an adjustment with this adjustment_id but other content was applied before")


def _oldest(scope: RecordScope, tariffs: Tariffs, key: AccountKey, account: Account) -> Opened | Rejected:
    """The oldest open period with charges; where there is none, the first open one of the account's subscriptions."""
    if account.periods:
        place = usage_key(key, account.periods[0].name)
        usage: Usage = scope.usages(place)
        return Opened(account, (), usage, place, len(usage.segments) - 1)
    starts = [said.start for said in account.history]
    start = max(scope.clock.closed, min(starts, default=scope.clock.closed))
    period = period_at(account.calendar, start)
    ledger, place = scope.ledger(key, tariffs), usage_key(key, period.name)
    ready = begin_period(ledger, account, period, start, place)
    if isinstance(ready, Rejected) and ready.reason == "account-ended":
        usage = opened(account, period, ledger)
        if usage.segments:  # it comes back later in this period, whose segments must stay what they are
            return Opened(account, (), usage, place, len(usage.segments) - 1)
        ended = under_the_last_plan(account, period, start, ledger)
        return ready if ended is None else Opened(account, (), ended, place, 0)
    return ready
