"""`rater worker`: rate the log, in one process, until SIGTERM."""

from __future__ import annotations

from typing import Annotated

import typer


def worker(
    adopt: Annotated[
        bool,
        typer.Option("--adopt", help="Begin a log without state here, or past records that are gone. Operators only."),
    ] = False,
) -> None:
    """Rate the calls of the log's partitions that the group gives to this process."""
    from rater.service.settings import Settings
    from rater.service.worker import run

    run(Settings(), adopt=adopt)
