"""Digests of all that some generated lives publish and leave behind, as they were when somebody last looked at them.

A change of rules, of a message or of a row changes them: `python -m tests.laws.published` writes them anew, and the
diff of `published.json` says which lives and which topics changed. What did not mean to change anything must not.
"""

from __future__ import annotations

from collections import defaultdict
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

import orjson

from rater.processor.replay import Replay
from rater.processor.rows import TABLES
from rater.processor.step import make_step
from rater.seam.model import LogRecord
from tests.laws.lives import life

FILE = Path(__file__).with_suffix(".json")
SEEDS = range(40)


def digests(seed: int) -> dict[str, str]:
    """Of one life, rated in batches of 1 to 9 records: a digest a topic, one of the rows, one of head and outcomes."""
    log = [_record(offset, told.event, int(told.stamp.timestamp() * 1000)) for offset, told in enumerate(life(seed))]
    found: defaultdict[str, Any] = defaultdict(sha256)
    replay, rng = Replay(make_step(spend=True)), Random(seed)
    while log:
        size = rng.randrange(1, 10)
        batch, log = log[:size], log[size:]
        for output in replay.feed(0, batch).outputs:
            found[output.topic].update(repr(tuple(output)).encode())
    for table in TABLES:
        for key, row in sorted(replay.rows[0].table(table.name).items()):
            found[f"rows of {table.name}"].update(repr((key, table.encode(row))).encode())
    found["head"].update(orjson.dumps(replay.heads[0]))
    return {name: digest.hexdigest()[:16] for name, digest in sorted(found.items())}


def _record(offset: int, event: dict[str, Any], timestamp: int) -> LogRecord:
    account = event.get("account")
    return LogRecord(offset, timestamp, account.encode() if account else None, orjson.dumps(event))


def known() -> dict[str, dict[str, str]]:
    """The digests as they were."""
    found: dict[str, dict[str, str]] = orjson.loads(FILE.read_bytes())
    return found


if __name__ == "__main__":
    FILE.write_bytes(orjson.dumps({str(seed): digests(seed) for seed in SEEDS}, option=orjson.OPT_INDENT_2) + b"\n")
