"""The table `heads`: one row per log partition, written in every transaction (exactly_once.md, part 3)."""

from __future__ import annotations

import orjson

from rater.seam.model import Head, TableSpec

HEAD_KEY = b"head"
"""The row's key; there is one head in each partition of the changelog."""


def encode(head: Head) -> bytes:
    """The head as JSON; outcomes in a fixed order, so that equal heads are equal bytes."""
    row = {
        "next_offset": head.next_offset,
        "partitions": head.partitions,
        "outcomes": dict(sorted(head.outcomes.items())),
        "state": head.state,
        "format": head.format,
    }
    return orjson.dumps(row)


def decode(value: bytes) -> Head:
    """The head from its JSON."""
    row = orjson.loads(value)
    return Head(row["next_offset"], row["partitions"], row["outcomes"], row["state"], row["format"])


HEADS = TableSpec("heads", encode, decode)
