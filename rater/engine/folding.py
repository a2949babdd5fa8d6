"""How folds share the one event loop: each bounded in time, one after the other, and the loop's own work in between.

A fold is computation and blocks the loop. Were the folds of many partitions to run back to back, a transaction that
waits for the broker's answer would run into its watchdog, though nothing is wrong with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from time import monotonic, perf_counter

from rater.seam.model import Record

FOLD_SECONDS = 0.25
"""After so long no further record is taken into a transaction; what is left has the next one."""

PASSES = 2
"""Passes of the event loop between two folds. A transaction needs some six from `begin` to its end, so it waits for
three folds of other partitions at most, however many partitions there are."""

WORK_SHARE = 1.5
"""Work that time brought due is done in one part of so many of the time; the rest is for calls."""


class FoldGate:
    """Lets one fold of this worker in at a time, in the order in which they came."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    async def enter(self) -> None:
        """Wait for the turn; `leave` must follow."""
        await self._lock.acquire()

    def leave(self) -> None:
        """Let the next one in, after the loop has done its own work."""
        self._leave_after(PASSES)

    def _leave_after(self, passes: int) -> None:
        if passes:
            asyncio.get_running_loop().call_soon(self._leave_after, passes - 1)
        else:
            self._lock.release()


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
    """The records that one fold takes: all, or as many as fit its time. At least one, so that work always goes on."""

    def __init__(self, records: Sequence[Record], seconds: float | None = None) -> None:
        self._records = records
        self._seconds = FOLD_SECONDS if seconds is None else seconds
        self.taken = 0

    def __iter__(self) -> Iterator[Record]:
        until = perf_counter() + self._seconds
        for record in self._records:
            self.taken += 1
            yield record
            if perf_counter() >= until:
                return

    @property
    def last(self) -> Record:
        """The last record that was taken."""
        return self._records[self.taken - 1]
