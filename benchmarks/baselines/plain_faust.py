"""Plain Faust, as its documentation shows it: one event at a time, a table write and a send for each; unsafe for money.

Default settings (at least once, a table in memory), and the same rules as the rater's, so that what is compared is the
engine: each event goes through the rater's step alone (some 25 µs an event more than in batches: one that is alone
shares its overhead with none). The usage row is the table's; the other rows are kept in a plain dict and
written nowhere, which is in this baseline's favour.
"""

from __future__ import annotations

import sys
from typing import Any

import faust

from rater.processor.replay import Replay
from rater.processor.rows import TABLES, USAGE
from rater.processor.step import make_step
from rater.seam.model import LogRecord

PARTITIONS = 4
ENCODE = {table.name: table.encode for table in TABLES}


def build(address: str, prefix: str) -> faust.App:
    """The app: one agent on `calls`, one table, one topic of charges."""
    app = faust.App(
        f"{prefix}plain",
        broker=f"kafka://{address}",
        store="memory://",
        topic_partitions=PARTITIONS,
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
    )
    calls = app.topic(f"{prefix}calls", partitions=PARTITIONS, value_type=bytes, value_serializer="raw")
    charges = app.topic(f"{prefix}charges", partitions=PARTITIONS, key_type=bytes, value_type=bytes)
    usage = app.Table(USAGE, partitions=PARTITIONS, key_type=bytes, value_type=bytes)
    replay = Replay(make_step(), PARTITIONS)

    @app.agent(calls)
    async def rate(stream: Any) -> None:
        async for event in stream.events():
            message = event.message
            record = LogRecord(message.offset, int(message.timestamp * 1000), message.key, event.value)
            effects = replay.feed(message.partition, [record])
            for key, row in effects.changes.get(USAGE, {}).items():
                usage[key] = ENCODE[USAGE](row)
            for output in effects.outputs:
                if output.topic == "charges":
                    await charges.send(key=output.key, value=output.value, partition=output.partition)

    return app


if __name__ == "__main__":
    made = build(*sys.argv[1:3])
    # Quieter than "info", Faust's worker sets the root logger to DEBUG for its spinner, and that costs CPU.
    worker = faust.Worker(made, loglevel="info", quiet=True, override_logging=False, redirect_stdouts=False)
    worker.execute_from_commandline()
