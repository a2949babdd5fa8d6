"""How the folds of all partitions are done: one after the other, in a thread of their own, each bounded in time.

A fold is computation. On the event loop it would hold up the transactions of the other partitions, each of which needs
several answers of the broker from its beginning to its end; in a thread it lets them go on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from time import monotonic, perf_counter
from typing import TypeVar

from rater.seam.model import Record

T = TypeVar("T")

FOLD_SECONDS = 0.5
"""After so long no further record is taken into a transaction; what is left has the next one."""

LOOKS = 4
"""The time is looked at after so many records."""

WORK_SHARE = 1.5
"""Work that time brought due is done in one part of so many of the time; the rest is for calls."""


class FoldThread:
    """The thread in which this worker folds, one partition at a time, in the order in which they came.

    The step keeps caches from fold to fold, so two folds must never run at once.
    """

    def __init__(self) -> None:
        self.turn = asyncio.Lock()
        """Who has it may run a fold; it is given in the order in which it was asked for."""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="folds")

    async def run(self, fold: Callable[[], T]) -> T:
        """Run a fold to its end, while the loop does its own work."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, fold)


class Pace:
    """When work that a tick left undone goes on: in turns over all partitions, with time for calls between them."""

    def __init__(self) -> None:
        self._free = 0.0

    def reserve(self, seconds: float) -> float:
        """Take the next turn, which is expected to take so long; returns the seconds until it begins."""
        now = monotonic()
        begins = max(now, self._free)
        self._free = begins + WORK_SHARE * seconds
        return begins - now


class Slice:
    """The records that one fold takes: all, or as many as fit its time. At least some, so that work always goes on."""

    def __init__(self, records: Sequence[Record], seconds: float | None = None) -> None:
        self._records = records
        self._seconds = FOLD_SECONDS if seconds is None else seconds
        self.taken = 0

    def __iter__(self) -> Iterator[Record]:
        until, records = perf_counter() + self._seconds, self._records
        for start in range(0, len(records), LOOKS):
            for record in records[start : start + LOOKS]:
                self.taken += 1
                yield record
            if perf_counter() >= until:
                return

    @property
    def last(self) -> Record:
        """The last record that was taken."""
        return self._records[self.taken - 1]
