"""The worker: the engine, running the rater's step over the log. `rater worker` calls `run`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import NoReturn, get_args

import orjson

from rater.app import logs
from rater.app.health import serve
from rater.engine import checks
from rater.engine.config import EngineConfig
from rater.engine.engine import Engine
from rater.engine.faust.run import run as run_engine
from rater.kafka import admin
from rater.kafka.failstop import Refused
from rater.kafka.settings import Role, Settings
from rater.kafka.topics import topic_plan
from rater.processor.decision import REJECTED, State
from rater.processor.due import work_left
from rater.processor.outputs import failures
from rater.processor.read_model_outputs import with_read_model_outputs
from rater.processor.rows import READABLE_FORMATS, ROW_FORMAT
from rater.processor.step import TABLES, make_step
from rater.seam.model import Effects, Head, Output, Record, Rows, Step

logger = logging.getLogger(__name__)

LOG = "calls"

WORK_OF_A_TICK = 1_000
"""Row changes of one of the worker's own ticks, some 0.1 s of work, during which no call is rated."""

FAILED = f"{REJECTED}internal-error"


def run(settings: Settings, *, adopt: bool = False) -> NoReturn:
    """Check the topics and rate the log until SIGTERM. Raises `Refused` where starting would not be safe."""
    logs.set_up(settings.log_level, as_json=settings.log_json)
    states = {} if settings.embedded else asyncio.run(check_topics(settings))
    run_engine(engine_config(settings, states, adopt=adopt), started=lambda engine: _serve_health(settings, engine))


async def _serve_health(settings: Settings, engine: Engine) -> None:
    if settings.health_port:
        await serve(engine, settings.health_host, settings.health_port)


async def check_topics(settings: Settings) -> dict[str, admin.TopicState]:
    """The topics as the broker has them. Raises `Refused` with every problem and the command that mends it."""
    plan = topic_plan(settings, TABLES)
    states = await admin.describe(settings.client_options(), [spec.name for spec in plan])
    problems = checks.problems(plan, states)
    weaknesses = checks.weaknesses(plan, states)
    if weaknesses and not settings.dev:
        problems += [*weaknesses, "charges could be lost with a broker; on a development broker set RATER_DEV=1"]
    if problems:
        raise Refused("\n".join(problems))
    if weaknesses:
        logger.warning("RATER_DEV is set: charges could be lost with a broker (%s, ...)", weaknesses[0])
    return states


def engine_config(
    settings: Settings, states: Mapping[str, admin.TopicState] | None = None, *, adopt: bool = False
) -> EngineConfig:
    """The engine's configuration for the rater; `states` are the topics as described by the broker."""
    return EngineConfig(
        app_id=settings.full_app_id,
        log=LOG,
        topics={role: settings.topic(role) for role in get_args(Role)},
        partitions=settings.partitions,
        tables=TABLES,
        step=_step(settings),
        row_format=ROW_FORMAT,
        readable_formats=READABLE_FORMATS,
        client=settings.client_options(),
        tick=clock_tick if settings.tick_interval else None,
        tick_interval=settings.tick_interval,
        work_left=lambda state: state is not None and work_left(State.read(state)),
        session_timeout=settings.session_timeout,
        rebalance_timeout=settings.rebalance_timeout,
        transaction_timeout=settings.transaction_timeout,
        request_timeout=settings.request_timeout,
        max_poll_records=settings.max_poll_records,
        max_batch_size=checks.largest_batch(states) if states else 1 << 20,
        compression=None if settings.compression == "none" else settings.compression,
        check_crcs=not settings.embedded,
        instance_id=settings.instance_id,
        adopt=adopt,
    )


def _step(settings: Settings) -> Step:
    """The step that every rater runs, with what only a worker does around it."""
    step = make_step(settings.topic(LOG), spend=settings.spend)
    return with_read_model_outputs(log_internal_errors(step), settings.topic(LOG))


def log_internal_errors(step: Step) -> Step:
    """The step, and an error in the log for each record that the rules failed on: somebody must look at it."""

    def reporting(rows: Rows, head: Head, partition: int, records: Iterable[Record]) -> Effects:
        effects = step(rows, head, partition, records)
        if effects.head.outcomes.get(FAILED, 0) > head.outcomes.get(FAILED, 0):
            for place, where in failures(effects.outputs):
                logger.error("the rules failed on the record at %s, which is rejected: %s", place, where)
        return effects

    return reporting


def clock_tick(partition: int, now: int) -> Output:
    """The clock-ticked event of a moment (milliseconds since the epoch): from here on, time is a fact in the log."""
    at = datetime.fromtimestamp(now / 1000, UTC).isoformat(timespec="milliseconds")
    words = {"type": "clock-ticked/1", "at": at, "changes": WORK_OF_A_TICK}
    return Output(LOG, partition, None, orjson.dumps(words), now, ())
