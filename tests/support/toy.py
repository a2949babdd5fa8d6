"""An application with nothing in it but the engine's seam: it counts the records of each key.

`python -m tests.support.toy ADDRESS NAME N` runs it as a worker, so that the engine is tested without calls and money.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from rater.engine.config import EngineConfig
from rater.seam.model import Effects, Head, Output, Record, Rows, TableSpec

COUNTS = TableSpec("counts", lambda row: json.dumps(row).encode(), json.loads)


def count(rows: Rows, head: Head, partition: int, records: Iterable[Record]) -> Effects:
    """Each record puts out its key's count so far, and its own offset."""
    overlay: dict[bytes, Any] = {}
    outputs = []
    due = head.next_offset
    for record in records:
        due = record.offset + 1
        key = record.key or b""
        seen = (overlay[key] if key in overlay else rows.get("counts", key) or 0) + 1
        overlay[key] = seen
        body = json.dumps({"seq": seen, "offset": record.offset}).encode()
        outputs.append(Output("echo", partition, key, body, record.timestamp, (("h", b"1"),)))
    outcomes = {"counted": head.outcomes.get("counted", 0) + len(outputs)}
    after = replace(head, next_offset=due, outcomes=outcomes)
    return Effects(after, {"counts": overlay}, outputs)


def config(address: str, name: str, partitions: int, **changes: Any) -> EngineConfig:
    """An engine over `NAME-log`, writing `NAME-echo` and the changelogs `NAME-*-changelog`."""
    options: dict[str, Any] = {
        "app_id": name,
        "log": "log",
        "topics": {"log": f"{name}-log", "echo": f"{name}-echo"},
        "partitions": partitions,
        "tables": [COUNTS],
        "step": count,
        "client": {"bootstrap_servers": address},
        "session_timeout": 6.0,
    }
    return EngineConfig(**(options | changes))


def topics(name: str) -> list[str]:
    """Every topic that the toy needs."""
    return [f"{name}-log", f"{name}-echo", f"{name}-heads-changelog", f"{name}-counts-changelog"]


if __name__ == "__main__":
    from rater.engine.faust.run import run

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    run(config(sys.argv[1], sys.argv[2], int(sys.argv[3])))
