"""Advice has the negotiated plan that an account is on beside those of the book."""

from __future__ import annotations

from rater.processor.read_model_outputs import with_read_model_outputs
from rater.processor.step import make_step
from rater.readmodel.advice import advice_on
from rater.readmodel.advice_texts import advice_words
from tests.console.readmodel import opened
from tests.support.logs import Event, Log, call, shipped, subscribed, tick

OWN: Event = {"fee": "5.00", "items": {"line": {"price": "2.00"}}, "minutes": {"rate": "0.10"}}


def test_the_plan_of_the_account_has_its_column() -> None:
    """Of two accounts whose subscriptions have one id, each its own: 7.00 and five minutes are 7.50."""
    log = Log(with_read_model_outputs(make_step(spend=True), "calls"), shipped())
    for account, fee in (("A", "5.00"), ("B", "90.00")):
        log.add(subscribed(account, OWN | {"fee": fee}, "2026-11-01T00:00:00+08:00", subscription_id="s-1"))
        log.add(call(account, 1, 300))
    log.add(tick("2026-12-01T00:00:00+08:00"))
    with opened(log) as store, store.read() as connection:
        ours, theirs, nobody = (advice_on(connection, account) for account in ("A", "B", "C"))
    assert ours is not None
    assert theirs is not None
    assert nobody is None
    costs = {offer.plan: offer.costs for offer in ours.offers}
    assert costs["s-1@1"] == ("7.50",)
    assert costs["per-minute"] == ("1.00",)
    assert (ours.current, ours.best, ours.paid, ours.too_much) == ("s-1@1", "per-minute", "7.50", "6.50")
    assert {offer.plan: offer.costs for offer in theirs.offers}["s-1@1"] == ("92.50",)
    assert "6.50 more" in " ".join(advice_words(ours))
