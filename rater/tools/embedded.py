"""An embedded Kafka for the demo and quick tests: librdkafka's mock cluster, in this process's memory, on loopback.

It speaks the real protocol, groups and transactional producers included. What it lacks decides what it is good for: a
partition keeps about 5 MB or 100,000 records, nothing is durable, nobody is fenced, aborted records are not hidden,
topics cannot be described, and the markers of transactions carry no valid checksum. So: one worker, no crash, and
settings with `embedded` set.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from rater.seam.errors import RaterError

PARTITIONS = 4
"""What each topic has."""
_PRODUCER = 0
"""`RD_KAFKA_PRODUCER`: the kind of client that a cluster lives in."""
_SIGNATURES = {
    "rd_kafka_conf_new": (ctypes.c_void_p, []),
    "rd_kafka_conf_set": (ctypes.c_int, [ctypes.c_void_p, *[ctypes.c_char_p] * 3, ctypes.c_size_t]),
    "rd_kafka_new": (ctypes.c_void_p, [ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t]),
    "rd_kafka_destroy": (None, [ctypes.c_void_p]),
    "rd_kafka_mock_cluster_new": (ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_int]),
    "rd_kafka_mock_cluster_destroy": (None, [ctypes.c_void_p]),
    "rd_kafka_mock_cluster_bootstraps": (ctypes.c_char_p, [ctypes.c_void_p]),
    "rd_kafka_mock_group_initial_rebalance_delay_ms": (None, [ctypes.c_void_p, ctypes.c_int32]),
    "rd_kafka_mock_topic_create": (ctypes.c_int, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_int]),
}
"""Of the functions of rdkafka.h and rdkafka_mock.h that are used: what each gives, and takes."""


class NoEmbeddedBroker(RaterError):  # noqa: N818 - it says what is missing
    """The wheel that holds the mock cluster is not installed."""


@contextmanager
def embedded_broker(topics: Iterable[str]) -> Iterator[str]:
    """Run a mock cluster with `topics`; gives its host:port, and ends with the block.

    Raises `NoEmbeddedBroker` where librdkafka is not installed, or is too old.
    """
    rd = _librdkafka()
    error = ctypes.create_string_buffer(256)
    conf = rd.rd_kafka_conf_new()
    rd.rd_kafka_conf_set(conf, b"log_level", b"3", error, len(error))  # errors: it warns that it knows no broker
    client = rd.rd_kafka_new(_PRODUCER, conf, error, len(error))
    if not client:
        raise NoEmbeddedBroker(error.value.decode(errors="replace"))
    cluster = rd.rd_kafka_mock_cluster_new(client, 1)
    try:
        # Who joins a group alone needs not wait three seconds for others: charges are on the screen sooner.
        rd.rd_kafka_mock_group_initial_rebalance_delay_ms(cluster, 0)
        for topic in topics:
            if rd.rd_kafka_mock_topic_create(cluster, topic.encode(), PARTITIONS, 1):
                raise NoEmbeddedBroker(f"the embedded broker did not make the topic {topic}")
        yield rd.rd_kafka_mock_cluster_bootstraps(cluster).decode()
    finally:
        rd.rd_kafka_mock_cluster_destroy(cluster)
        rd.rd_kafka_destroy(client)


def _librdkafka() -> ctypes.CDLL:
    """The library that confluent-kafka is made on. Its Python has no way to set the delay of a group's first join."""
    try:
        from confluent_kafka import cimpl  # noqa: PLC0415 - an extra of the installation

        # A name is looked up in what a library is linked with, too.
        found = ctypes.CDLL(cimpl.__file__)
        for name, (gives, takes) in _SIGNATURES.items():
            function = getattr(found, name)
            function.restype, function.argtypes = gives, takes
    except (ImportError, OSError, AttributeError) as error:
        message = "the embedded broker comes with: pip install 'rater[demo]'"
        raise NoEmbeddedBroker(message) from error
    return found
