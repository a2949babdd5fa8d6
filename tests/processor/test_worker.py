"""The worker around the engine: its topics, its ticks, its health."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from aiohttp.test_utils import TestClient, TestServer

from rater.app.health import routes
from rater.app.worker import check_topics, clock_tick, engine_config
from rater.engine.engine import NOWHERE, Engine
from rater.kafka import admin
from rater.kafka.failstop import Refused
from rater.kafka.settings import Settings
from rater.kafka.topics import topic_plan
from rater.processor.step import TABLES
from rater.wire.events import ClockTicked
from rater.wire.parse import parse

SETTINGS = Settings(_env_file=None, topic_prefix="eu-", app_id="r", partitions=8)


def test_every_topic_of_the_engine_is_in_the_plan() -> None:
    """What the worker writes and what `rater topics create` makes are the same topics, each with N partitions."""
    config = engine_config(SETTINGS)
    written = {*config.topics.values(), *(config.changelog(table.name) for table in config.all_tables)}
    plan = topic_plan(SETTINGS, TABLES)
    assert written == {spec.name for spec in plan}
    assert {spec.partitions for spec in plan} == {8}


def test_the_prefix_keeps_two_systems_apart() -> None:
    """Topics, group, changelogs and transactional ids all carry the prefix."""
    config = engine_config(SETTINGS)
    names = [config.app_id, config.log_topic, config.changelog("usage"), config.transactional_id(3)]
    assert names == ["eu-r", "eu-calls", "eu-r-usage-changelog", "eu-r.eu-calls.3"]


def test_logs_do_not_compact_and_changelogs_only_compact() -> None:
    """Calls and charges are kept forever; a changelog keeps the last value of each row."""
    by_name = {spec.name: spec.config for spec in topic_plan(SETTINGS, TABLES)}
    assert by_name["eu-calls"]["cleanup.policy"] == by_name["eu-charges"]["cleanup.policy"] == "delete"
    assert by_name["eu-calls"]["retention.ms"] == by_name["eu-charges"]["retention.ms"] == "-1"
    assert by_name["eu-calls"]["message.timestamp.type"] == "LogAppendTime"
    assert {c["cleanup.policy"] for name, c in by_name.items() if name.endswith("-changelog")} == {"compact"}


def test_the_clock_writes_events_that_the_step_reads() -> None:
    """A tick is a clock-ticked event without a key, in the partition it is for."""
    tick = clock_tick(3, 1_793_500_000_123)
    event = parse(tick.value)
    assert isinstance(event, ClockTicked)
    assert event.at == datetime.fromtimestamp(1_793_500_000.123, UTC)
    assert (tick.topic, tick.partition, tick.key) == ("calls", 3, None)


async def test_problems_of_the_topics_refuse_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every problem is told at once, with the command that mends it."""

    async def nothing(*_: object) -> dict[str, admin.TopicState]:
        return {}

    monkeypatch.setattr(admin, "describe", nothing)
    with pytest.raises(Refused, match=r"topics are missing: eu-calls, .*; run: rater topics create"):
        await check_topics(SETTINGS)


@pytest.mark.parametrize("dev", [False, True])
async def test_weak_durability_is_an_error_but_for_developers(monkeypatch: pytest.MonkeyPatch, dev: bool) -> None:  # noqa: FBT001
    """One replica is refused in production; RATER_DEV=1 makes it a warning."""
    plan = topic_plan(SETTINGS, TABLES)

    async def weak(*_: object) -> dict[str, admin.TopicState]:
        return {spec.name: admin.TopicState(8, 1, spec.config, {}) for spec in plan}

    monkeypatch.setattr(admin, "describe", weak)
    settings = SETTINGS.model_copy(update={"dev": dev})
    if dev:
        assert len(await check_topics(settings)) == len(plan)
    else:
        with pytest.raises(Refused, match="RATER_DEV=1"):
            await check_topics(settings)


async def test_health_tells_live_from_ready() -> None:
    """A worker in the middle of a restore is alive and not ready; nothing else is served."""
    engine = Engine(engine_config(SETTINGS))
    async with TestClient(TestServer(routes(engine))) as client:
        assert engine.epoch == NOWHERE
        assert (await client.get("/live")).status == 200
        assert (await client.get("/ready")).status == 503
        engine.epoch = 1
        ready = await client.get("/ready")
        assert (ready.status, await ready.json()) == (200, {"ready": True, "partitions": []})
        metrics = await client.get("/metrics")
        text = await metrics.text()
        assert "# TYPE rater_records_total counter" in text
        assert "rater_ready 1.0" in text
        assert "rater_commit_seconds_total 0.0" in text
        assert "process_start_time_seconds" in text
        assert (await client.get("/tables")).status == 404
        assert (await client.post("/live")).status == 405


def test_without_an_interval_no_tick_is_written() -> None:
    """Nor one that would finish what another left: `0 writes none`."""
    states = engine_config(SETTINGS.model_copy(update={"tick_interval": 0.0}))
    assert states.tick is None
    assert engine_config(SETTINGS).tick is clock_tick
