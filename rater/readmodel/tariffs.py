"""The tariff book in the read model: the rater's own rows of it."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import Connection, select

from rater.processor.rows import TARIFFS_KEY, plan_key
from rater.processor.tariff_rows import decode_tariff
from rater.rating.book import Book, Plan
from rater.rating.catalog import Tariffs, versioned
from rater.rating.instant import Instant
from rater.readmodel import tables

BAND = (Decimal("0.70"), Decimal("0.90"))
"""The call-centre trade's customary connect rates, until a book says others."""
ZONE = "UTC"


def tariffs_of(connection: Connection) -> Tariffs | None:
    """All that was published; None before the first book."""
    row = _row(connection, TARIFFS_KEY)
    return row if isinstance(row, Tariffs) else None


def book_of(connection: Connection) -> Book | None:
    """The newest book's settings, without its plans."""
    tariffs = tariffs_of(connection)
    return None if tariffs is None else tariffs.book


def plans_at(connection: Connection, at: Instant) -> dict[str, Plan]:
    """The plans that can be subscribed to, each in the version that is in effect at an instant."""
    tariffs = tariffs_of(connection)
    if tariffs is None:
        return {}
    found = {}
    for name in sorted(tariffs.offered):
        version = tariffs.version_at(name, at)
        plan = None if version is None else _row(connection, plan_key(versioned(name, version)))
        if isinstance(plan, Plan):
            found[name] = plan
    return found


def plan_of(connection: Connection, plan_id: str | None) -> Plan | None:
    """A published version of a plan; None for one that is written in a subscription."""
    row = None if plan_id is None else _row(connection, plan_key(plan_id))
    return row if isinstance(row, Plan) else None


def band_of(connection: Connection) -> tuple[Decimal, Decimal]:
    """Between what a connect rate is reasonable."""
    book = book_of(connection)
    return BAND if book is None else book.connect_rate_band


def zone_of(connection: Connection) -> str:
    """The tariff book's time zone."""
    book = book_of(connection)
    return ZONE if book is None else book.time_zone


def _row(connection: Connection, key: bytes) -> Tariffs | Plan | None:
    found = select(tables.tariffs.c.body).where(tables.tariffs.c.key == key.decode())
    body = connection.execute(found).scalar_one_or_none()
    return None if body is None else decode_tariff(body.encode())
