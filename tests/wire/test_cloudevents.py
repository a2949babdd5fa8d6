"""Each message that we publish is a CloudEvent in Kafka's binary mode: the SDK reads it."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from cloudevents.kafka import KafkaMessage, from_binary

from rater.processor.step import make_step
from rater.seam.model import Output
from tests.support.logs import Log, call, subscribed, tick


def outputs() -> list[Output]:
    """A life in which every kind of message is published."""
    log = Log(make_step(spend=True))
    log.add(subscribed("A", "hybrid-200", spend_cap="201"), *(call("A", n, 3_000) for n in range(3)), {"type": "x"})
    log.add(tick("2026-12-12T00:00:00+08:00", operator=True))
    return log.outputs


OUTPUTS = outputs()
KINDS = ("charge/1", "period-closed/1", "spend/1", "alert/1", "rejected/1")


def test_every_kind_is_among_them() -> None:
    """Or the next test would say less than it seems to."""
    assert {dict(output.headers)["ce_type"].decode() for output in OUTPUTS} == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_the_sdk_reads_it(kind: str) -> None:
    """With its id, type, source and time, and the body as its data."""
    for output in OUTPUTS:
        if dict(output.headers)["ce_type"] == kind.encode() and output.value is not None:
            headers: dict[str, bytes] = dict(output.headers)
            event: Any = from_binary(KafkaMessage(headers, output.key, output.value), data_unmarshaller=orjson.loads)
            assert (event["specversion"], event["type"], event["source"]) == ("1.0", kind, "rater")
            assert event.data["type"] == kind
            assert event["id"]
            assert event["time"].endswith("Z")
