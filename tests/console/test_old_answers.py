"""What is old is not taken for new: an answer that changed, a session that has lasted its time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from rater.console import answers, sessions
from rater.console.app import create_app
from rater.console.auth import COOKIE
from rater.console.tokens import console_token
from rater.kafka.settings import Settings
from rater.readmodel.follower import Follower
from rater.readmodel.store import Store
from tests.console.readmodel import messages, opened, take
from tests.support.logs import Log, call, subscribed
from tests.support.mutate import plant

TOKEN = "a-token-of-the-tests"  # noqa: S105 - of no system
PERIODS = "/api/v1/accounts/A/periods"
TWELVE_HOURS = 12 * 60 * 60


class Idle(Follower):
    """A follower that has nothing to follow."""

    async def run(self) -> None:
        await asyncio.Event().wait()


@pytest.fixture
def log() -> Log:
    made = Log()
    made.add(subscribed("A", "per-call"), call("A", 1))
    return made


@pytest.fixture
def store(log: Log) -> Iterator[Store]:
    with opened(log) as made:
        yield made


@pytest.fixture
def stranger(store: Store) -> Iterator[TestClient]:
    with TestClient(create_app(store, console_token(TOKEN), Idle(Settings(), store)), follow_redirects=False) as client:
        yield client


def changed_answer(client: TestClient, store: Store, log: Log, address: str = PERIODS) -> int:
    """The status of an answer that was asked for before and has changed since, at the same address."""
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    tag = client.get(address, headers=bearer).headers["etag"]
    assert client.get(address, headers={**bearer, "If-None-Match": tag}).status_code == 304
    seen = {topic: len(told) for topic, told in messages(log.outputs).items()}
    log.add(call("A", 2))
    for topic, told in messages(log.outputs).items():
        take(store, topic, told[seen.get(topic, 0) :])
    return client.get(address, headers={**bearer, "If-None-Match": tag}).status_code


@pytest.mark.parametrize("address", [PERIODS, f"{PERIODS}/2026-11/statement", f"{PERIODS}/2026-11/charges"])
def test_a_changed_answer_has_another_etag(stranger: TestClient, store: Store, log: Log, address: str) -> None:
    """A dashboard that asks again sees the new charge."""
    assert changed_answer(stranger, store, log, address) == 200


def test_an_etag_of_the_address_would_be_caught(
    stranger: TestClient, store: Store, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mistake: the dashboard would stand still."""
    plant(monkeypatch, answers.answer, "tagged(data)", "tagged(str(request.url).encode())")
    assert changed_answer(stranger, store, log) == 304


def statuses(client: TestClient, monkeypatch: pytest.MonkeyPatch, after: int) -> tuple[int, int]:
    """Of the API and of a page, for somebody who logged in so many seconds ago."""
    assert client.post("/login", data={"token": TOKEN}).status_code == 303
    assert COOKIE in client.cookies
    began = sessions.clock()
    monkeypatch.setattr(sessions, "clock", lambda: began + after)
    return client.get(PERIODS).status_code, client.get("/statement/A/2026-11").status_code


def test_a_session_lasts_twelve_hours(stranger: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """To the second, give or take those in which it began."""
    assert statuses(stranger, monkeypatch, TWELVE_HOURS - 2) == (200, 200)


def test_a_session_of_twelve_hours_and_a_second_is_over(stranger: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs are told, people are led to the login."""
    assert statuses(stranger, monkeypatch, TWELVE_HOURS + 1) == (401, 303)


def test_a_session_without_end_would_be_caught(stranger: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mistake: whoever has the cookie is in for good."""
    monkeypatch.setattr(sessions, "HOURS", 10**6)
    assert statuses(stranger, monkeypatch, TWELVE_HOURS + 1) == (200, 200)
