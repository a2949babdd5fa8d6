"""Connect rates by class of call or by a label: from what the charges told, less the calls that were voided."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

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


def rates_by(connection: Connection, account: str, by: str, period: str | None = None) -> PartRates:
    """The account's connect rates by class (`BY_CLASS`), or by the label of that name; of one period, or of all."""
    by_class = by == BY_CLASS
    counts = _by_class(connection, account, period) if by_class else _by_label(connection, account, by, period)
    band = band_of(connection)
    rows = sorted(counts.items(), key=lambda one: one[0][1])
    rows.sort(key=lambda one: one[0][0], reverse=True)
    return {place: connect_rate(good, all_, band, None) for place, (all_, good) in rows if all_}


SHOWN = 12
"""Classes, or texts of a label, that a page shows of a period: those with the most attempts."""
LABELLINGS = 500
"""Different sets of labels that are looked at for their names."""


class PartRate(NamedTuple):
    """The rate of a class or of a label's text in a period."""

    by: str
    """`class`, or the label."""
    part: str
    rate: ConnectRate


def of_period(connection: Connection, account: str, period: str) -> list[PartRate]:
    """The rates of a period by class and by each of its labels, where there is more than one class or text."""
    at = tables.charges.c
    labelled = select(at.labels).where(at.account == account, at.period == period, at.labels.is_not(None)).distinct()
    texts = connection.execute(labelled.limit(LABELLINGS)).scalars()
    names = sorted({name for text in texts for name in orjson.loads(text)})
    found: list[PartRate] = []
    for by in (BY_CLASS, *(name for name in names if name != BY_CLASS)):
        rates = [PartRate(by, part, rate) for (_, part), rate in rates_by(connection, account, by, period).items()]
        rates.sort(key=lambda one: -one.rate.attempts)
        found += rates[:SHOWN] if len(rates) > 1 else []
    return found


def by_period(rates: PartRates) -> dict[str, dict[str, ConnectRate]]:
    """The rates of each period, by class or text."""
    found: dict[str, dict[str, ConnectRate]] = {}
    for (period, part), rate in rates.items():
        found.setdefault(period, {})[part] = rate
    return found


def _by_class(connection: Connection, account: str, period: str | None) -> _Counts:
    charges = tables.charges.c
    ours = and_(charges.account == account, charges.at.is_not(None), charges.direction == "outbound")
    if period is not None:
        ours = and_(ours, charges.period == period)
    sign = case((charges.kind == "reversal", -1), else_=1)
    attempts = func.sum(sign).label("attempts")
    connected = func.sum(case((charges.connected, sign), else_=0)).label("connected")
    group = (charges.period, charges.call_class)
    rows = connection.execute(select(*group, attempts, connected).where(ours).group_by(*group))
    return {(row.period, row.call_class or OTHER): [int(row.attempts), int(row.connected)] for row in rows}


def _by_label(connection: Connection, account: str, label: str, period: str | None) -> _Counts:
    """A reversal does not repeat labels, so what it takes back is looked up by the call."""
    counts: _Counts = defaultdict(lambda: [0, 0])
    used, back = tables.charges.alias().c, tables.charges.alias().c
    same = and_(back.account == used.account, back.call_id == used.call_id, back.at == used.at, back.kind == "reversal")
    ours = and_(used.account == account, used.kind == "usage", used.direction == "outbound")
    if period is not None:
        ours = and_(ours, used.period == period)
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
