"""The command's root: its verbs, and how errors that are no bugs reach people."""

from __future__ import annotations

import io
import os
import platform
import sys
from typing import Annotated, NoReturn

import typer

from rater import __version__
from rater.cli import (
    advise,
    audit,
    classes,
    connect_rate,
    console,
    corrections,
    demo,
    explain,
    export,
    project,
    rate,
    rerate,
    settings,
    simulate,
    snapshot,
    statement,
    subscribe,
    tariffs,
    topics,
    worker,
)
from rater.cli.errors import message_for

PIPE_CLOSED = 141
"""Exit status: as a shell has it for a command that SIGPIPE ended."""

app = typer.Typer(
    name="rater",
    help="The streaming call rater: every call-ended event charged exactly once.",
    epilog=(
        "Exit status: 0 done; 1 the answer is no (rejected, not proved right, not there); 2 the command, a setting or a"
        " file is wrong; 3 not decided (not all proved, not rated yet); 69 Kafka is not reachable or refuses;"
        " 70, 71, 75 a worker ended itself; 74 an output could not be written; 78 starting would not be safe."
    ),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _version(asked: bool) -> None:  # noqa: FBT001 - typer calls it
    if asked:
        typer.echo(f"rater {__version__}, Python {platform.python_version()}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False,
) -> None:
    """Nothing but the verbs does anything."""


app.command("worker")(worker.worker)
app.add_typer(topics.app, name="topics")
app.add_typer(tariffs.app, name="tariffs")
app.add_typer(classes.app, name="classes")
app.command("subscribe")(subscribe.subscribe)
app.command("adjust")(corrections.adjust)
app.command("void")(corrections.void)
app.command("tick")(corrections.tick)
app.command("export")(export.export)
app.command("rate")(rate.rate)
app.command("rerate")(rerate.rerate)
app.command("statement")(statement.statement)
app.command("explain")(explain.explain)
app.command("advise")(advise.advise)
app.command("connect-rate")(connect_rate.connect_rate)
app.command("audit")(audit.audit)
app.command("snapshot")(snapshot.snapshot)
app.command("console")(console.console)
app.command("project")(project.project)
app.command("simulate")(simulate.simulate)
app.command("demo")(demo.demo)
app.command("settings")(settings.settings)


def main() -> NoReturn:
    """Run the command; expected failures end it with a message and no traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal that has no character for something shows a ?
            stream.reconfigure(errors="replace")
    try:
        app()
    except BrokenPipeError:  # whoever read our output has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(PIPE_CLOSED)
    except Exception as error:
        message = message_for(error)
        if message is None:
            raise
        typer.secho(message.text, err=True, fg=typer.colors.RED)
        sys.exit(message.status)
    sys.exit(0)
