"""The read model on PostgreSQL: the same rows, answers and refusals as on SQLite."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext

import orjson
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from rater.console.app import create_app
from rater.console.tokens import console_token
from rater.kafka.failstop import Refused
from rater.kafka.settings import Settings
from rater.readmodel import overall, queries
from rater.readmodel.advice import advice_on
from rater.readmodel.follower import Follower
from rater.readmodel.projection import Overtaken, project
from rater.readmodel.rejected import rejected_items
from rater.readmodel.statement import statement
from rater.readmodel.store import Store
from tests.console.readmodel import NOW, busy_log, filled, messages, opened, take
from tests.console.test_projection import rows
from tests.support.logs import Log, book, call, subscribed
from tests.support.postgres import postgres

LOG = busy_log()


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres() as url:
        yield url


@pytest.fixture
def store(server: str) -> Iterator[Store]:
    made = Store(server)
    made.open("", rebuild=True)
    yield made
    made.close()


def test_it_holds_the_same_rows(store: Store) -> None:
    """Of every table."""
    with opened(LOG) as in_memory:
        assert rows(filled(LOG, store)) == rows(in_memory)


def whole(connection: Connection, account: str, period: str) -> list[object]:
    """A statement, read to its end."""
    found = statement(connection, account, period)
    assert found is not None
    return [found.summary, *found.charges]


def test_it_gives_the_same_answers(store: Store) -> None:
    """To every question that the pages and the API ask."""
    answers = []
    for one in (nullcontext(filled(LOG, store)), opened(LOG)):
        with one as there, there.read() as connection:
            rejected = rejected_items(connection, limit=1)
            answers.append(
                (
                    overall.overview(connection, NOW),
                    queries.accounts(connection, "", "A", 1),
                    queries.accounts(connection, "B"),
                    queries.top_accounts(connection, "2026-10"),
                    queries.account_periods(connection, "A"),
                    queries.days(connection, "A", "2026-10"),
                    queries.charges_of(connection, "B", "2026-10", 5, 9, newest=True),
                    queries.charge(connection, "B:2026-10:7"),
                    overall.alerts_of(connection, None, (2**60, ""), 3),
                    rejected_items(connection, before=rejected[0][0]),
                    overall.flow(connection, NOW),
                    advice_on(connection, "B"),
                    whole(connection, "A", "2026-10"),
                )
            )
    assert answers[0] == answers[1]


NUL = (
    *("/accounts/a%00b/periods", "/charges/a%00b:2026-11:1", "/accounts/A/periods/2026%0010"),
    *("/accounts?search=%00", "/accounts?cursor=%00", "/alerts?account=%00", "/rejected?reason=%00"),
    *("/charges/A:2026-11:99999999999999999999999", "/accounts/A/periods/2026-11/charges?cursor=99999999999999999999"),
)


@pytest.mark.parametrize("path", NUL)
def test_what_the_database_cannot_hold_is_no_fault_of_ours(store: Store, path: str) -> None:
    """A NUL in a path or a parameter is answered, and the console goes on."""
    filled(LOG, store)
    client = TestClient(
        create_app(store, console_token("t" * 24), Follower(Settings(), store)), raise_server_exceptions=False
    )
    client.headers["Authorization"] = f"Bearer {'t' * 24}"
    assert client.get(f"/api/v1{path}").status_code < 500


def test_amounts_beyond_64_bits_are_exact(store: Store) -> None:
    """Nine decimal places and the largest debit: the sums of PostgreSQL are SQLite's, to the last digit."""
    log = Log(words=book({"p": {"calls": {"rate": "0.000000001"}}}, precision=9))
    debit = {"type": "account-adjusted/1", "account": "A", "amount": "999999999999.999999999", "reason": "x"}
    log.add(subscribed("A", "p"), call("A", 1), *(debit | {"adjustment_id": f"a-{n}"} for n in range(3)))
    with opened(log) as in_memory:
        assert rows(filled(log, store)) == rows(in_memory)
    with store.read() as connection:
        told = queries.period(connection, "A", "2026-11")
    assert told is not None
    assert told.total == "2999999999999.999999998"


def test_a_second_that_projects_is_told(store: Store) -> None:
    """By the position that moved; or, at the same time, by PostgreSQL, and then the process ends and comes again."""
    some = messages(LOG.outputs)["charges"]
    take(store, "charges", some[:5])
    with pytest.raises(Overtaken), store.write() as connection:
        project(connection, "charges", 0, some[:7], None, 7)
    with store.write() as first, store.write() as second:
        second.exec_driver_sql("select 1")  # it sees the moment before
        project(first, "charges", 0, some[5:7], 5, 7)
        first.commit()
        with pytest.raises((Overtaken, DBAPIError)):
            project(second, "charges", 0, some[5:8], 5, 8)
    assert len(rows(store)["charges"]) == 7


def test_a_changed_charge_leaves_nothing(store: Store) -> None:
    """Its transaction is rolled back whole."""
    some = messages(LOG.outputs)["charges"][:9]
    body = orjson.loads(some[6].value or b"")
    some[6] = some[6]._replace(value=orjson.dumps(body | {"amount": "9.99"}))
    with pytest.raises(Refused):
        take(store, "charges", some)
    assert rows(store)["charges"] == []
