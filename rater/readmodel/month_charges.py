"""The charges of a month over all accounts, a page at a time: a month may have millions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection, Select, func, select, tuple_
from sqlalchemy.sql.elements import ColumnElement

from rater.rating.instant import Instant
from rater.readmodel import tables
from rater.readmodel.months import names_in

AT_ONCE = 2000
"""Charges that are read at once."""
PERIODS_AT_ONCE = 500

ChargeCursor = tuple[str, str, int]
"""(account, period, number) of a charge."""

charges, periods = tables.charges.c, tables.periods.c


class WantedCharges(NamedTuple):
    """Which charges of the periods that begin in a month, or of the one with that very name."""

    period: str
    kind: str | None = None
    since: Instant | None = None
    """Of the call's start; what is no call has none, and is left out."""
    until: Instant | None = None
    late: bool | None = None
    connected: bool | None = None
    account: str | None = None
    label: tuple[str, str] | None = None
    """A label of the call, and its text."""


class FoundCharge(NamedTuple):
    """A charge's place in the order, and its message."""

    at: ChargeCursor
    body: str


def month_charges(
    connection: Connection, wanted: WantedCharges, after: ChargeCursor | None = None
) -> Iterator[FoundCharge]:
    """The wanted charges by account, period and number, from behind `after` on."""
    for account, period in _periods(connection, wanted, after):
        last = after[2] if after is not None and after[:2] == (account, period) else 0
        while rows := connection.execute(_page(connection, wanted, account, period, last)).all():
            for row in rows:
                yield FoundCharge((account, period, row.seq), row.body)
            last = rows[-1].seq
            if len(rows) < AT_ONCE:
                break


def _periods(connection: Connection, wanted: WantedCharges, after: ChargeCursor | None) -> Iterator[tuple[str, str]]:
    names = names_in(wanted.period) if len(wanted.period) == len("2026-10") else [wanted.period]
    of_month = select(periods.account, periods.period).where(periods.period.in_(names), periods.seq > 0)
    if wanted.account is not None:
        of_month = of_month.where(periods.account == wanted.account)
    of_month = of_month.order_by(periods.account, periods.period).limit(PERIODS_AT_ONCE)
    if after is not None:
        yield from [(after[0], after[1])] if wanted.account in {None, after[0]} and after[1] in names else []
    last = None if after is None else after[:2]
    while True:
        at = tuple_(periods.account, periods.period)
        found = connection.execute(of_month if last is None else of_month.where(at > tuple_(*last))).all()
        for row in found:
            yield row.account, row.period
        if len(found) < PERIODS_AT_ONCE:
            return
        last = (found[-1].account, found[-1].period)


def _page(connection: Connection, wanted: WantedCharges, account: str, period: str, last: int) -> Select[Any]:
    found = select(charges.seq, charges.body).where(
        charges.account == account, charges.period == period, charges.seq > last, *_conditions(connection, wanted)
    )
    return found.order_by(charges.seq).limit(AT_ONCE)


def _conditions(connection: Connection, wanted: WantedCharges) -> Iterator[ColumnElement[bool]]:
    if wanted.kind is not None:
        yield charges.kind == wanted.kind
    if wanted.since is not None:
        yield charges.at >= wanted.since
    if wanted.until is not None:
        yield charges.at < wanted.until
    if wanted.late is not None:
        yield charges.late.is_(wanted.late)
    if wanted.connected is not None:
        yield charges.connected.is_(wanted.connected)
    if wanted.label is not None:
        name, text = wanted.label
        # A quotation mark within a JSON text is escaped, so this can only be a member of the object.
        pair = orjson.dumps({name: text}).decode().removeprefix("{").removesuffix("}")
        position = func.instr if connection.dialect.name == "sqlite" else func.strpos
        yield position(charges.labels, pair) > 0
