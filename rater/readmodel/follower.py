"""Kafka into the read model: from where it stopped, up to the end, and on as messages come."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaConnectionError, KafkaError

from rater.kafka.failstop import Refused
from rater.kafka.reader import PATIENCE, bounds, reader
from rater.kafka.settings import Settings
from rater.readmodel.projection import FOLLOWED, Overtaken, position, project
from rater.readmodel.store import Store, TopicMessage
from rater.wire.progress import Progress as Rated

AT_ONCE = 5000
"""Messages of one SQL transaction, at most."""
WAIT_MS = 100
RATE_SECONDS = 10.0
AGAIN = 2.0
"""Seconds until a Kafka that was not reachable is asked again."""
LOOK_EVERY = 1.0
NEARLY = 100
"""Messages that may be on their way to a read model that is up to date."""
MARKERS = 4
"""Offsets behind the last record that is rated, up to which it is looked whether they are markers of transactions."""

logger = logging.getLogger(__name__)

Progress = Callable[[int, int], None]
"""Hears of (messages passed, messages to pass) while the read model catches up."""


class Live:
    """What is known of the stream at this moment, and is nowhere in the read model."""

    def __init__(self) -> None:
        self.progress: dict[int, int] = {}
        """Log partition -> the first offset that is not rated, as of its worker's last transaction."""
        self.log_ends: dict[int, int] = {}
        self.marked: dict[int, int] = {}
        """Log partition -> the offset behind markers that no record follows."""
        self.behind = 0
        """Messages that are published and not in the read model."""
        self.caught_up = False
        """Whether the read model was up to date once."""
        self.version = 0
        """Grows with every transaction of the read model."""
        self.looked = 0.0
        """When `behind` and `log_ends` were looked up, by the process's own clock."""
        self._taken: deque[tuple[float, int]] = deque()

    @property
    def lag(self) -> int:
        """Records of the log that have no outcome yet."""
        return sum(self.lags().values())

    def lags(self) -> dict[int, int]:
        """Log partition -> records without an outcome; among many, the markers of transactions count too."""
        return {p: max(0, end - self.rated_until(p)) for p, end in self.log_ends.items()}

    def rated_until(self, partition: int) -> int:
        """Up to where a log partition is rated, markers of transactions behind the last record included."""
        return max(self.progress.get(partition, 0), self.marked.get(partition, 0))

    @property
    def fresh(self) -> bool:
        """Whether Kafka answered in the last seconds."""
        return time.monotonic() - self.looked < 10 * LOOK_EVERY

    def took(self, charges: int) -> None:
        """Count charges that came just now."""
        self.version += 1
        self._taken.append((time.monotonic(), charges))

    def rate(self) -> float:
        """Charges a second over the last seconds."""
        now = time.monotonic()
        while self._taken and self._taken[0][0] < now - RATE_SECONDS:
            self._taken.popleft()
        return sum(charges for _, charges in self._taken) / RATE_SECONDS


def role_topics(settings: Settings) -> dict[str, str]:
    """A topic's role in the read model -> its real name."""
    return {role: settings.topic(role) for role in FOLLOWED}


class Follower:
    """Takes messages into a read model. One process does it; where two do, they share the work."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        partitions: Collection[int] | None = None,
        roles: Collection[str] = FOLLOWED,
    ) -> None:
        """Of `partitions` only, and of topics in these `roles` only, where a command needs no more."""
        self.live = Live()
        self._settings, self._store, self._only = settings, store, partitions
        self._roles = {name: role for role, name in role_topics(settings).items() if role in roles}
        self._log, self._progress = settings.topic("calls"), settings.topic("progress")
        self._since: dict[TopicPartition, int | None] = {}
        self._tails: list[TopicPartition] = []
        self._asked = 0.0

    async def catch_up(self, progress: Progress = lambda _passed, _total: None) -> None:
        """Take in what is there now. Raises `Refused` where that cannot be."""
        async with self._reading() as consumer:
            ends = await consumer.end_offsets(list(self._since))
            starts = {tp: await consumer.position(tp) for tp in ends}
            total = sum(ends[tp] - starts[tp] for tp in ends)
            passed, moved = 0, time.monotonic()
            while passed < total:
                await self._take(consumer)
                now = sum(min(at or starts[tp], ends[tp]) - starts[tp] for tp, at in self._since.items())
                if now > passed:
                    passed, moved = now, time.monotonic()
                elif time.monotonic() - moved > PATIENCE:
                    raise Refused(f"Kafka gave nothing for {PATIENCE:.0f} s")
                progress(passed, total)

    async def run(self) -> None:
        """Take in whatever comes, forever. While Kafka is away what was read is shown, and pages say that it is old.

        Raises `Refused` where the read model cannot follow what is there.
        """
        while True:
            try:
                await self._follow()
            except KafkaConnectionError as error:
                logger.warning("Kafka is not reachable, figures are as of the last look: %s", error)
                await asyncio.sleep(AGAIN)

    async def _follow(self) -> None:
        self._tails = []
        async with self._reading() as consumer:
            while True:
                await self._take(consumer)
                if time.monotonic() - self._asked > LOOK_EVERY:
                    self._asked = time.monotonic()
                    try:
                        await self._look(consumer)
                    except KafkaError as error:  # pages say that figures are old; what comes is taken in when it comes
                        logger.warning("Kafka does not answer: %s", error)

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[AIOKafkaConsumer]:
        async with reader(self._settings, *self._roles, self._log, self._progress) as consumer:
            for topic in self._roles:
                # Positions first: another process may take records in meanwhile, and the topic only grows.
                ours = sorted(tp for tp in consumer.assignment() if tp.topic == topic and self._wants(tp))
                known = {tp: self._position(tp) for tp in ours}
                starts, ends = await bounds(consumer, topic)
                for tp, since in known.items():
                    self._begin(consumer, tp, since, starts[tp.partition], ends[tp.partition])
            consumer.resume(*self._since, *(tp for tp in consumer.assignment() if tp.topic == self._progress))
            yield consumer

    def _wants(self, tp: TopicPartition) -> bool:
        return self._only is None or tp.partition in self._only or self._roles[tp.topic] == "catalog"

    def _begin(self, consumer: AIOKafkaConsumer, tp: TopicPartition, since: int | None, start: int, end: int) -> None:
        place = f"{tp.topic}/{tp.partition}"
        if since is not None and since > end:
            raise Refused(f"{place} ends at {end}, before {since}, where the read model stands; {_ANEW}")
        if since is not None and since < start and self._roles[tp.topic] == "charges":
            raise Refused(f"{place} begins at {start}, behind {since}, where the read model stands; {_ANEW}")
        self._since[tp] = since
        consumer.seek(tp, start if since is None else max(since, start))

    def _position(self, tp: TopicPartition) -> int | None:
        with self._store.read() as connection:
            return position(connection, self._roles[tp.topic], tp.partition)

    async def _take(self, consumer: AIOKafkaConsumer) -> None:
        """Take in what one fetch gives: a transaction for each partition."""
        fetched = await consumer.getmany(timeout_ms=WAIT_MS, max_records=AT_ONCE)
        for tp, records in fetched.items():
            if tp.topic == self._progress and records[-1].value:
                self.live.progress[tp.partition] = Rated.model_validate_json(records[-1].value).next_offset
        await self._pass_markers(consumer, fetched)
        for tp, since in self._since.items():
            until = await consumer.position(tp)
            if since is None or until > since:
                await self._project(consumer, tp, fetched.get(tp, []), until)

    async def _pass_markers(self, consumer: AIOKafkaConsumer, fetched: Mapping[TopicPartition, Any]) -> None:
        """Where the tail of the log was being fetched: what moved the position without a record was a marker."""
        for tp in list(self._tails):
            if fetched.get(tp):  # they are records, then
                consumer.pause(tp)
                self._tails.remove(tp)
            elif (position := await consumer.position(tp)) > self.live.rated_until(tp.partition):
                self.live.marked[tp.partition] = position

    async def _project(self, consumer: AIOKafkaConsumer, tp: TopicPartition, records: list[Any], until: int) -> None:
        messages = [TopicMessage(r.offset, r.timestamp, r.key, r.value, dict(r.headers)) for r in records]
        since, role = self._since[tp], self._roles[tp.topic]

        def write() -> None:
            with self._store.write() as connection:
                project(connection, role, tp.partition, messages, since, until)

        try:
            await asyncio.to_thread(write)
        except Overtaken:
            self._since[tp] = self._position(tp)
            consumer.seek(tp, self._since[tp])
            return
        self._since[tp] = until
        if messages:
            self.live.took(len(messages) if role == "charges" else 0)

    async def _look(self, consumer: AIOKafkaConsumer) -> None:
        log = [tp for tp in consumer.assignment() if tp.topic == self._log]
        ends: Mapping[TopicPartition, int] = await consumer.end_offsets([*log, *self._since])
        self.live.log_ends = {tp.partition: ends[tp] for tp in log}
        self.live.behind = sum(max(0, ends[tp] - (since or 0)) for tp, since in self._since.items())
        self.live.looked = time.monotonic()
        if not self.live.caught_up and self.live.behind <= NEARLY:
            self.live.caught_up = True
            logger.info("the read model is up to date")
        lags = self.live.lags()
        consumer.pause(*self._tails)
        self._tails = [tp for tp in log if 0 < lags[tp.partition] <= MARKERS]
        for tp in self._tails:
            consumer.seek(tp, self.live.rated_until(tp.partition))
        consumer.resume(*self._tails)


_ANEW = "build it anew with: rater project --rebuild"
