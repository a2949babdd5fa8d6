"""Two processes that follow into one read model."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka import TopicPartition

from rater.kafka.failstop import Refused
from rater.kafka.reader import Bounds
from rater.kafka.settings import Settings
from rater.readmodel import follower
from rater.readmodel.projection import position, project
from rater.readmodel.store import Store

ALERTS = TopicPartition("alerts", 0)


class FakeConsumer:
    """Assigned one partition of one topic."""

    def __init__(self) -> None:
        self.sought: dict[Any, int] = {}

    def assignment(self) -> set[Any]:
        return {ALERTS}

    def seek(self, tp: Any, offset: int) -> None:
        self.sought[tp] = offset

    def resume(self, *_: Any) -> None:
        """Nothing is fetched here."""


@pytest.mark.parametrize(("before", "meanwhile", "refused"), [(5, 40, False), (None, 40, False), (30, None, True)])
async def test_what_another_takes_in_meanwhile_is_no_topic_that_ends_too_early(
    monkeypatch: pytest.MonkeyPatch,
    before: int | None,
    meanwhile: int | None,
    refused: bool,  # noqa: FBT001
) -> None:
    """Its position may be beyond the end as of before; a read model that knows more than the topic is still refused."""
    store, consumer = Store(), FakeConsumer()
    store.open("")

    def move(since: int | None, until: int) -> None:
        with store.write() as connection:
            project(connection, "alerts", 0, (), since, until)

    @asynccontextmanager
    async def reading(*_: Any) -> AsyncIterator[FakeConsumer]:
        yield consumer

    async def bounds(*_: Any) -> Bounds:
        if meanwhile is not None:
            with store.read() as connection:
                since = position(connection, "alerts", 0)
            move(since, meanwhile)
        return Bounds({0: 0}, {0: 5})

    if before is not None:
        move(None, before)
    monkeypatch.setattr(follower, "reader", reading)
    monkeypatch.setattr(follower, "bounds", bounds)
    following = follower.Follower(Settings(_env_file=None), store, roles=("alerts",))
    try:
        if refused:
            with pytest.raises(Refused, match="ends at 5, before 30"):
                async with following._reading():
                    pass
            return
        async with following._reading():
            assert consumer.sought == {ALERTS: before or 0}
    finally:
        store.close()
