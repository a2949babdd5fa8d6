"""The rejected records as their topics have them at this moment, without a read model that somebody keeps."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import Connection, Row

from rater.kafka.settings import Settings
from rater.readmodel.follower import Follower, Progress
from rater.readmodel.rejected import Wanted, item_named, item_rows
from rater.readmodel.store import MEMORY, Store

ROLES = ("rejected", "rejected-cdrs", "resolutions")
"""Topics that are read for it."""


@asynccontextmanager
async def rejected_now(
    settings: Settings, progress: Progress = lambda _done, _total: None
) -> AsyncIterator[Connection]:
    """One moment of a read model in memory that has the rejected records and nothing else."""
    store = Store(MEMORY)
    try:
        store.open(settings.topic_prefix)
        await Follower(settings, store, roles=ROLES).catch_up(progress)
        with store.read() as connection:
            yield connection
    finally:
        store.close()


async def left_items(
    settings: Settings,
    wanted: Wanted,
    places: Sequence[str],
    progress: Progress = lambda _done, _total: None,
) -> list[Row[Any]]:
    """The items that are left to be done, at these places or as wanted, the oldest first.

    Raises `KeyError` with a place where no record was rejected.
    """
    async with rejected_now(settings, progress) as connection:
        if not places:
            return list(item_rows(connection, wanted._replace(state="left")))[::-1]
        rows = [(place, item_named(connection, place)) for place in places]
        if unknown := [place for place, row in rows if row is None]:
            raise KeyError(unknown[0])
        return [row for _, row in rows if row is not None and row.state == "left"]
