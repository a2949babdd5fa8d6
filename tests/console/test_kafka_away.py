"""A console whose Kafka is away shows what it has read, and goes on when Kafka is back."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from aiokafka.errors import KafkaConnectionError

from rater.kafka.failstop import Refused
from rater.kafka.settings import Settings
from rater.readmodel import follower as following
from rater.readmodel.follower import Follower
from rater.readmodel.store import Store


@pytest.fixture
def follower(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Follower:
    monkeypatch.setattr(following, "AGAIN", 0.01)
    url = f"sqlite:///{tmp_path / 'rater.db'}"
    settings = Settings(bootstrap_servers="localhost:1", database_url=url)
    return Follower(settings, Store(url))


async def test_it_is_asked_again_until_it_is_there(follower: Follower, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it cannot follow is an error, as before."""
    asked: list[int] = []

    async def follows() -> None:
        asked.append(1)
        if len(asked) < 3:
            raise KafkaConnectionError("nobody")
        raise Refused("another log")

    monkeypatch.setattr(follower, "_follow", follows)
    with pytest.raises(Refused, match="another log"):
        await follower.run()
    assert len(asked) == 3


async def test_an_address_where_nobody_listens_ends_nothing(follower: Follower) -> None:
    """The follower waits, and says that nothing is fresh."""
    running = asyncio.create_task(follower.run())
    await asyncio.sleep(0.5)
    assert not running.done()
    assert not follower.live.fresh
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
