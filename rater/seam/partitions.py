"""Which partition of the log a key belongs to."""

from __future__ import annotations

from aiokafka.partitioner import murmur2


def partition_of(key: bytes, partitions: int) -> int:
    """Where a key belongs: murmur2, as the Java client and aiokafka do it."""
    return int((murmur2(key) & 0x7FFFFFFF) % partitions)
