"""Telling in order: each account's messages one after the other, accounts beside each other, attempts until one works.

A position counts as passed when everything before it was told or given up; a process that dies goes on there, so each
message is told at least once.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

from aiokafka import TopicPartition

from rater.notify.messages import Notification
from rater.notify.senders import Sender

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 60.0
"""Seconds between attempts: twice as long after each, with up to a half taken off at random."""
AT_ONCE = 16
"""Attempts under way, over all accounts."""


class Window:
    """Which of a partition's records are done: up to where all are."""

    def __init__(self, position: int) -> None:
        self._next = position
        self._open: dict[int, int] = {}
        """Offset -> messages of it that are not done."""

    def begin(self, offset: int, messages: int) -> None:
        """A record was read, and so many messages are to be told of it."""
        self._next = offset + 1
        if messages:
            self._open[offset] = messages

    def done(self, offset: int) -> None:
        """One of a record's messages was told, or given up."""
        self._open[offset] -= 1
        if not self._open[offset]:
            del self._open[offset]

    @property
    def position(self) -> int:
        """The first record that is not done."""
        return min(self._open, default=self._next)


class Undelivered(NamedTuple):
    """A message that was given up."""

    notification: Notification
    attempts: int
    wrong: str


ToldPlace = tuple[TopicPartition, int]
"""Of a message: the partition and offset of the record that it tells of."""
ToldDone = Callable[[ToldPlace, Undelivered | None], None]
"""Hears of each message when it was told, or given up."""


class Lanes:
    """What is to be told to one target."""

    def __init__(self, sender: Sender, give_up_after: float, done: ToldDone) -> None:
        """`done` hears of each message when it was told, or given up."""
        self._sender, self._give_up_after, self._done = sender, give_up_after, done
        self._waiting: dict[str, deque[tuple[ToldPlace, Notification]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._broken: BaseException | None = None
        self.waiting = 0
        """Messages that are not done."""
        self.failing: str | None = None
        """What went wrong with the newest attempt; None after one that worked."""

    def put(self, place: ToldPlace, notification: Notification) -> None:
        """Tell it when all before it of the same account are done."""
        self.waiting += 1
        lane = notification.account or ""
        if lane in self._waiting:
            self._waiting[lane].append((place, notification))
            return
        self._waiting[lane] = deque([(place, notification)])
        task = asyncio.create_task(self._run(lane))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def must_work(self) -> None:
        """Raises what a lane broke of: what it held would never be told."""
        if self._broken is not None:
            raise self._broken

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._broken = task.exception()

    async def _run(self, lane: str) -> None:
        queue = self._waiting[lane]
        while queue:
            place, notification = queue[0]
            undelivered = await self._tell(notification)
            queue.popleft()
            self.waiting -= 1
            self._done(place, undelivered)
        del self._waiting[lane]

    async def _tell(self, notification: Notification) -> Undelivered | None:
        loop = asyncio.get_running_loop()
        until, attempts, pause = loop.time() + self._give_up_after, 0, FIRST_PAUSE
        while True:
            async with self._gate:
                attempt = await self._sender.send(notification)
            attempts += 1
            self.failing = attempt.wrong
            if attempt.wrong is None:
                return None
            wait = max(attempt.pause or 0.0, pause * random.uniform(0.5, 1.0))  # noqa: S311 - so that not all come at once
            if loop.time() + wait > until:
                return Undelivered(notification, attempts, attempt.wrong)
            await asyncio.sleep(wait)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def stop(self) -> None:
        """Let go of what is not done: it is told after the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
