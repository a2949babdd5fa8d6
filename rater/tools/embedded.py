"""An embedded Kafka for the demo and quick tests: librdkafka's mock cluster, in this process's memory, on loopback.

It speaks the real protocol, groups and transactional producers included. What it lacks decides what it is good for: a
partition keeps about 5 MB or 100,000 records, nothing is durable, nobody is fenced, aborted records are not hidden,
topics cannot be described and always have 4 partitions, and the markers of transactions carry no valid checksum. So:
one worker, no crash, and settings with `embedded` set.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from rater.seam.errors import RaterError

PARTITIONS = 4
"""What a mock topic has; the metadata request that asks for a topic makes it."""


class NoEmbeddedBroker(RaterError):  # noqa: N818 - it says what is missing
    """The wheel that holds the mock cluster is not installed."""


@contextmanager
def embedded_broker(topics: Iterable[str]) -> Iterator[str]:
    """Run a mock cluster with `topics`; gives its host:port, and ends with the block."""
    try:
        from confluent_kafka import Producer  # noqa: PLC0415 - an extra of the installation
    except ImportError as error:
        message = "the embedded broker comes with: pip install 'rater[demo]'"
        raise NoEmbeddedBroker(message) from error
    # The cluster lives as long as the client that made it.
    cluster = Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "", "log_level": 3})
    (broker,) = cluster.list_topics(timeout=10).brokers.values()
    for topic in topics:
        cluster.list_topics(topic, timeout=10)
    yield f"{broker.host}:{broker.port}"
    cluster.flush(1)
