"""`rater topics create`: make the topics, or mend their settings."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from rater.cli.errors import fail, warn
from rater.cli.shown import show_table, visible

if TYPE_CHECKING:
    from rater.kafka.admin import LeftOut, TopicSpec, TopicState
    from rater.kafka.settings import Settings

app = typer.Typer(help="The topics that the rater needs.", no_args_is_help=True)


@app.callback()
def topics() -> None:
    """The topics that the rater needs."""


@app.command()
def create(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the changes as JSON.")] = False,
    switch: Annotated[
        list[str] | None,
        typer.Option("--switch", help="Also those of a switch, by its source; repeat it."),
    ] = None,
) -> None:
    """Make what is missing and mend settings that differ. Doing it twice changes nothing."""
    from rater.engine.checks import MUST_MATCH
    from rater.kafka import admin
    from rater.kafka.settings import Settings
    from rater.kafka.topics import topic_plan
    from rater.processor.step import TABLES

    settings = Settings()
    client = settings.client_options()
    plan = topic_plan(settings, TABLES)
    for source in switch or ():
        plan += _of_switch(settings, source)
    states = asyncio.run(admin.describe(client, [spec.name for spec in plan]))
    _refuse_other_partitions(plan, states)
    asyncio.run(_not_under_import(settings, states))
    missing = [spec for spec in plan if spec.name not in states]
    changes = {spec.name: _differences(spec, states[spec.name]) for spec in plan if spec.name in states}
    changes = {name: wanted for name, wanted in changes.items() if wanted}
    left_out: list[LeftOut] = []
    if not dry_run:
        left_out += asyncio.run(admin.create(client, missing, MUST_MATCH))
        left_out += asyncio.run(admin.alter(client, changes, MUST_MATCH))
    for topic, setting, reason in left_out:
        warn(f"{topic}: the broker refuses {setting}, so it is left as the broker has it ({reason})")
    if as_json:
        refused = [left._asdict() for left in left_out]
        typer.echo(json.dumps({"created": [spec.name for spec in missing], "altered": changes, "left_out": refused}))
        return
    _show(plan, {spec.name for spec in missing}, changes, dry_run=dry_run)


async def _not_under_import(settings: Settings, states: Mapping[str, TopicState]) -> None:
    """A log under import has times of its own until it is sealed: mending that would let workers in too early."""
    from rater.tools.import_log import log_import

    if settings.topic("imports") not in states or settings.embedded:
        return
    under_way = await log_import(settings)
    if under_way is not None and not under_way.done:
        raise fail(
            f"a log is being imported into {settings.topic('calls')}: {under_way.lines:,} records so far",
            "go on with it: rater import LOG",
            78,
        )


def _of_switch(settings: Settings, source: str) -> list[TopicSpec]:
    """The topics of a switch, with as many partitions as its records have; where there are none yet, as the log."""
    from rater.intake.rows import TABLES
    from rater.kafka.admin import partitions_of
    from rater.kafka.topics import SwitchTopics, switch_plan
    from rater.switches.profile_words import SOURCE

    if not re.fullmatch(SOURCE, source):
        raise fail(f"--switch {visible(source)}: letters, digits, dots, dashes and underscores, 64 at most")
    raw = SwitchTopics.of(settings, source).raw
    there = asyncio.run(partitions_of(settings.client_options(), raw))
    return switch_plan(settings, source, there or settings.partitions, TABLES)


def _refuse_other_partitions(plan: list[TopicSpec], states: Mapping[str, TopicState]) -> None:
    for spec in plan:
        state = states.get(spec.name)
        if state is not None and state.partitions != spec.partitions:
            raise fail(
                f"{spec.name} has {state.partitions} partitions, not {spec.partitions}",
                "The number of partitions can never change: accounts would be split over partitions and billed wrong."
                f"\nSet RATER_PARTITIONS={state.partitions}, or move to a new log with another RATER_TOPIC_PREFIX.",
                status=1,
            )


def _differences(spec: TopicSpec, state: TopicState) -> dict[str, str]:
    return {name: value for name, value in spec.config.items() if state.config.get(name) != value}


def _show(plan: list[TopicSpec], created: set[str], changes: Mapping[str, Mapping[str, str]], *, dry_run: bool) -> None:
    table = Table(title="Would be done" if dry_run else None)
    table.add_column("topic")
    table.add_column("partitions", justify="right")
    table.add_column("replicas", justify="right")
    table.add_column("done")
    for spec in plan:
        altered = ", ".join(f"{name}={value}" for name, value in changes.get(spec.name, {}).items())
        done = "created" if spec.name in created else altered or "as it should be"
        table.add_row(spec.name, str(spec.partitions), str(spec.replication), done)
    show_table(table)
