"""`rater intake`: make calls of what a switch writes to its topic, in one process, until SIGTERM."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def intake(
    profile: Annotated[Path, typer.Argument(help="The profile of the switch (docs/switches.md).")],
    adopt: Annotated[
        bool,
        typer.Option("--adopt", help="Begin a topic without state here, or past records that are gone."),
    ] = False,
) -> None:
    """Make calls of the records in a switch's topic `switch-SOURCE`, each exactly once. One process or more a switch.

    Start it anew after the profile changed. What no call can be made of stands in `rejected-cdrs`.
    """
    from rater.app.intake import run_intake
    from rater.cli.profiles import profile_of
    from rater.kafka.settings import Settings

    run_intake(Settings(), profile_of(profile), adopt=adopt)
