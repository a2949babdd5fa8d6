"""When charges came out: the committed ends of `charges`, looked at ten times a second."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Sequence
from itertools import pairwise

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

EVERY = 0.1
ANSWERS_WITHIN = 1.0


class Progress:
    """The moments (`time.monotonic`) at which each partition's charges were seen to grow."""

    def __init__(self, address: str, topic: str, partitions: int) -> None:
        self._address, self._tps = address, [TopicPartition(topic, p) for p in range(partitions)]
        self._done = threading.Event()
        self.grown: dict[int, list[float]] = {tp.partition: [time.monotonic()] for tp in self._tps}
        self._thread = threading.Thread(target=lambda: asyncio.run(self._watch()), name="progress", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._done.set()
        self._thread.join()

    def longest(self, since: float, until: float) -> float:
        """Seconds of the longest stretch without growth of some partition that began between the two moments."""
        return max(_longest(moments, since, until) for moments in self.grown.values())

    async def _watch(self) -> None:
        seen: dict[TopicPartition, int] = {}
        async with AIOKafkaConsumer(
            bootstrap_servers=self._address, isolation_level="read_committed", request_timeout_ms=2000
        ) as consumer:
            while not self._done.is_set():
                await asyncio.sleep(EVERY)
                # A partition whose leader is gone must not hide the others.
                for tp, end in zip(
                    self._tps, await asyncio.gather(*(_end(consumer, tp) for tp in self._tps)), strict=True
                ):
                    if end > seen.get(tp, 0):
                        seen[tp] = end
                        self.grown[tp.partition].append(time.monotonic())


async def _end(consumer: AIOKafkaConsumer, tp: TopicPartition) -> int:
    with contextlib.suppress(KafkaError, TimeoutError):
        async with asyncio.timeout(ANSWERS_WITHIN):
            return int((await consumer.end_offsets([tp]))[tp])
    return 0


def _longest(moments: Sequence[float], since: float, until: float) -> float:
    """A stretch counts whole where it goes on behind `until`; of one from before `since`, what lies behind that."""
    plan_intervals = ((max(a, since), b) for a, b in pairwise(moments) if b > since and a < until)
    return max((b - a for a, b in plan_intervals), default=0.0)
