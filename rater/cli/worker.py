"""`rater worker`: rate the log, in one process, until SIGTERM."""

from __future__ import annotations

from typing import Annotated

import typer


def worker(
    adopt: Annotated[  # noqa: FBT002 - a flag of the command line
        bool,
        typer.Option("--adopt", help="Begin a log without state here, or past records that are gone. Operators only."),
    ] = False,
) -> None:
    """Rate the calls of the log's partitions that the group gives to this process."""
    from rater.service.settings import Settings  # noqa: PLC0415
    from rater.service.worker import run  # noqa: PLC0415

    run(Settings(), adopt=adopt)
