"""The command's root: its verbs, and how errors that are no bugs reach people."""

from __future__ import annotations

import io
import os
import platform
import sys
from collections.abc import Callable
from typing import Annotated, Any, NoReturn

import typer

from rater import __version__
from rater.cli import (
    advise,
    alerts,
    audit,
    classes,
    connect_rate,
    console,
    corrections,
    demo,
    door,
    explain,
    export,
    export_month,
    import_files,
    intake,
    notify,
    project,
    rate,
    rejected,
    rerate,
    settings,
    simulate,
    snapshot,
    statement,
    subscribe,
    switches,
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


RUN, SAY, LOOK, FILES, PROVE, TRY = "Run it", "Say what holds", "Look", "Files and switches", "Prove it", "Try it"
VERBS: dict[str, tuple[Callable[..., Any] | typer.Typer, str, str]] = {
    "worker": (worker.worker, RUN, "rater worker"),
    "topics": (topics.app, RUN, "rater topics create"),
    "intake": (intake.intake, RUN, "rater intake examples/switches/freeswitch-event/profile.yaml"),
    "door": (door.app, RUN, "rater door token billing --scope calls:write"),
    "console": (console.console, RUN, "rater console --port 8300"),
    "project": (project.project, RUN, "rater project --once"),
    "notify": (notify.app, RUN, "rater notify run examples/notify.yaml"),
    "tick": (corrections.tick, RUN, "rater tick --at 2026-11-20T00:00:00+08:00"),
    "tariffs": (tariffs.app, SAY, "rater tariffs publish book.yaml"),
    "classes": (classes.app, SAY, "rater classes affected log.jsonl --tariffs book.yaml"),
    "subscribe": (subscribe.subscribe, SAY, "rater subscribe A000123 hybrid-200 --spend-cap 500.00"),
    "adjust": (corrections.adjust, SAY, "rater adjust A000123 --reason outage -- -12.00"),
    "void": (corrections.void, SAY, "rater void A000123 pbx-1 c-0000001 --reason test"),
    "statement": (statement.statement, LOOK, "rater statement A000123 2026-10"),
    "explain": (explain.explain, LOOK, "rater explain A000123:2026-11:7"),
    "advise": (advise.advise, LOOK, "rater advise A000123"),
    "connect-rate": (connect_rate.connect_rate, LOOK, "rater connect-rate A000123"),
    "alerts": (alerts.app, LOOK, "rater alerts list"),
    "rejected": (rejected.app, LOOK, "rater rejected list"),
    "export-month": (export_month.export_month, LOOK, "rater export-month 2026-10 --out october.csv"),
    "rate": (rate.rate, FILES, "rater rate events.jsonl --summary"),
    "rerate": (rerate.rerate, FILES, "rater rerate log.jsonl --tariffs book.yaml"),
    "import": (import_files.import_, FILES, "rater import Master.csv --profile profile.yaml"),
    "export": (export.export, FILES, "rater export --out log.jsonl"),
    "switches": (switches.app, FILES, "rater switches try profile.yaml Master.csv"),
    "simulate": (simulate.simulate, FILES, "rater simulate --calls 1000 --out events.jsonl"),
    "audit": (audit.audit, PROVE, "rater audit"),
    "snapshot": (snapshot.snapshot, PROVE, "rater snapshot --out snapshot.jsonl"),
    "demo": (demo.demo, TRY, "rater demo --keep"),
    "settings": (settings.settings, TRY, "rater settings"),
}
"""A verb -> what does it, its group in --help, and an example, which stands in its own --help."""

for _name, (_does, _group, _example) in VERBS.items():
    if isinstance(_does, typer.Typer):
        app.add_typer(_does, name=_name, rich_help_panel=_group, epilog=f"Example: {_example}")
    else:
        app.command(_name, rich_help_panel=_group, epilog=f"Example: {_example}")(_does)


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
