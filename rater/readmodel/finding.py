"""What people look for: an account, a call or a charge, by its id; and a charge with all that belongs to it."""

from __future__ import annotations

from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection, select

from rater.readmodel import tables
from rater.readmodel.queries import accounts, charge
from rater.readmodel.views import AccountView

MOST = 20
"""Accounts and charges that are listed."""

charges = tables.charges.c


class IdMatches(NamedTuple):
    """What an id may mean."""

    accounts: list[AccountView]
    """Whose id has it somewhere."""
    charges: list[dict[str, Any]]
    """The one of that id, or those of calls of that id."""

    @property
    def address(self) -> str | None:
        """Where it surely leads; None where several things are meant."""
        match self.accounts, self.charges:
            case [], [one]:
                return f"/charge/{one['charge_id']}"
            case [one], []:
                return f"/account/{one.account}"
        return None


class ChargeFile(NamedTuple):
    """A charge and what belongs to it."""

    charge: dict[str, Any]
    same_call: list[dict[str, Any]]
    """Other charges of its call: the reversal of a void, what was voided."""


def find(connection: Connection, said: str) -> IdMatches:
    """Everything that has this id, or an id with it inside."""
    if not said:
        return IdMatches([], [])
    one = charge(connection, said)
    listed = [one] if one is not None else _of_call(connection, said)
    exact = [row for row in accounts(connection, said, limit=MOST) if row.account == said]
    return IdMatches(exact or accounts(connection, said, limit=MOST), listed)


def charge_file(connection: Connection, charge_id: str) -> ChargeFile | None:
    """A charge with what belongs to it; None where there is none of that id."""
    found = charge(connection, charge_id)
    if found is None:
        return None
    call = found.get("call")
    same = [] if call is None else _of_call(connection, call["call_id"], found["account"], call["source"])
    return ChargeFile(found, [one for one in same if one["charge_id"] != charge_id])


def _of_call(
    connection: Connection, call_id: str, account: str | None = None, source: str | None = None
) -> list[dict[str, Any]]:
    found = select(charges.body).where(charges.call_id == call_id)
    if account is not None:
        found = found.where(charges.account == account)
    rows = connection.execute(found.order_by(charges.account, charges.period, charges.seq).limit(MOST))
    bodies = [orjson.loads(row.body) for row in rows]
    return [one for one in bodies if source in {None, one["call"]["source"]}]
