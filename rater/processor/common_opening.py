"""What common calls open (`rater.processor.common_call`): an account that is new, a period of one that is known.

Only what opens without a charge of its own is opened here. Where a fee is due, or a call is late, or another
partition's, the general rules decide.
"""

from __future__ import annotations

from typing import NamedTuple

from rater.processor.decision import RecordScope
from rater.rating.account import Account
from rater.rating.calendar import Calendar, Period
from rater.rating.catalog import Tariffs
from rater.rating.charging import newcomer, opened, with_period
from rater.rating.instant import length
from rater.rating.lifecycle import due
from rater.rating.names import AccountKey
from rater.rating.usage import Usage
from rater.seam.partitions import partition_of
from rater.wire.call_codec import is_account


class Opening(NamedTuple):
    """The account with one more period, and that period's usage before its first call."""

    account: Account
    row: Usage


class Openings:
    """The openings of one span of time and tariffs: accounts without a history open a period alike."""

    __slots__ = ("_new", "_rows")

    def __init__(self) -> None:
        self._new: dict[Period, Opening] = {}
        self._rows: dict[tuple[Calendar, Period], Usage] = {}

    def opening(
        self, scope: RecordScope, tariffs: Tariffs, key: AccountKey, account: Account | None, period: Period
    ) -> Opening | None:
        """The opening of a period of which there is no usage; None where the general rules decide.

        `account` None: nothing is kept of it.
        """
        if account is not None:
            return self._opening(scope, tariffs, key, account, period)
        if is_account(key) is None or partition_of(key, scope.partitions) != scope.partition:
            return None
        found = self._new.get(period)
        if found is None:
            found = self._opening(scope, tariffs, key, newcomer(tariffs, scope.clock.forgotten), period)
            if found is not None:
                self._new[period] = found
        return found

    def _opening(
        self, scope: RecordScope, tariffs: Tariffs, key: AccountKey, account: Account, period: Period
    ) -> Opening | None:
        if period.end <= scope.clock.closed:
            return None
        row = self._row(scope, tariffs, key, account, period)
        after = with_period(account, row)
        at = due(after, length(tariffs.book.close_after), length(tariffs.book.remember))
        soonest = scope.state.due
        if at is not None and (soonest is None or at < soonest):
            return None  # the partition has to note it
        return Opening(after, row)

    def _row(self, scope: RecordScope, tariffs: Tariffs, key: AccountKey, account: Account, period: Period) -> Usage:
        """The usage before its first call."""
        if account.history:
            return opened(account, period, scope.ledger(key, tariffs))
        place = (account.calendar, period)
        row = self._rows.get(place)
        if row is None:
            row = self._rows[place] = opened(account, period, scope.ledger(key, tariffs))
        return row
