"""Connect rates by class of call: from what the charges told, less the calls that were voided."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, case, func, select

from rater.rating.units import OTHER
from rater.readmodel import tables
from rater.readmodel.queries import connect_rate
from rater.readmodel.tariffs import band_of
from rater.readmodel.views import ConnectRate


def rates_by_class(connection: Connection, account: str) -> Mapping[tuple[str, str], ConnectRate]:
    """(Period, class) to the rate of the account's outbound calls, the newest period first, then by class."""
    charges = tables.charges.c
    sign = case((charges.kind == "reversal", -1), else_=1)
    attempts = func.sum(sign).label("attempts")
    connected = func.sum(case((charges.connected, sign), else_=0)).label("connected")
    group = (charges.period, charges.call_class)
    found = (
        select(*group, attempts, connected)
        .where(charges.account == account, charges.at.is_not(None), charges.direction == "outbound")
        .group_by(*group)
    )
    band = band_of(connection)
    rows = [
        (row.period, row.call_class or OTHER, int(row.connected), int(row.attempts))
        for row in connection.execute(found)
    ]
    rows.sort(key=lambda row: row[1])
    rows.sort(key=lambda row: row[0], reverse=True)
    return {(name, of): connect_rate(good, all_, band, None) for name, of, good, all_ in rows if all_}
