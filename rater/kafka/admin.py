"""Topics as they should be and as they are: describe, create, alter. Generic; the plan is the application's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, TypeVar

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, for_code

TOPIC_OVERRIDE = 1
"""Kafka's code of a config source: set on the topic itself, not inherited."""

UNKNOWN_TOPIC = 3
TOPIC_EXISTS = 36
SETTINGS_REFUSED = {40, 44}
"""Kafka's codes of INVALID_CONFIG and POLICY_VIOLATION, by which brokers refuse a setting."""
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
    """How many partitions a topic has; 0 where it does not exist. Asked once: clients ask forever."""
    async with _admin(client, request_timeout_ms=int(1000 * ANSWERED_WITHIN)) as admin:
        (found,) = await _answer(lambda: admin.describe_topics([topic]))
    return len(found["partitions"]) if found["error_code"] == 0 else 0


def _state(partitions: Sequence[Mapping[str, Any]], entries: Sequence[Sequence[Any]]) -> TopicState:
    config = {name: value for name, value, *_ in entries}
    overrides = {name: value for name, value, _, source, *_ in entries if source == TOPIC_OVERRIDE}
    replication = min(len(partition["replicas"]) for partition in partitions)
    return TopicState(len(partitions), replication, config, overrides)


class LeftOut(NamedTuple):
    """A setting that a broker refused, so that the topic is without it."""

    topic: str
    setting: str
    reason: str


async def create(
    client: Mapping[str, Any], specs: Iterable[TopicSpec], needed: Collection[str] | None = None
) -> list[LeftOut]:
    """Create topics, and wait until they can be used; one that is there already is left alone.

    A managed broker may fix some settings: those that it refuses are left out one by one and reported, but for the
    `needed` ones (None: all are). Raises aiokafka's error with the topic's name, or TimeoutError.
    """
    left_out: list[LeftOut] = []
    waiting = list(specs)
    names = [spec.name for spec in waiting]
    while waiting:
        async with _admin(client) as admin:
            answer = await admin.create_topics([_new(spec) for spec in waiting])
        refused = {name: (code, reason) for name, code, reason in answer.topic_errors if code not in {0, TOPIC_EXISTS}}
        waiting = [
            _without(spec, _refused(spec.name, spec.config, needed, *refused[spec.name]), left_out)
            for spec in waiting
            if spec.name in refused
        ]
    if names:
        await _until_served(client, names)
    return left_out


def _new(spec: TopicSpec) -> NewTopic:
    return NewTopic(
        name=spec.name,
        num_partitions=spec.partitions,
        replication_factor=spec.replication,
        topic_configs=dict(spec.config),
    )


def _without(spec: TopicSpec, left: LeftOut, left_out: list[LeftOut]) -> TopicSpec:
    left_out.append(left)
    return replace(spec, config={name: value for name, value in spec.config.items() if name != left.setting})


def _refused(
    topic: str, config: Mapping[str, str], needed: Collection[str] | None, code: int, reason: str | None
) -> LeftOut:
    """The setting that a broker refused: the one that it names, else the last that can be done without."""
    spare = [] if needed is None else [name for name in config if name not in needed]
    if code not in SETTINGS_REFUSED or not spare:
        message = f"{topic}: {reason}"
        raise for_code(code)(message)
    named = next((name for name in sorted(spare, key=len, reverse=True) if name in (reason or "")), spare[-1])
    return LeftOut(topic, named, reason or for_code(code).__name__)


async def _until_served(client: Mapping[str, Any], names: Sequence[str]) -> None:
    """Wait until every partition of new topics has a leader: a broker answers the creation before it knows them."""
    async with asyncio.timeout(SERVED_WITHIN), _admin(client) as admin:
        while not all(map(_served, await admin.describe_topics(sorted(names)))):  # noqa: ASYNC110 - brokers tell no event
            await asyncio.sleep(0.05)


def _served(topic: Mapping[str, Any]) -> bool:
    partitions = topic["partitions"]
    return topic["error_code"] == 0 and bool(partitions) and all(p["leader"] >= 0 for p in partitions)


async def alter(
    client: Mapping[str, Any], changes: Mapping[str, Mapping[str, str]], needed: Collection[str] | None = None
) -> list[LeftOut]:
    """Set topics' settings (name to settings); other settings made on a topic stay as they are.

    Kafka's AlterConfigs replaces all of a topic's settings, so the present ones are sent along. What a broker refuses
    is left out as `create` does.
    """
    left_out: list[LeftOut] = []
    if not changes:
        return left_out
    states = await describe(client, changes)
    waiting = {name: dict(wanted) for name, wanted in changes.items()}
    while waiting:
        resources = [
            ConfigResource(ConfigResourceType.TOPIC, name, configs={**states[name].overrides, **wanted})
            for name, wanted in waiting.items()
        ]
        async with _admin(client) as admin:
            answers = await admin.alter_configs(resources)
        refused = {name: (code, why) for answer in answers for code, why, _, name in answer.resources if code}
        for name, (code, why) in refused.items():
            left = _refused(name, waiting[name], needed, code, why)
            left_out.append(left)
            del waiting[name][left.setting]
        waiting = {name: waiting[name] for name in refused if waiting[name]}
    return left_out
