"""The tariff book and its plans in the read model, as the topic `catalog` has them."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import Connection, select

from rater.rating.book import Book, Connected, Guarantee, Meter, Plan
from rater.rating.catalog import Tariffs, versioned
from rater.rating.instant import Instant
from rater.rating.money import plain
from rater.rating.units import ANSWERED_BY
from rater.readmodel import tables
from rater.readmodel.tariff_views import (
    BandView,
    ConnectedView,
    GuaranteeView,
    ItemView,
    MeterView,
    PlanView,
    TariffsView,
)
from rater.wire.catalog import TARIFFS_ID, NegotiatedPlan, PlanVersion, TariffsInForce, negotiated_key

BAND = (Decimal("0.70"), Decimal("0.90"))
"""The call-centre trade's customary connect rates, until a book says others."""
ZONE = "UTC"


def tariffs_of(connection: Connection) -> Tariffs | None:
    """All that was published; None before the first book."""
    body = _body(connection, TARIFFS_ID)
    return None if body is None else TariffsInForce.model_validate_json(body).to_core()


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
        plan = None if version is None else plan_of(connection, versioned(name, version))
        if plan is not None:
            found[name] = plan
    return found


def plan_of(connection: Connection, plan_id: str | None) -> Plan | None:
    """A published version of a plan; None for one that is written in a subscription."""
    body = None if plan_id is None else _body(connection, plan_id)
    return None if body is None else PlanVersion.model_validate_json(body).to_core()


def negotiated_plan(connection: Connection, account: str, plan_id: str | None) -> Plan | None:
    """The negotiated plan of an account with this id; None where it has none."""
    body = None if plan_id is None else _body(connection, negotiated_key(account, plan_id))
    return None if body is None else NegotiatedPlan.model_validate_json(body).to_core()


def allowances_of(connection: Connection, account: str, plan_id: str | None) -> dict[str, int]:
    """Meter -> units that a plan of an account includes, published or negotiated."""
    plan = negotiated_plan(connection, account, plan_id) or plan_of(connection, plan_id)
    return {} if plan is None else {meter.name: meter.allowance for meter in plan.meters if meter.allowance}


def tariffs_view(connection: Connection, at: Instant) -> TariffsView | None:
    """The newest book, with the plans in the versions that are in effect at an instant; None before the first book."""
    book = book_of(connection)
    if book is None:
        return None
    return TariffsView(
        version=book.version,
        currency=book.currency,
        time_zone=book.time_zone,
        default_plan=book.default_plan,
        plans={name: _plan_view(plan) for name, plan in plans_at(connection, at).items()},
    )


def _plan_view(plan: Plan) -> PlanView:
    return PlanView(
        id=plan.id,
        fee=plain(plan.fee),
        proration=plan.proration,
        effective=None if plan.effective is None else plan.effective.isoformat(),
        discount=plain(plan.discount) if plan.discount else None,
        minimum=plain(plan.minimum) if plan.minimum else None,
        items={name: ItemView(price=plain(item.price), quantity=item.quantity) for name, item in plan.items},
        setup=plain(plan.setup) if plan.setup else None,
        guarantee=None if plan.guarantee is None else _guarantee_view(plan.guarantee),
        connected=None if plan.connected is None else _connected_view(plan.connected),
        meters=tuple(_meter_view(meter, plan) for meter in plan.meters),
    )


def _guarantee_view(guarantee: Guarantee) -> GuaranteeView:
    return GuaranteeView(
        connect_rate=plain(guarantee.connect_rate), attempts=guarantee.attempts, credit=plain(guarantee.credit)
    )


def _connected_view(connected: Connected) -> ConnectedView:
    answered_by = tuple(one for one in ANSWERED_BY if one in connected.answered_by)
    return ConnectedView(min_talk=connected.min_talk, answered_by=answered_by)


def _meter_view(meter: Meter, plan: Plan) -> MeterView:
    price, increment, unit = meter.price, meter.increment, meter.unit
    bands = () if price is None else price.bands
    return MeterView(
        name=meter.name,
        unit=unit.name,
        allowance=meter.allowance,
        price=None if price is None else price.kind,
        bands=tuple(BandView(start=band.start, rate=plain(band.rate), flat=plain(band.flat)) for band in bands),
        directions=None if meter.directions is None else tuple(sorted(meter.directions)),
        classes=None if meter.classes is None else tuple(sorted(meter.classes)),
        part=meter.part or None,
        covers=next((tuple(p.part for p in pool.parts) for pool in plan.pools if pool.allowance is meter), None),
        portion=meter.portion,
        increment=f"{increment.first}/{increment.step}" if unit.increments else None,
        minimum=increment.minimum if unit.increments else None,
    )


def band_of(connection: Connection) -> tuple[Decimal, Decimal]:
    """Between what a connect rate is reasonable."""
    book = book_of(connection)
    return BAND if book is None else book.connect_rate_band


def zone_of(connection: Connection) -> str:
    """The tariff book's time zone."""
    book = book_of(connection)
    return ZONE if book is None else book.time_zone


def _body(connection: Connection, key: str) -> str | None:
    found = select(tables.catalog.c.body).where(tables.catalog.c.key == key)
    return connection.execute(found).scalar_one_or_none()
