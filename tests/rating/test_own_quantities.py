"""Advice compares plans with the account's own quantities of items."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal

import orjson

from rater.processor.step import make_step
from rater.rating.advice import with_own_quantities
from rater.readmodel.advice import advice_on
from rater.readmodel.from_files import load_book
from rater.readmodel.store import Store
from rater.wire.tariff_book import PlanWords, TariffBook
from tests.console.readmodel import messages, take
from tests.support.logs import Event, Log, book, call, subscribed, tick

PLANS: Event = {
    "team": {"items": {"seat": {"price": "10.00", "quantity": 5}}, "minutes": {"rate": "0.10"}},
    "large": {"items": {"seat": {"price": "8.00", "quantity": 20}}, "minutes": {"rate": "0.10"}},
    "bare": {"fee": "300.00", "minutes": {"rate": "0.10"}},
}


def test_quantities_of_the_same_name_take_the_place_of_the_plans() -> None:
    """Others stay, and a plan without such an item is as it was."""
    plan = PlanWords.model_validate(PLANS["team"]).to_core("team")
    assert [item.quantity for _, item in with_own_quantities(plan, {"seat": 12, "desk": 3}).items] == [12]
    assert with_own_quantities(plan, {"desk": 3}) is plan


def test_an_account_with_twelve_seats_is_advised_with_twelve() -> None:
    """Five first, twelve from November on: a month of October costs 96.00 under large, and not 160.00."""
    log = Log(make_step(spend=True), book(PLANS))
    log.add(subscribed("A", "team", "2026-10-01T00:00:00+08:00"), call("A", 1, 60, datetime(2026, 10, 5, tzinfo=UTC)))
    log.add(tick("2026-11-01T00:00:00+08:00"))
    log.add(subscribed("A", "team", "2026-11-02T00:00:00+08:00", items={"seat": 12}) | {"subscription_id": "s-2"})
    log.add(call("A", 2, 60), tick("2026-12-12T00:00:00+08:00"))
    with closing(Store()) as store:
        store.open("")
        load_book(store, TariffBook.model_validate_json(orjson.dumps(book(PLANS))))
        for topic, records in messages(log.outputs).items():
            if topic != "progress":
                take(store, topic, records)
        with store.read() as connection:
            advice = advice_on(connection, "A")
    assert advice is not None
    offers = {offer.plan: [Decimal(cost) for cost in offer.costs] for offer in advice.offers}
    assert offers["large"][0] == Decimal("96.10")
    assert offers["team"][0] == Decimal("120.10")
