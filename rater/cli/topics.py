"""`rater topics create`: make the topics, or mend their settings."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from rater.cli.errors import fail, warn
from rater.cli.shown import show_table

if TYPE_CHECKING:
    from rater.kafka.admin import LeftOut, TopicSpec, TopicState

app = typer.Typer(help="The topics that the rater needs.", no_args_is_help=True)


@app.callback()
def topics() -> None:
    """The topics that the rater needs."""


@app.command()
def create(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the changes as JSON.")] = False,
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
    states = asyncio.run(admin.describe(client, [spec.name for spec in plan]))
    _refuse_other_partitions(plan, states)
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
