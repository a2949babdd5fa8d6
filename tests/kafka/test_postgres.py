"""The read model on PostgreSQL: the same rows, answers and refusals as on SQLite."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext

import orjson
import pytest
from sqlalchemy.exc import DBAPIError

from rater.console import overall, queries
from rater.console.advice import advice_on
from rater.console.projection import Overtaken, project
from rater.console.statement import statement
from rater.console.store import Store
from rater.stream.failstop import Refused
from tests.console.readmodel import NOW, busy_log, filled, messages, opened, take
from tests.console.test_projection import rows
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


def test_it_gives_the_same_answers(store: Store) -> None:
    """To every question that the pages and the API ask."""
    answers = []
    for one in (nullcontext(filled(LOG, store)), opened(LOG)):
        with one as there, there.read() as connection:
            rejected = overall.rejections(connection, None, None, 1)
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
                    overall.rejections(connection, None, rejected[0][0]),
                    overall.flow(connection, NOW),
                    advice_on(connection, "B"),
                    statement(connection, "A", "2026-10"),
                )
            )
    assert answers[0] == answers[1]


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
