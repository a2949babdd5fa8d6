"""Read models for tests: what a step put out, taken in as if it came from the topics."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime, timedelta

from rater.processor.step import make_step
from rater.readmodel.from_files import load_book
from rater.readmodel.projection import position, project
from rater.readmodel.store import Store, TopicMessage
from rater.seam.model import Output
from rater.wire.shipped import shipped_book
from tests.support.logs import START, Log, call, subscribed

TOPICS = ("charges", "spend", "alerts", "rejected")


def messages(outputs: Iterable[Output]) -> dict[str, list[TopicMessage]]:
    """The outputs by topic, with the offsets that they would have in one partition."""
    found: dict[str, list[TopicMessage]] = defaultdict(list)
    for out in outputs:
        ours = found[out.topic]
        ours.append(TopicMessage(len(ours), out.timestamp, out.key, out.value, dict(out.headers)))
    return found


def take(store: Store, topic: str, records: Sequence[TopicMessage], partition: int = 0) -> None:
    """Take records in from where the read model stands, in one transaction."""
    with store.write() as connection:
        since = position(connection, topic, partition)
        until = records[-1].offset + 1 if records else since or 0
        project(connection, topic, partition, records, since, until)


@contextmanager
def opened(log: Log) -> Iterator[Store]:
    """A read model in memory of what the log's step put out; it is closed at the end."""
    with closing(Store()) as store:
        yield filled(log, store)


def filled(log: Log, store: Store) -> Store:
    """The read model with what the log's step put out, and the shipped book."""
    store.open("")
    load_book(store, shipped_book())
    for topic, records in messages(log.outputs).items():
        if topic != "progress":  # of which a read model keeps nothing
            take(store, topic, records)
    return store


def busy_log() -> Log:
    """Three accounts over a month and some days, with a void, a credit, and records that are no events."""
    log = Log(make_step(spend=True))
    log.add(subscribed("A", "hybrid-200", "2026-10-01T00:00:00+08:00", spend_cap="230"))
    log.add(subscribed("B", "per-minute", "2026-10-01T00:00:00+08:00"), subscribed("C", "package-premium"))
    for day in range(33):
        start = START - timedelta(days=32 - day)
        log.add(
            call("A", f"{day}-a", 90, start), call("B", f"{day}-b", 60 * day, start), call("B", f"{day}-c", None, start)
        )
    log.add({"type": "call-voided/1", "account": "B", "source": "pbx-1", "call_id": "c-32-b", "reason": "a test"})
    log.add(
        {"type": "account-adjusted/1", "account": "A", "adjustment_id": "a-1", "amount": "-1.00", "reason": "a credit"}
    )
    log.add(call("B", "0-c", 30), call("B", 77, callee="+8613912345678", disposition="perhaps"))
    return log


NOW = datetime.fromtimestamp(1_800_000_000, START.tzinfo)
"""The time of the records of `busy_log`, on a day of Shanghai."""
