"""The read model: each message once, however it comes; what is missing stops it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, func, select

from rater.kafka.failstop import Refused
from rater.processor.step import make_step
from rater.readmodel import overall, projection, queries, tables
from rater.readmodel.projection import Overtaken, position, project
from rater.readmodel.rejected import rejected_items
from rater.readmodel.store import Money, Store, TopicMessage
from rater.readmodel.units import units_sum
from tests.console.readmodel import NOW, TOPICS, busy_log, messages, opened, take
from tests.laws.lives import life
from tests.support.logs import Log

LOG = busy_log()
MESSAGES = messages(LOG.outputs)


def everything(connection: Connection) -> dict[str, list[tuple[object, ...]]]:
    """All rows of all tables."""
    return {
        name: sorted(map(tuple, connection.execute(select(table))), key=repr)
        for name, table in tables.metadata.tables.items()
    }


def rows(store: Store) -> dict[str, list[tuple[object, ...]]]:
    with store.read() as connection:
        return everything(connection)


with opened(LOG) as whole:
    WHOLE = rows(whole)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(f"sqlite:///{tmp_path / 'rater.db'}")
    made.open("")
    yield made
    made.close()


def test_it_holds_what_was_charged() -> None:
    """Totals as the charges say, sums as they add up, counts without what was voided."""
    with opened(LOG) as store, store.read() as connection:
        told = overall.overview(connection, NOW)
        (october, november) = sorted(queries.account_periods(connection, "B"), key=lambda one: one.period)
    charges = [charge for charge in LOG.charges if charge["type"] == "charge/1"]
    assert (told.charges, told.residue, told.accounts) == (len(charges), "0.00", 3)
    assert (october.connect_rate.attempts, november.connect_rate.attempts) == (2 * 30, 2 * 3 - 1)
    assert november.connected_calls == 2
    paid = sum(Decimal(charge["amount"]) for charge in charges if charge["account"] == "B")
    assert Decimal(october.total) + Decimal(november.total) == paid


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 40), max_size=30))
def test_any_split_gives_the_same_rows(sizes: list[int]) -> None:
    """However many messages a transaction has."""
    with opened(LOG.__class__(publish=False)) as store:
        for topic in TOPICS:
            left, waiting = list(sizes), MESSAGES[topic]
            while waiting:
                size = left.pop() if left else 7
                take(store, topic, waiting[:size])
                waiting = waiting[size:]
        assert rows(store) == WHOLE


def test_a_charge_that_was_seen_is_passed_over(store: Store) -> None:
    """Also where the position was lost: its number says that it was added."""
    take(store, "charges", MESSAGES["charges"])
    before = rows(store)
    again = [message._replace(offset=message.offset + 1000) for message in MESSAGES["charges"]]
    take(store, "charges", again)
    after = rows(store)
    assert {name: after[name] for name in after if name != "positions"} == {
        name: before[name] for name in before if name != "positions"
    }


@pytest.mark.parametrize("wrong", ["left out", "changed"])
def test_a_missing_or_changed_charge_stops_it(store: Store, wrong: str) -> None:
    """Nothing of its transaction stays."""
    charges = list(MESSAGES["charges"])
    if wrong == "left out":
        del charges[20]
    else:
        body = orjson.loads(charges[20].value or b"")
        charges[20] = charges[20]._replace(value=orjson.dumps(body | {"amount": "9.99"}))
    with pytest.raises(Refused, match="run: rater audit"):
        take(store, "charges", charges)
    assert rows(store)["charges"] == []
    with store.read() as connection:
        assert position(connection, "charges", 0) is None


def test_the_sums_are_those_of_the_rows() -> None:
    """Kept as charges come, since adding up all periods takes long where there are many."""
    with opened(LOG) as store, store.read() as connection:
        ours = connection.execute(select(tables.sums).order_by(tables.sums.c.period)).all()
        at = tables.periods.c
        grouped = select(at.period, units_sum(at.total), func.count()).group_by(at.period).order_by(at.period)
        assert [tuple(row) for row in ours] == [tuple(row) for row in connection.execute(grouped)]
        names = connection.execute(select(at.account).distinct().order_by(at.account)).scalars().all()
        assert connection.execute(select(tables.accounts.c.account)).scalars().all() == names


def test_half_a_transaction_leaves_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A crash behind the rows and before the end: the position is not moved, and the messages come again."""

    def crash(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(projection, "upsert", crash)
        with pytest.raises(KeyboardInterrupt):
            take(store, "charges", MESSAGES["charges"])
    assert rows(store)["charges"] == []
    take(store, "charges", MESSAGES["charges"])
    assert rows(store)["charges"] == WHOLE["charges"]


def test_two_that_project_share_the_work(store: Store) -> None:
    """Who comes second with the same messages is told, and changes nothing."""
    some = MESSAGES["charges"][:5]
    for since in (None, 5):
        with store.write() as connection:
            project(connection, "charges", 0, some if since is None else [], since, 5 if since is None else 9)
        with pytest.raises(Overtaken), store.write() as connection:
            project(connection, "charges", 0, some, since, 7)
    with store.read() as connection:
        assert position(connection, "charges", 0) == 9


def test_a_newer_message_is_not_passed_over(store: Store) -> None:
    """What it does not know it must not skip."""
    with pytest.raises(Refused, match="newer rater"):
        take(store, "charges", [TopicMessage(0, 0, b"A", b'{"type":"charge/2","account":"A","period":"2026-11"}', {})])


@pytest.mark.parametrize(("fact", "said"), [("format", "has the format 0"), ("prefix", "is of the topics 0")])
def test_another_read_model_is_refused(store: Store, fact: str, said: str) -> None:
    """Of an older format, or of another system; building it anew mends it."""
    with store.write() as connection:
        connection.execute(tables.facts.update().where(tables.facts.c.name == fact).values(value="0"))
    with pytest.raises(Refused, match=said):
        store.open("")
    store.open("", rebuild=True)
    assert rows(store)["charges"] == []


@pytest.mark.parametrize("url", ["nonsense", "mysql://x/y"])
def test_other_databases_are_refused(url: str) -> None:
    """With the name of the setting."""
    with pytest.raises(Refused, match="RATER_DATABASE_URL"):
        Store(url)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**12), max_value=10**12))
def test_money_comes_back_as_it_was(amount: Decimal) -> None:
    """With all its places; one place more than the currency has is refused."""
    money = Money("KWD", 3)
    assert money.amount(money.units(str(amount))) == amount
    with pytest.raises(Refused):
        money.units(f"{amount:.3f}5")


def test_long_numbers_of_rejected_records_are_masked() -> None:
    """They may be those of phones."""
    with opened(LOG) as store, store.read() as connection:
        found = [view for _, view in rejected_items(connection)]
    assert {view.reason for view in found} >= {"wrong-shape"}
    assert any("*********" in view.received for view in found)
    assert not any("13912345678" in view.received for view in found)
    assert all(view.place.startswith("calls/0/") for view in found)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_it_agrees_with_what_the_rater_says_of_any_life(seed: int) -> None:
    """Totals, fees, attempts and connected calls, added up from charges, are those of the rater's own `spend`."""
    log = Log(make_step(spend=True), publish=False)
    for told in life(seed, 100):
        log.add(told.event, timestamp=int(told.stamp.timestamp() * 1000))
    with opened(log) as store, store.read() as connection:
        bodies = [orjson.loads(row.body) for row in connection.execute(select(tables.spends))]
        for spend in bodies:
            period = queries.period(connection, spend["account"], spend["period"])
            assert period is not None
            assert (period.total, period.fees, period.charges) == (spend["total"], spend["fees"], spend["seq"])
            counts = period.connect_rate.attempts, period.connect_rate.connected
            assert counts == (spend["connect_rate"]["attempts"], spend["connect_rate"]["connected"])
            assert sum(
                Decimal(day.amount) for day in queries.days(connection, period.account, period.period)
            ) == Decimal(period.total)
    assert bodies
