"""What falls due for an account (rating.md, "Periods", "Fees", "Time's work has an order").

It is done in the order (instant, account), up to the row changes that a tick says; `State.due` tells whether work is
left, and then the worker sends another tick soon. An account's own event first does what is due for it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from heapq import heapify, heappop, heappush

from rater.processor.decision import APPLIED, DUPLICATE, Change, Decision, Done, RecordScope, Rejected, State
from rater.processor.outputs import charge, closed_words, period_closed
from rater.processor.reach_back import LOOKS_PER_CHANGE, Turn, reached
from rater.processor.reach_back import waiting as waiting_for_a_book
from rater.processor.rows import ACCOUNTS, ADJUSTMENTS, CALLS, USAGE, usage_key
from rater.processor.watch import look, raise_alerts, spend_of
from rater.processor.watch_outputs import forgotten
from rater.rating.account import Account, PeriodRef
from rater.rating.catalog import Tariffs
from rater.rating.charging import Charged
from rater.rating.instant import DAY, Instant, length
from rater.rating.lifecycle import MAX_EVENTS, Clock, due, forgettable, forgetting, is_empty, live
from rater.rating.names import AccountKey
from rater.rating.usage import Usage
from rater.seam.model import Output, Record

Work = tuple[Instant, AccountKey, Account]
"""When something of an account falls due, its key, and the account."""


def work_left(state: State) -> bool:
    """Whether the last tick left something that is due.

    What a call makes due (the look at the days of a period that it opens) can wait for the next tick of the clock.
    """
    return state.left


def after(scope: RecordScope, decision: Decision) -> State:
    """The partition's state after a decision: an account whose row changed may have work sooner than all others."""
    state = scope.state if decision.state is None else decision.state
    if scope.tariffs is None or not decision.grows:
        return state
    coming = (_due(row, scope.tariffs) for table, _, row in decision.changes if table == ACCOUNTS and row is not None)
    soonest = [at for at in (state.due, *coming) if at is not None]
    return state._replace(due=min(soonest, default=None))


def first_live(
    scope: RecordScope,
    record: Record,
    key: AccountKey,
    account: Account,
    act: Callable[[RecordScope, Account], Decision | Rejected],
) -> Decision | Rejected:
    """What books that reach back change for the account, what has fallen due for it, then what its event does; nothing,
    if the event does nothing."""
    assert scope.tariffs is not None  # noqa: S101 - an account was known, so there is a book
    done = _lived_as_known(scope, scope.clock, record, key, account, scope.tariffs)
    if scope.clock.past(done.account):
        return Rejected("too-far", f"more than {MAX_EVENTS} fees and closings of the account are due at once")
    found = act(_later(scope, done.changes), done.account)
    if isinstance(found, Rejected) or found.outcome == DUPLICATE:
        return found
    changes = (*done.changes, (ACCOUNTS, key, done.account), *found.changes)
    return found._replace(changes=changes, outputs=(*done.outputs, *found.outputs), grows=True)


def _due(account: Account, tariffs: Tariffs) -> Instant | None:
    return due(account, length(tariffs.book.close_after), length(tariffs.book.remember))


def work(scope: RecordScope, record: Record, tariffs: Tariffs, most: int) -> Decision:
    """Do what is due in its order, until that makes as many row changes as it may."""
    waiting, later = _agenda(scope, tariffs)
    heapify(waiting)
    changes: list[Change] = []
    outputs: list[Output] = []
    usages: dict[bytes, Usage | None] = {}
    changing = replace(scope, usages=lambda key: usages[key] if key in usages else scope.usages(key))
    while waiting and len(changes) < most:
        at, key, account = heappop(waiting)
        then = _then(scope.clock, at, tariffs)
        done = _lived_as_known(changing, then, record, key, account, tariffs)
        if done.account.next_look is not None and done.account.next_look <= at:
            done = _looked(changing, record, key, done, tariffs)
        forgot, over, after_all = _forgotten(scope, record, then, key, done.account, most - len(changes))
        changes += (*done.changes, *forgot, (ACCOUNTS, key, None if is_empty(after_all) else after_all))
        usages |= {place: row for table, place, row in done.changes if table == USAGE}
        outputs += (*done.outputs, *over)
        coming = _due(after_all, tariffs)
        if coming is not None:
            heappush(waiting, (coming, key, after_all)) if coming <= scope.clock.now else later.append(coming)
    later += [at for at, _, _ in waiting]
    state = scope.state._replace(due=min(later, default=None), left=bool(waiting))
    if not waiting and len(changes) < most and waiting_for_a_book(state, tariffs):
        turn = Turn(state, tariffs)
        accounts = {key: row for table, key, row in changes if table == ACCOUNTS}
        turn.take(changing, record, accounts, most - len(changes), LOOKS_PER_CHANGE * most)
        changes += turn.changes
        outputs += turn.outputs
        changed = (_due(row, tariffs) for table, _, row in turn.changes if table == ACCOUNTS and row is not None)
        soonest = [at for at in (state.due, *changed) if at is not None]
        state = turn.state._replace(due=min(soonest, default=None))
    left = bool(waiting) or waiting_for_a_book(state, tariffs)
    return Decision(APPLIED, tuple(changes), tuple(outputs), state=state._replace(left=left))


def _agenda(scope: RecordScope, tariffs: Tariffs) -> tuple[list[Work], list[Instant]]:
    """What is due now, and the instants of all that comes later."""
    waiting: list[Work] = []
    later: list[Instant] = []
    close_after, remember, now = length(tariffs.book.close_after), length(tariffs.book.remember), scope.clock.now
    for key, account in scope.everyone():
        at = due(account, close_after, remember)
        if at is not None:
            waiting.append((at, key, account)) if at <= now else later.append(at)
    return waiting, later


def _then(clock: Clock, at: Instant, tariffs: Tariffs) -> Clock:
    """The clock at the instant at which work fell due."""
    closed = min(clock.closed, at - length(tariffs.book.close_after))
    return Clock(min(clock.now, at), closed, min(clock.forgotten, closed - length(tariffs.book.remember)))


def _lived_as_known(
    scope: RecordScope, clock: Clock, record: Record, key: AccountKey, account: Account, tariffs: Tariffs
) -> Done:
    """What fell due for an account, to which books that reach back are applied first."""
    books = scope.pending(key, account)
    if not books:
        return _lived(scope, clock, record, key, account, tariffs)
    first = reached(scope, record, key, account, tariffs, books)
    then = _lived(_later(scope, first.changes), clock, record, key, first.account, tariffs)
    return Done(then.account, (*first.changes, *then.changes), (*first.outputs, *then.outputs))


def _lived(
    scope: RecordScope, clock: Clock, record: Record, key: AccountKey, account: Account, tariffs: Tariffs
) -> Done:
    lived = live(account, clock, scope.ledger(key, tariffs))
    currency = tariffs.book.currency
    changes: list[Change] = []
    outputs: list[Output] = []
    charged: dict[bytes, Usage] = {}
    for event in lived.events:
        place = usage_key(key, event.usage.period)
        if isinstance(event, Charged):
            charged[place] = event.usage
            changes.append((USAGE, place, event.usage))
            outputs.append(charge(scope, record, key, event, currency))
        else:
            last = charged.pop(place, None)
            if last is not None:
                outputs += raise_alerts(scope, record, key, lived.account, {place: last}, clock.now)[1]
            changes.append((USAGE, place, None))
            words = closed_words(event, tariffs)
            outputs.append(period_closed(scope, record, key, words))
            if scope.spend:  # the last of this period: the row that a later batch would tell of is gone
                outputs.append(spend_of(scope, record, key, lived.account, event.usage, tariffs, closed=True))
    remembered, alerts = raise_alerts(scope, record, key, lived.account, charged, clock.now)
    after = _kept(scope, key, lived.account, len(account.closed), length(tariffs.book.close_after))
    return Done(after, (*changes, *remembered), (*outputs, *alerts))


def _kept(scope: RecordScope, key: AccountKey, account: Account, before: int, close_after: int) -> Account:
    """The account, of whose closed periods all behind the first `before` just closed; those with credits are kept.

    Without ticks a period stays open long after it should have closed. A credit that was posted meanwhile must be known
    again for as long as any other, so it counts from the tick that closes the period. What calls were charged is known
    by their instants.
    """

    def kept(known: PeriodRef) -> PeriodRef:
        late = scope.clock.now - close_after - known.end
        if late <= DAY or not scope.identities(ADJUSTMENTS, usage_key(key, known.name), 1):
            return known  # within a day is the work of a large partition
        return known._replace(kept=scope.clock.now - close_after)

    if len(account.closed) == before:
        return account
    return replace(account, closed=(*account.closed[:before], *map(kept, account.closed[before:])))


def _looked(scope: RecordScope, record: Record, key: AccountKey, done: Done, tariffs: Tariffs) -> Done:
    """What was done for an account, and a look at its days that are over."""
    account, changes, outputs = look(_later(scope, done.changes), record, key, done.account, tariffs)
    return Done(account, (*done.changes, *changes), (*done.outputs, *outputs))


def _forgotten(
    scope: RecordScope, record: Record, clock: Clock, key: AccountKey, account: Account, room: int
) -> tuple[tuple[Change, ...], tuple[Output, ...], Account]:
    """Identities that are forgotten, as many as there is room for, and the account afterwards."""
    gone = forgettable(account, clock)
    if not gone:
        return (), (), account
    changes: list[Change] = []
    for period in sorted(gone):
        for table in (CALLS, ADJUSTMENTS):
            left = room - len(changes)
            keys = scope.identities(table, usage_key(key, period), left + 1)
            changes += ((table, identity, None) for identity in keys[:left])
            if len(keys) > left:
                return tuple(changes), (), account
    over = tuple(forgotten(scope, record, key, period) for period in sorted(gone)) if scope.spend else ()
    return tuple(changes), over, forgetting(account, gone)


def _later(scope: RecordScope, changes: tuple[Change, ...]) -> RecordScope:
    """The scope as these changes leave it."""
    usages = {key: row for table, key, row in changes if table == USAGE}
    return replace(scope, usages=lambda key: usages[key] if key in usages else scope.usages(key))
