"""The Faust app with the engine inside. Faust gives the worker, the agent, the group, the assignment and the tables."""

from __future__ import annotations

import logging
from typing import Any

import faust
from faust.types import TP
from yarl import URL

from rater.engine.config import EngineConfig
from rater.engine.engine import Engine
from rater.engine.faust.recovery import EngineTables
from rater.engine.faust.tables import PartitionedTable
from rater.engine.faust.transport import BatchTopic, BatchTransport, FailStop

logger = logging.getLogger(__name__)


class EngineApp(FailStop, faust.App):
    """A Faust app whose log is rated exactly once. Made by `build_app`."""

    engine: Engine

    def _new_transport(self) -> BatchTransport:
        return BatchTransport(self.conf.broker_consumer, self)

    def _new_producer_transport(self) -> BatchTransport:
        return BatchTransport(self.conf.broker_producer, self)

    def _create_directories(self) -> None:
        """Nothing of a worker lives on disk."""

    async def on_first_start(self) -> None:
        """Start the engine's clocks with the app."""
        await super().on_first_start()
        self.engine.start()

    async def _consumer_wait_empty(self, consumer: Any, logger: Any) -> None:  # noqa: ARG002 - Faust's signature
        """Faust calls this on revocation and on stopping, after the flow has stopped: wait for what is in flight."""
        await self.engine.quiesce()

    async def on_stop(self) -> None:
        """Finish the transaction in flight, then leave the group."""
        await super().on_stop()
        await self.engine.close()


def build_app(config: EngineConfig) -> EngineApp:
    """The app: one agent on the log, one Faust table per engine table, everything else of Faust switched off."""
    app = EngineApp(
        config.app_id,
        broker=[URL("kafka://" + address) for address in _addresses(config)],
        store="memory://",
        Topic=BatchTopic,
        TableManager=EngineTables,
        topic_allow_declare=False,
        topic_disable_leader=True,
        topic_partitions=config.partitions,
        table_standby_replicas=0,
        web_enabled=False,
        broker_commit_interval=1.0,
        broker_session_timeout=config.session_timeout,
        broker_request_timeout=max(config.request_timeout, config.session_timeout),
        broker_rebalance_timeout=config.rebalance_timeout,
        broker_max_poll_records=config.max_poll_records,
        stream_buffer_maxsize=64,
        stream_wait_empty=False,
        stream_recovery_delay=0,
        worker_redirect_stdouts=False,
    )
    app.engine = Engine(config)
    app.engine.on_pressure = lambda partition, high: app.consumer.set_pressure(
        TP(config.log_topic, partition), high=high
    )
    _add_tables(app, config)
    log = app.topic(config.log_topic, partitions=config.partitions, value_type=bytes, value_serializer="raw")

    @app.agent(log, name="rater")
    async def rate(stream: Any) -> None:
        await app.engine.consume(stream.noack().events())

    return app


def _addresses(config: EngineConfig) -> list[str]:
    given = config.client.get("bootstrap_servers", "localhost:9092")
    return given.split(",") if isinstance(given, str) else list(given)


def _add_tables(app: EngineApp, config: EngineConfig) -> None:
    for spec in config.all_tables:
        table = PartitionedTable(app, name=spec.name, partitions=config.partitions, key_type=bytes, value_type=bytes)
        table.partitions_held = app.engine.held[spec.name]
        app.tables.add(table)
