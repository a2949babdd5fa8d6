"""Questions to brokers of which one may be gone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import (
    InvalidConfigurationError,
    KafkaConnectionError,
    NodeNotReadyError,
    PolicyViolationError,
    TopicAuthorizationFailedError,
)

from rater.kafka import admin


async def test_a_broker_that_is_gone_is_no_answer() -> None:
    """The question is asked again until a broker is there that answers it."""
    gone: list[Exception] = [NodeNotReadyError("1"), KafkaConnectionError("2")]

    async def ask() -> str:
        if gone:
            raise gone.pop()
        return "answer"

    assert await admin._answer(ask) == "answer"
    assert gone == []


async def test_a_refusal_is_an_answer() -> None:
    """What asking again would not mend is told at once."""
    asked = []

    async def ask() -> str:
        asked.append(1)
        raise TopicAuthorizationFailedError("calls")

    with pytest.raises(TopicAuthorizationFailedError):
        await admin._answer(ask)
    assert len(asked) == 1


async def test_nobody_is_asked_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """When no broker answers in time, the last error is told."""
    monkeypatch.setattr(admin, "ASKED_FOR", 0.0)

    async def ask() -> str:
        raise NodeNotReadyError("1")

    with pytest.raises(NodeNotReadyError):
        await admin._answer(ask)


class Managed:
    """A broker that fixes some settings, as a managed one does: topics with them are refused with a sentence."""

    def __init__(self, fixed: Mapping[str, str], code: int) -> None:
        self.fixed, self.code = fixed, code
        self.topics: dict[str, dict[str, str]] = {}

    def _answer(self, name: str, config: Mapping[str, str]) -> tuple[int, str]:
        for setting in self.fixed:
            if setting in config:
                return self.code, self.fixed[setting]
        self.topics[name] = self.topics.get(name, {}) | dict(config)
        return 0, ""

    async def create_topics(self, new: Iterable[Any]) -> Any:
        told = [(topic.name, self._answer(topic.name, topic.topic_configs)) for topic in new]
        return SimpleNamespace(topic_errors=[(name, *answer) for name, answer in told])

    async def alter_configs(self, resources: Iterable[Any]) -> Any:
        told = [(resource.name, self._answer(resource.name, resource.configs)) for resource in resources]
        return [SimpleNamespace(resources=[(code, reason, 2, name) for name, (code, reason) in told])]

    async def describe_topics(self, names: Iterable[str]) -> Any:
        return [{"topic": n, "error_code": 0, "partitions": [{"leader": 1, "replicas": [1]}]} for n in names]

    async def describe_configs(self, resources: Iterable[Any]) -> Any:
        return [SimpleNamespace(resources=[(0, "", 2, resource.name, []) for resource in resources])]


def managed(patch: pytest.MonkeyPatch, fixed: Mapping[str, str], code: int = 44) -> Managed:
    broker = Managed(fixed, code)

    @asynccontextmanager
    async def there(_: Mapping[str, Any], **__: Any) -> AsyncIterator[Managed]:
        yield broker

    patch.setattr(admin, "_admin", there)
    return broker


WANTED = {"cleanup.policy": "compact", "segment.ms": "1", "segment.bytes": "2", "retention.ms": "-1"}
SPECS = [admin.TopicSpec("calls", 4, 3, WANTED), admin.TopicSpec("charges", 4, 3, {"retention.ms": "-1"})]
NEEDED = ("cleanup.policy",)


async def test_what_a_broker_fixes_is_left_out_one_by_one_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the name in its sentence, or from the last on where it names none; all else is set."""
    broker = managed(monkeypatch, {"segment.ms": "not allowed: segment.ms", "retention.ms": "policy"})
    left = await admin.create({}, SPECS, NEEDED)
    assert broker.topics == {"calls": {"cleanup.policy": "compact", "segment.bytes": "2"}, "charges": {}}
    assert left == [
        ("calls", "segment.ms", "not allowed: segment.ms"),
        ("charges", "retention.ms", "policy"),
        ("calls", "retention.ms", "policy"),
    ]


async def test_what_must_hold_is_never_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The broker's refusal is an error with the topic's name; and where all is needed, of any setting."""
    broker = managed(monkeypatch, {"cleanup.policy": "cleanup.policy is fixed"}, code=40)
    with pytest.raises(InvalidConfigurationError, match=r"calls: cleanup\.policy is fixed"):
        await admin.create({}, SPECS[:1], NEEDED)
    assert broker.topics == {}
    managed(monkeypatch, {"retention.ms": "no"})
    with pytest.raises(PolicyViolationError, match="charges: no"):
        await admin.create({}, SPECS[1:])


async def test_settings_of_a_topic_that_is_there_are_left_out_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """And what the broker takes is set."""
    broker = managed(monkeypatch, {"segment.ms": "segment.ms"})
    assert await admin.alter({}, {"calls": WANTED}, NEEDED) == [("calls", "segment.ms", "segment.ms")]
    assert broker.topics["calls"] == {name: value for name, value in WANTED.items() if name != "segment.ms"}
    assert await admin.alter({}, {}, NEEDED) == []
