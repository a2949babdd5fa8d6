"""Writing control events into the log: tariff books into every partition at once, an account's events into its own."""

from __future__ import annotations

from uuid import uuid4

from aiokafka import AIOKafkaProducer

from rater.kafka.reader import log_partitions
from rater.kafka.settings import Settings
from rater.seam.partitions import partition_of
from rater.wire.events import AccountAdjusted, AccountSubscribed, CallVoided, ClockTicked, TariffsPublished
from rater.wire.tariff_book import TariffBook

AccountEvent = AccountSubscribed | AccountAdjusted | CallVoided
Header = tuple[str, bytes]
CLI = "rater-cli"
"""Who it is that writes, where nobody says a name."""


async def publish_book(settings: Settings, book: TariffBook, actor: str = CLI) -> dict[int, int]:
    """Write the book into every partition in one transaction, so that all workers switch at a known place.

    Returns partition -> offset. Of two publishers at once the later one fences the other, so that no partition has the
    book of one and another that of the other; whom it fenced gets ProducerFenced, and nothing of it is there.
    Whether the book is accepted is decided by the step, there.
    """
    return await _everywhere(settings, TariffsPublished(type="tariffs-published/1", book=book), actor)


async def send_tick(settings: Settings, tick: ClockTicked) -> dict[int, int]:
    """Write a tick into every partition. Returns partition -> offset."""
    return await _everywhere(settings, tick)


async def _everywhere(settings: Settings, event: TariffsPublished | ClockTicked, actor: str = CLI) -> dict[int, int]:
    topic = settings.topic("calls")
    partitions = await log_partitions(settings)
    producer = writer(settings, transactional_id=f"{settings.full_app_id}.{topic}.publisher")
    async with producer:
        async with producer.transaction():
            sent = [
                await producer.send(topic, event.to_json(), partition=p, headers=message_marks(event.type, actor))
                for p in range(partitions)
            ]
        return {(await future).partition: (await future).offset for future in sent}


async def home_of(settings: Settings, account: str) -> int:
    """The partition of an account's events."""
    return partition_of(account.encode(), await log_partitions(settings))


async def send_event(settings: Settings, event: AccountEvent) -> tuple[int, int]:
    """Write an account's event where the account's calls are (murmur2 of the account). Returns (partition, offset)."""
    key = event.account.encode()
    partition = await home_of(settings, event.account)
    async with writer(settings) as producer:
        sent = await producer.send_and_wait(
            settings.topic("calls"), event.to_json(), key, partition=partition, headers=message_marks(event.type)
        )
        return sent.partition, sent.offset


def writer(settings: Settings, transactional_id: str | None = None) -> AIOKafkaProducer:
    """A producer that loses and repeats nothing; transactional, if it is given an id, which fences its rivals."""
    return AIOKafkaProducer(
        **settings.client_options(),
        acks="all",
        enable_idempotence=True,
        transactional_id=transactional_id,
        request_timeout_ms=int(settings.request_timeout * 1000),
    )


def message_marks(kind: str, actor: str = CLI, source: str = CLI) -> list[Header]:
    """The headers of a message that somebody wrote: CloudEvents' attributes, and who it was; `source` is by what."""
    return [
        ("ce_specversion", b"1.0"),
        ("ce_id", str(uuid4()).encode()),
        ("ce_type", kind.encode()),
        ("ce_source", source.encode()),
        ("ce_actor", actor.encode()),
    ]
