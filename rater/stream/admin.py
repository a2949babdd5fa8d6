"""Topics as they should be and as they are: describe, create, alter. Generic; the plan is the application's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, for_code

TOPIC_OVERRIDE = 1
"""Kafka's code of a config source: set on the topic itself, not inherited."""

UNKNOWN_TOPIC = 3
TOPIC_EXISTS = 36
SERVED_WITHIN = 30.0
"""Seconds until a new topic must have its leaders."""
ASKED_FOR = 30.0
"""Seconds in which a question is asked again while brokers are gone."""
ANSWERED_WITHIN = 5.0
"""Seconds that one broker has for an answer."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """A topic as it should be."""

    name: str
    partitions: int
    replication: int
    config: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TopicState:
    """A topic as the broker has it. `replication` is that of its least replicated partition."""

    partitions: int
    replication: int
    config: Mapping[str, str]
    """Every setting in force, inherited ones too."""
    overrides: Mapping[str, str]
    """The settings made on the topic itself."""


@asynccontextmanager
async def _admin(client: Mapping[str, Any], **options: Any) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(**client, **options)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


async def _answer(ask: Callable[[], Awaitable[T]]) -> T:
    """Ask until a broker answers: aiokafka asks any that it has heard of, and that one may be gone."""
    deadline = asyncio.get_running_loop().time() + ASKED_FOR
    while True:
        try:
            return await ask()
        except KafkaError as error:
            if not error.retriable or asyncio.get_running_loop().time() > deadline:
                raise
            await asyncio.sleep(0.1)


async def describe(client: Mapping[str, Any], names: Iterable[str]) -> dict[str, TopicState]:
    """The topics that exist among `names`. `client` are aiokafka's connection options."""
    async with _admin(client, request_timeout_ms=int(1000 * ANSWERED_WITHIN)) as admin:
        topics = await _answer(lambda: admin.describe_topics(sorted(names)))
        there = {topic["topic"]: topic["partitions"] for topic in topics if topic["error_code"] == 0}
        if not there:
            return {}
        resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in there]
        answers = await _answer(lambda: admin.describe_configs(resources))
    configs = {name: entries for answer in answers for code, _, _, name, entries in answer.resources if code == 0}
    return {name: _state(partitions, configs[name]) for name, partitions in there.items() if name in configs}


async def partitions_of(client: Mapping[str, Any], topic: str) -> int:
    """How many partitions a topic has; 0 where it does not exist. Asked once: clients ask for ever."""
    async with _admin(client, request_timeout_ms=int(1000 * ANSWERED_WITHIN)) as admin:
        (found,) = await _answer(lambda: admin.describe_topics([topic]))
    return len(found["partitions"]) if found["error_code"] == 0 else 0


def _state(partitions: Sequence[Mapping[str, Any]], entries: Sequence[Sequence[Any]]) -> TopicState:
    config = {name: value for name, value, *_ in entries}
    overrides = {name: value for name, value, _, source, *_ in entries if source == TOPIC_OVERRIDE}
    replication = min(len(partition["replicas"]) for partition in partitions)
    return TopicState(len(partitions), replication, config, overrides)


async def create(client: Mapping[str, Any], specs: Iterable[TopicSpec]) -> None:
    """Create topics, and wait until they can be used; one that is there already is left alone.

    Raises aiokafka's error with the topic's name, or TimeoutError.
    """
    new = [
        NewTopic(
            name=spec.name,
            num_partitions=spec.partitions,
            replication_factor=spec.replication,
            topic_configs=dict(spec.config),
        )
        for spec in specs
    ]
    if not new:
        return
    async with _admin(client) as admin:
        answer = await admin.create_topics(new)
    for name, code, reason in answer.topic_errors:
        if code not in {0, TOPIC_EXISTS}:
            message = f"{name}: {reason}"
            raise for_code(code)(message)
    await _until_served(client, [spec.name for spec in new])


async def _until_served(client: Mapping[str, Any], names: Sequence[str]) -> None:
    """Wait until every partition of new topics has a leader: a broker answers the creation before it knows them."""
    async with asyncio.timeout(SERVED_WITHIN), _admin(client) as admin:
        while not all(map(_served, await admin.describe_topics(sorted(names)))):  # noqa: ASYNC110 - brokers tell no event
            await asyncio.sleep(0.05)


def _served(topic: Mapping[str, Any]) -> bool:
    partitions = topic["partitions"]
    return topic["error_code"] == 0 and bool(partitions) and all(p["leader"] >= 0 for p in partitions)


async def alter(client: Mapping[str, Any], changes: Mapping[str, Mapping[str, str]]) -> None:
    """Set topics' settings (name to settings); other settings made on a topic stay as they are.

    Kafka's AlterConfigs replaces all of a topic's settings, so the present ones are sent along.
    """
    if not changes:
        return
    states = await describe(client, changes)
    resources = [
        ConfigResource(ConfigResourceType.TOPIC, name, configs={**states[name].overrides, **wanted})
        for name, wanted in changes.items()
    ]
    async with _admin(client) as admin:
        answers = await admin.alter_configs(resources)
    for answer in answers:
        for code, reason, _, name in answer.resources:
            if code:
                message = f"{name}: {reason}"
                raise for_code(code)(message)
