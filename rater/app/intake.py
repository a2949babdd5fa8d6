"""The intake: the engine, running the intake's step over a switch's topic. `rater intake` calls `run_intake`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import NoReturn

from rater.app import logs
from rater.app.health import serve
from rater.app.metrics import INTAKE
from rater.engine import checks
from rater.engine.config import EngineConfig
from rater.engine.engine import Engine
from rater.engine.faust.run import run as run_engine
from rater.intake.rows import INTAKE_FORMAT, TABLES
from rater.intake.step import make_intake_step
from rater.kafka import admin
from rater.kafka.failstop import Refused
from rater.kafka.reader import log_partitions
from rater.kafka.settings import Settings
from rater.kafka.topics import SwitchTopics, switch_plan
from rater.switches.profile import Profile

logger = logging.getLogger(__name__)

TRANSACTION = 3.0
"""Seconds that a transaction may take: one that hangs holds up the readers of every partition of the calls."""


def run_intake(settings: Settings, profile: Profile, *, adopt: bool = False) -> NoReturn:
    """Check the topics and make calls of the switch's records until SIGTERM. Raises `Refused` where that is unsafe."""
    logs.set_up(settings.log_level, as_json=settings.log_json)
    names = SwitchTopics.of(settings, profile.source)
    states, calls = asyncio.run(_checked(settings, names))
    logger.info("intake of %s by profile %s, format %s", names.raw, profile.hash, profile.spec.format)
    config = intake_config(settings, profile, states, calls, adopt=adopt)
    run_engine(config, started=lambda engine: _serve_health(settings, engine))


async def _serve_health(settings: Settings, engine: Engine) -> None:
    if settings.health_port:
        await serve(engine, settings.health_host, settings.health_port, INTAKE)


async def _checked(settings: Settings, names: SwitchTopics) -> tuple[dict[str, admin.TopicState], int]:
    """The switch's topics as the broker has them, and the partitions of the log. Raises `Refused`."""
    if settings.embedded:  # which cannot describe topics
        return {}, settings.partitions
    calls = await log_partitions(settings)
    client = settings.client_options()
    raw = (await admin.describe(client, [names.raw])).get(names.raw)
    if raw is None:
        raise Refused(f"there is no topic {names.raw}; run: rater topics create --switch {names.source}")
    plan = switch_plan(settings, names.source, raw.partitions, TABLES)
    states = await admin.describe(client, [spec.name for spec in plan])
    problems = checks.problems(plan, states)
    weaknesses = [] if settings.dev else checks.weaknesses(plan, states)
    if problems or weaknesses:
        mend = f"run: rater topics create --switch {names.source}"
        raise Refused("\n".join([*(one.replace(checks.MEND, mend) for one in problems), *weaknesses]))
    return states, calls


def intake_config(
    settings: Settings,
    profile: Profile,
    states: Mapping[str, admin.TopicState],
    calls: int,
    *,
    adopt: bool = False,
) -> EngineConfig:
    """The engine's configuration for the intake of a switch; `calls` is the number of partitions of the log."""
    names = SwitchTopics.of(settings, profile.source)
    return EngineConfig(
        app_id=names.app_id,
        log="switch",
        topics={"switch": names.raw, "rejected": settings.topic("rejected-cdrs"), "calls": settings.topic("calls")},
        partitions=states[names.raw].partitions if states else settings.partitions,
        tables=TABLES,
        step=make_intake_step(profile, names.raw, calls),
        row_format=INTAKE_FORMAT,
        client=settings.client_options(),
        session_timeout=settings.session_timeout,
        rebalance_timeout=settings.rebalance_timeout,
        transaction_timeout=min(settings.transaction_timeout, TRANSACTION),
        request_timeout=settings.request_timeout,
        max_poll_records=settings.max_poll_records,
        max_batch_size=checks.largest_batch(states) if states else 1 << 20,
        check_crcs=not settings.embedded,
        compression=None if settings.compression == "none" else settings.compression,
        instance_id=settings.instance_id,
        adopt=adopt,
    )
