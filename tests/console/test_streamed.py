"""A statement of very many calls is read a page at a time, by whoever asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from sqlalchemy import Connection

from rater.console.statement_page import StatementLook, as_html
from rater.readmodel import queries
from rater.readmodel import statement as module
from rater.readmodel.statement import statement
from rater.readmodel.store import Store
from rater.readmodel.views import StatementView
from tests.console.readmodel import opened
from tests.support.logs import Log, call, subscribed

CALLS = 95
PAGE = 10


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    log = Log()
    log.add(subscribed("A", "per-call"), *(call("A", number) for number in range(CALLS)))
    with opened(log) as made:
        yield made


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of the pages that were read so far."""
    read, sizes = queries.charges_of, list[int]()

    def counted(connection: Connection, account: str, name: str, after: int, limit: int) -> list[dict[str, Any]]:
        found = read(connection, account, name, after, limit)
        sizes.append(len(found))
        return found

    monkeypatch.setattr(module, "charges_of", counted)
    monkeypatch.setattr(module, "AT_ONCE", PAGE)
    return sizes


def test_its_json_comes_page_by_page(store: Store, pages: list[int]) -> None:
    """Whole it is a `StatementView`; while the first charges are sent, only they are in memory."""
    with store.read() as connection:
        found = statement(connection, "A", "2026-11")
        assert found is not None
        assert pages == [*[PAGE] * 9, 5, 0], "read once, for the lines"
        pages.clear()
        pieces = found.as_json()
        first = [next(pieces) for _ in range(5)]
        assert pages == [PAGE]
        whole = orjson.loads(b"".join((*first, *pieces)))
    view = StatementView.model_validate(whole)
    assert [charge["seq"] for charge in view.charges] == list(range(1, CALLS + 1))
    assert orjson.loads(view.model_dump_json()) == whole


def test_its_page_comes_in_pieces(store: Store, pages: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """The head is sent before the charges are read."""
    monkeypatch.setattr("rater.console.statement_page.PIECES", 20)
    with store.read() as connection:
        found = statement(connection, "A", "2026-11")
        assert found is not None
        pages.clear()
        pieces = as_html(found, StatementLook(annex=True))
        head = next(pieces)
        assert pages == []
        html = b"".join((head, *pieces))
    assert html.count(b"c-94") == 1
    assert sum(pages) == CALLS


def test_one_page_read_whole_would_be_caught(store: Store, pages: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """The mistake that there was: all charges in a list."""
    monkeypatch.setattr(
        module.Statement, "charges", property(lambda self: list(module.each_charge(self.connection, "A", "2026-11")))
    )
    with store.read() as connection:
        found = statement(connection, "A", "2026-11")
        assert found is not None
        pages.clear()
        pieces = found.as_json()
        next(pieces), next(pieces)
    assert pages != [PAGE]
