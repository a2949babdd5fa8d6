"""The floor: aiokafka alone, consuming each record and sending one like it. No state, no rating, no guarantee."""

from __future__ import annotations

import sys

import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

PARTITIONS = 4


async def main(address: str, prefix: str) -> None:
    """Copy `calls` to `charges`, record by record, forever."""
    consumer = AIOKafkaConsumer(bootstrap_servers=address, auto_offset_reset="earliest", enable_auto_commit=False)
    producer = AIOKafkaProducer(bootstrap_servers=address, linger_ms=5)
    async with consumer, producer:
        tps = [TopicPartition(f"{prefix}calls", p) for p in range(PARTITIONS)]
        consumer.assign(tps)
        await consumer.seek_to_beginning(*tps)
        async for record in consumer:
            await producer.send(f"{prefix}charges", record.value, record.key, partition=record.partition)


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:3]))
