"""What an open transaction, of whomever, keeps from `read_committed` readers: it looks like idleness, and is not."""

from __future__ import annotations

from typing import Any


def held_back(consumer: Any, topic: str) -> dict[int, int]:
    """Partition -> offsets between the last stable one and the end, of a topic's partitions that a consumer reads.

    None are known before the first fetch; a consumer that is not there yet is None.
    """
    held: dict[int, int] = {}
    for tp in () if consumer is None else consumer.assignment():
        high, stable = consumer.highwater(tp), consumer.last_stable_offset(tp)
        if tp.topic == topic and high is not None and stable is not None and stable >= 0:
            held[tp.partition] = max(0, high - stable)
    return held
