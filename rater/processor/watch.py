"""What is published for people beside the charges: alerts, each once, and the latest spend of each period.

An alert is published in the transaction of the event that raises it, and the usage row remembers it. Spend is published
once a batch for each usage that changed: its last value depends on the log alone, its number of messages does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial

from rater.processor.decision import Change, Decision, RecordScope
from rater.processor.rows import ACCOUNTS, SEPARATOR, USAGE, usage_key
from rater.processor.watch_outputs import alert, spend
from rater.rating.account import Account
from rater.rating.alerts import Alert, daily_alerts, usage_alerts
from rater.rating.calendar import midnight_after, midnight_before
from rater.rating.catalog import Tariffs
from rater.rating.charging import plan_of_segment
from rater.rating.fees import owed
from rater.rating.forecast import PlanOfSegment, forecast, looked
from rater.rating.instant import Instant
from rater.rating.names import AccountKey
from rater.rating.usage import Usage
from rater.seam.model import Changes, Output, Record


def plans_of(scope: RecordScope, account: Account) -> PlanOfSegment:
    """Finds the plan that rates a segment of the account."""
    return lambda segment: plan_of_segment(account, segment, scope.plan)


def watched(
    scope: RecordScope, record: Record, key: AccountKey, account: Account | None, decision: Decision, at: Instant
) -> Decision:
    """The decision on an event, with the alerts that its usages show; `at` is the event's instant.

    `account` is what was kept of the account before the decision.
    """
    usages = {place: row for table, place, row in decision.changes if table == USAGE and row is not None}
    if not usages or scope.tariffs is None:
        return decision
    for table, _, row in decision.changes:
        if table == ACCOUNTS:
            account = row
    if account is None:
        return decision
    changes, outputs = raise_alerts(scope, record, key, account, usages, at)
    if not outputs:
        return decision
    return decision._replace(changes=(*decision.changes, *changes), outputs=(*decision.outputs, *outputs))


def raise_alerts(
    scope: RecordScope, record: Record, key: AccountKey, account: Account, usages: Mapping[bytes, Usage], at: Instant
) -> tuple[list[Change], list[Output]]:
    """The alerts that these usages show, and the rows that remember them."""
    changes: list[Change] = []
    outputs: list[Output] = []
    plan_of = plans_of(scope, account)
    for place, usage in usages.items():
        found = once(usage_alerts(account, usage, plan_of, at))
        if found:
            changes.append((USAGE, place, remembering(usage, found)))
            shown = max(at, usage.start)  # bare events have no timestamps
            outputs += (alert(scope, record, key, usage, one, shown) for one in found)
    return changes, outputs


def once(alerts: Iterable[Alert]) -> tuple[Alert, ...]:
    """Each mark once: two segments of a period may reach the same at the same event, which tells of the later."""
    return tuple({one.mark: one for one in alerts}.values())


def remembering(usage: Usage, alerts: Iterable[Alert]) -> Usage:
    """The usage when these were raised."""
    return usage._replace(alerts=(*usage.alerts, *(one.mark for one in alerts)))


def look(
    scope: RecordScope, record: Record, key: AccountKey, account: Account, tariffs: Tariffs
) -> tuple[Account, list[Change], list[Output]]:
    """Look at the account's local days that are over by the tick: count them, and judge by them."""
    now = scope.clock.now
    midnight = midnight_before(account.calendar, now)
    changes: list[Change] = []
    outputs: list[Output] = []
    for known in account.periods:
        place = usage_key(key, known.name)
        usage: Usage = scope.usages(place)
        at = min(midnight, usage.end)
        seen = looked(usage, account.calendar, at)
        if seen is usage:
            continue
        owes = partial(owed, account, seen, scope.ledger(key, tariffs))
        expected = forecast(seen, account.calendar, plans_of(scope, account), owes, tariffs.book.precision)
        found = tuple(daily_alerts(account, seen, expected, at))
        changes.append((USAGE, place, remembering(seen, found) if found else seen))
        outputs += (alert(scope, record, key, seen, one, now) for one in found)
    goes_on = any(known.end > midnight for known in account.periods)
    return account.looking(midnight_after(account.calendar, now) if goes_on else None), changes, outputs


def spend_of(
    scope: RecordScope,
    record: Record,
    key: AccountKey,
    account: Account,
    usage: Usage,
    tariffs: Tariffs,
    *,
    closed: bool = False,
) -> Output:
    """The latest state of a period; `closed`, its last."""
    plan_of = plans_of(scope, account)
    owes = partial(owed, account, usage, scope.ledger(key, tariffs))
    expected = forecast(usage, account.calendar, plan_of, owes, tariffs.book.precision, settled=closed)
    return spend(scope, record, key, account, usage, plan_of, expected, tariffs.book)


def spends_of(scope: RecordScope, record: Record, changes: Changes) -> Iterator[Output]:
    """The spend of each open period that a batch changed, or whose account it changed.

    What it deleted was published when the period closed. So a key's last value depends on the log alone.
    """
    if scope.tariffs is None:
        return
    places = dict.fromkeys(changes[USAGE])
    for key, account in changes[ACCOUNTS].items():
        if account is not None:
            places |= dict.fromkeys(usage_key(AccountKey(key), known.name) for known in account.periods)
    for place in places:
        usage: Usage | None = scope.usages(place)
        if usage is not None:
            key = AccountKey(place[: place.index(SEPARATOR)])
            yield spend_of(scope, record, key, scope.accounts(key), usage, scope.tariffs)
