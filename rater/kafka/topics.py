"""Which topics the rater needs, and how each must be kept (contracts.md, exactly_once.md)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple, Self

from rater.kafka.admin import TopicSpec
from rater.kafka.settings import Settings
from rater.seam.heads import HEADS
from rater.seam.model import TableSpec

DAY_MS = 24 * 60 * 60 * 1000
MESSAGE_BYTES = "1048588"
"""Kafka's own default, said out loud: a change of the broker's default must not make our batches too large."""

RAW_KEPT_DAYS = 90
"""How long a switch's records are kept as it wrote them: as long as one may want to look at them, or redrive them."""

FOR_EVER = {"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}
COMPACT = {
    # Small segments and an eager cleaner: a changelog that is never cleaned makes every restart slower.
    "cleanup.policy": "compact",
    "segment.bytes": str(64 * 1024 * 1024),
    "segment.ms": str(DAY_MS),
    "min.cleanable.dirty.ratio": "0.2",
    "delete.retention.ms": str(7 * DAY_MS),
}


def topic_plan(settings: Settings, tables: Sequence[TableSpec]) -> list[TopicSpec]:
    """Every topic of the rater as it should be, for `rater topics create` and for the checks at start."""
    log = FOR_EVER | {"message.timestamp.type": "LogAppendTime"}
    by_role = {"calls": log, "charges": FOR_EVER, "rejected": FOR_EVER, "spend": COMPACT, "alerts": FOR_EVER}
    by_role |= {"rejected-cdrs": FOR_EVER, "resolutions": COMPACT}
    by_role |= {"undelivered": FOR_EVER}
    by_role |= {"catalog": COMPACT, "progress": COMPACT, "imports": COMPACT}
    shared = [_spec(settings, settings.topic(role), config) for role, config in by_role.items()]
    changelogs = [_spec(settings, changelog(settings, table.name), COMPACT) for table in (HEADS, *tables)]
    return shared + changelogs


class SwitchTopics(NamedTuple):
    """The names that belong to one switch."""

    source: str
    raw: str
    """Its records, as it writes them."""
    app_id: str
    """The intake's consumer group; its changelogs and transactional ids begin with it."""

    @classmethod
    def of(cls, settings: Settings, source: str) -> Self:
        """By the source that its profile names."""
        raw = settings.topic(f"switch-{source}")
        return cls(source, raw, f"{settings.topic_prefix}intake-{source}")


def switch_plan(settings: Settings, source: str, partitions: int, tables: Sequence[TableSpec]) -> list[TopicSpec]:
    """The topics of one switch, all with as many partitions as its records have; `tables` are the intake's."""
    names = SwitchTopics.of(settings, source)
    kept = {"cleanup.policy": "delete", "retention.ms": str(RAW_KEPT_DAYS * DAY_MS), "retention.bytes": "-1"}
    plan = [_spec(settings, names.raw, kept | {"message.timestamp.type": "LogAppendTime"})]
    plan += [_spec(settings, f"{names.app_id}-{table.name}-changelog", COMPACT) for table in (HEADS, *tables)]
    return [replace(spec, partitions=partitions) for spec in plan]


def changelog(settings: Settings, table: str) -> str:
    """The real name of a table's changelog."""
    return f"{settings.full_app_id}-{table}-changelog"


def _spec(settings: Settings, name: str, config: dict[str, str]) -> TopicSpec:
    common = {
        "max.message.bytes": MESSAGE_BYTES,
        "min.insync.replicas": str(min(settings.min_insync_replicas, settings.replication)),
        "unclean.leader.election.enable": "false",
    }
    return TopicSpec(name, settings.partitions, settings.replication, common | config)
