"""Files of a switch into its topic: records and the position behind them in one transaction, so that whatever ends the
import, each record stands there once. What comes of the records is the intake's business.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, BinaryIO

from aiokafka import AIOKafkaProducer

from rater.kafka.admin import partitions_of
from rater.kafka.failstop import Refused
from rater.kafka.log_writer import writer
from rater.kafka.settings import Settings
from rater.kafka.topics import SwitchTopics
from rater.seam.partitions import partition_of
from rater.switches.convert import Converted, convert
from rater.switches.framing import Framed, frames_of
from rater.switches.profile import Profile
from rater.tools.positions import HashedLines, Position, first_position, known_position, positions_of

AT_ONCE = 500
"""Records of a transaction."""


@dataclass(slots=True)
class TopicImport:
    """An import under way: one at a time a source, another one fences it."""

    profile: Profile
    producer: AIOKafkaProducer
    topic: str
    partitions: int
    imports: str
    positions: dict[str, Position]
    outcomes: Counter[str] = field(default_factory=Counter)
    """What the conversion says of the records that were written; duplicates are the intake's to see."""
    known: int = 0
    """Bytes that had been imported before."""

    def place_in(self, path: str, file: BinaryIO) -> Position:
        """How far a file was imported, by its content."""
        found = known_position(file, self.positions.values())
        return first_position(self.profile.source, path) if found is None else found._replace(path=path)

    async def take(
        self, at: Position, lines: HashedLines, *, final: bool, passed: Callable[[int], None] = lambda _: None
    ) -> Position:
        """Write the records of a file's `lines` from a position on; gives the position behind them.

        What stands at the end without being complete is a record where the file is `final`, and waits where it is not.
        """
        lines.back()
        framed = frames_of(lines, self.profile.spec, at.end)
        ready = (one for one in framed if final or one.whole)
        while some := list(islice(ready, AT_ONCE)):
            end = some[-1].end or at.end
            digest = lines.hash_at(end) if end > at.end else at.hash
            at = at._replace(end=end, hash=digest, records=at.records + len(some))
            await self._commit(some, at)
            passed(end)
        return at

    async def _commit(self, some: list[Framed], at: Position) -> None:
        async with self.producer.transaction():
            sent = [await self._send(one.data) for one in some]
            sent.append(await self.producer.send(self.imports, at.to_json(), at.key.encode(), partition=0))
        for future in sent:
            await future
        self.positions.pop(at.key, None)
        self.positions[at.key] = at

    async def _send(self, data: bytes) -> Any:
        """To the partition of the record's identity, where the intake knows it again; without one, of its bytes."""
        made = convert(self.profile, data)
        if isinstance(made, Converted):
            key: bytes | None = made.call.call_id.encode()
            self.outcomes["call"] += 1
        else:
            key = None
            kind = "rejected" if hasattr(made, "detail") else "skipped"
            self.outcomes[f"{kind}:{made.reason}"] += 1
        partition = partition_of(key or data, self.partitions)
        return await self.producer.send(self.topic, data, key, partition=partition)


@asynccontextmanager
async def topic_import(settings: Settings, profile: Profile) -> AsyncIterator[TopicImport]:
    """An import into the topic of the profile's source. Raises `Refused` where it has none."""
    names = SwitchTopics.of(settings, profile.source)
    partitions = await partitions_of(settings.client_options(), names.raw)
    if not partitions:
        raise Refused(f"there is no topic {names.raw}; run: rater topics create --switch {names.source}")
    # The producer first: once it has started, no earlier import of the source can commit any more.
    async with writer(settings, transactional_id=f"{names.app_id}.import") as producer:
        positions = await positions_of(settings, profile.source)
        imports = settings.topic("imports")
        yield TopicImport(profile, producer, names.raw, partitions, imports, positions)
