"""Books that reach back, applied account by account (rating.md, "Books that reach back").

An account's own next record applies them first; to the others ticks do, in the order of their ids as bytes, within
what one tick may change and look at. Each book is applied by itself with the tariffs of its own place in the log, so it
does not matter who does it, and when.
"""

from __future__ import annotations

from dataclasses import replace
from heapq import nsmallest

from rater.processor.decision import Change, Done, RecordScope, State
from rater.processor.outputs import Cause, charge
from rater.processor.rows import ACCOUNTS, USAGE, usage_key
from rater.processor.watch import raise_alerts
from rater.rating.account import Account
from rater.rating.catalog import Reach, Tariffs
from rater.rating.names import AccountKey
from rater.rating.reach_back import marked, reach_back
from rater.rating.usage import Usage
from rater.seam.model import Output, Record

LOOKS_PER_CHANGE = 4
"""Accounts that a tick looks at for each row change that it may make: one that the book does not touch costs little."""


def reached(
    scope: RecordScope, record: Record, key: AccountKey, account: Account, tariffs: Tariffs, books: tuple[Reach, ...]
) -> Done:
    """Apply books to an account, one after the other; it remembers the last one."""
    usages: dict[bytes, Usage] = {}
    outputs: list[Output] = []
    ours = later(scope, usages)
    for book in books:
        done = reach_back(account, book, ours.ledger(key, tariffs.as_of(book)))
        account = done.account
        changed: dict[bytes, Usage] = {usage_key(key, usage.period): usage for usage in done.usages}
        usages |= changed
        cause = Cause(book=book.book)
        outputs += (charge(scope, record, key, one, tariffs.book.currency, cause) for one in done.charges)
        remembered, alerts = raise_alerts(scope, record, key, account, changed, scope.now(record))
        usages |= {place: row for _, place, row in remembered if row is not None}
        outputs += alerts
    changes: tuple[Change, ...] = tuple((USAGE, place, usage) for place, usage in usages.items())
    return Done(marked(account, books[-1].book), changes, tuple(outputs))


def later(scope: RecordScope, usages: dict[bytes, Usage]) -> RecordScope:
    """The scope as these usages leave it; more may be added."""
    return replace(scope, usages=lambda key: usages[key] if key in usages else scope.usages(key))


def waiting(state: State, tariffs: Tariffs | None) -> bool:
    """Whether accounts are left to which a book that reaches back was not applied."""
    return tariffs is not None and tariffs.last_reach > state.reached


class Turn:
    """What a tick does of it: the accounts whose turn it is, from the one after the last on."""

    def __init__(self, state: State, tariffs: Tariffs) -> None:
        self.tariffs = tariffs
        self.state = state if state.reaching else state._replace(reaching=tariffs.last_reach)
        self.changes: list[Change] = []
        self.outputs: list[Output] = []

    def take(
        self, scope: RecordScope, record: Record, accounts: dict[bytes, Account | None], most: int, looks: int
    ) -> None:
        """Go on until that makes `most` row changes; `accounts` are those that the tick has changed."""
        after = self.state.reached_account.encode()
        keys = nsmallest(looks + 1, (key for key, _ in scope.everyone() if key > after))
        for key in keys[:looks]:
            account = accounts[key] if key in accounts else scope.accounts(key)
            if len(self.changes) >= most:
                return
            if account is not None:
                self._one(scope, record, key, account)
            self.state = self.state._replace(reached_account=key.decode())
        if len(keys) <= looks:
            self.state = self.state._replace(reached=self.state.reaching, reaching=0, reached_account="")

    def _one(self, scope: RecordScope, record: Record, key: AccountKey, account: Account) -> None:
        books = tuple(one for one in scope.pending(key, account) if one.book <= self.state.reaching)
        if not books:
            return
        done = reached(scope, record, key, account, self.tariffs, books)
        if done.changes:
            self.changes += (*done.changes, (ACCOUNTS, key, done.account))
            self.outputs += done.outputs
