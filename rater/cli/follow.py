"""`rater import --follow`: files that grow and are rotated, until the command is asked to stop."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from rater.cli.errors import fail, warn

if TYPE_CHECKING:
    from rater.switches.profile import Profile


async def follow_files(paths: Sequence[Path], profile: Profile, *, as_json: bool) -> None:
    """Write what the files get into the switch's topic as it comes. Exit status 1 where something may be lost."""
    from rater.app import logs
    from rater.cli.files import source
    from rater.kafka.settings import Settings
    from rater.tools.follow import FollowedFile, follow
    from rater.tools.import_topic import topic_import

    folders = [path for path in paths if path.is_dir()]
    if folders:
        raise fail(f"{folders[0]}: a folder cannot be followed", "name the file that grows; files beside it are found")
    settings = Settings()
    logs.set_up(settings.log_level, as_json=settings.log_json)
    stopped = asyncio.Event()
    for asked in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(asked, stopped.set)
    async with topic_import(settings, profile) as importing:
        files = [FollowedFile(path, importing, source) for path in paths]
        typer.echo(f"following {', '.join(map(str, paths))} into {importing.topic}", err=True)
        await follow(files, stopped)
    lost = [what for one in files for what in one.lost]
    outcomes = dict(importing.outcomes)
    if as_json:
        typer.echo(json.dumps({"outcomes": outcomes, "lost": lost}))
    else:
        typer.echo(f"{sum(outcomes.values()):,} records written to {importing.topic}", err=True)
        for what in lost:
            warn(what)
    if lost:
        raise typer.Exit(1)
