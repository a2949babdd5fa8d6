"""Connect rates by class of call or by a label: from what the charges told, less the calls that were voided."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import orjson
from sqlalchemy import Connection, and_, case, func, select

from rater.rating.units import OTHER
from rater.readmodel import tables
from rater.readmodel.queries import connect_rate
from rater.readmodel.tariffs import band_of
from rater.readmodel.views import ConnectRate

BY_CLASS = "class"
UNLABELLED = ""
"""Calls without the label."""

PartRates = Mapping[tuple[str, str], ConnectRate]
"""(Period, class or text of the label) to the rate of the outbound calls, the newest period first."""

_Counts = dict[tuple[str, str], list[int]]
"""Attempts, and of these the connected ones."""


def rates_by(connection: Connection, account: str, by: str) -> PartRates:
    """The account's connect rates by class (`BY_CLASS`), or by the label of that name."""
    counts = _by_class(connection, account) if by == BY_CLASS else _by_label(connection, account, by)
    band = band_of(connection)
    rows = sorted(counts.items(), key=lambda one: one[0][1])
    rows.sort(key=lambda one: one[0][0], reverse=True)
    return {place: connect_rate(good, all_, band, None) for place, (all_, good) in rows if all_}


def by_period(rates: PartRates) -> dict[str, dict[str, ConnectRate]]:
    """The rates of each period, by class or text."""
    found: dict[str, dict[str, ConnectRate]] = {}
    for (period, part), rate in rates.items():
        found.setdefault(period, {})[part] = rate
    return found


def _by_class(connection: Connection, account: str) -> _Counts:
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
    rows = connection.execute(found)
    return {(row.period, row.call_class or OTHER): [int(row.attempts), int(row.connected)] for row in rows}


def _by_label(connection: Connection, account: str, label: str) -> _Counts:
    """A reversal does not repeat labels, so what it takes back is looked up by the call."""
    counts: _Counts = defaultdict(lambda: [0, 0])
    used, back = tables.charges.alias().c, tables.charges.alias().c
    same = and_(back.account == used.account, back.call_id == used.call_id, back.at == used.at, back.kind == "reversal")
    ours = and_(used.account == account, used.kind == "usage", used.direction == "outbound")
    group = (used.period, used.labels, used.connected)
    charged = select(*group, func.count().label("times")).where(ours).group_by(*group)
    voided = select(*group, func.count().label("times")).where(ours, same).group_by(*group)
    for sign, found in ((1, charged), (-1, voided)):
        for row in connection.execute(found):
            text = UNLABELLED if row.labels is None else orjson.loads(row.labels).get(label, UNLABELLED)
            count = counts[row.period, text]
            count[0] += sign * row.times
            count[1] += sign * row.times * bool(row.connected)
    return counts
