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
    from rater.app.worker import run
    from rater.kafka.settings import Settings

    run(Settings(), adopt=adopt)
