"""`rater demo`: the whole thing in one command, without installing Kafka."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext, suppress
from importlib.util import find_spec
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer
from rich.console import Console
from rich.live import Live

from rater.cli.demo_view import DemoView
from rater.cli.errors import fail

if TYPE_CHECKING:
    from rater.audit.report import Report
    from rater.kafka.settings import Settings
    from rater.tools.demo import Size

MOST_IN_A_PARTITION = 13_000
"""The embedded broker keeps about 5 MB a partition; of more events not all would be there to be audited."""


def demo(
    calls: Annotated[int, typer.Option(min=1, max=4 * MOST_IN_A_PARTITION, help="How many calls.")] = 20_000,
    seconds: Annotated[float, typer.Option(min=1, max=600, help="Over how many seconds.")] = 20,
    accounts: Annotated[int, typer.Option(min=1, max=1000, help="Over how many accounts.")] = 60,
    seed: Annotated[int, typer.Option(help="The same seed gives the same calls.")] = 1,
    console: Annotated[bool, typer.Option(help="Serve the web console on this machine while the demo runs.")] = True,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the console open at the end, until Ctrl-C.")] = False,
) -> None:
    """A broker in memory, a simulated switch, a worker, and what comes out, live; then the books are checked.

    Ends by itself and leaves nothing running. Exit status 1 if the money does not add up.
    """
    from rater.cli.audit import show
    from rater.kafka.topics import topic_plan
    from rater.processor.step import TABLES
    from rater.tools.demo import WorkerEnded, demo_settings, size, story
    from rater.tools.embedded import NoEmbeddedBroker, embedded_broker

    planned = size(story(seed, calls, accounts))
    if planned.heaviest > MOST_IN_A_PARTITION:
        raise fail(
            f"{planned.heaviest:,} records would be in one partition; "
            f"the embedded broker holds {MOST_IN_A_PARTITION:,}",
            "take fewer --calls or more --accounts",
        )
    topics = [spec.name for spec in topic_plan(demo_settings(""), TABLES)]
    try:
        with embedded_broker(topics) as address, tempfile.TemporaryDirectory(prefix="rater-demo-") as folder:
            settings = demo_settings(address)
            tale = Story(calls, seconds, accounts, seed, planned)
            report = asyncio.run(_run(settings, Path(folder), tale, console=console, keep=keep))
    except (NoEmbeddedBroker, WorkerEnded) as error:
        raise fail(str(error), status=1) from error
    show(report)
    if not report.status:
        typer.echo('Next: README.md, "Run it for real".')
    raise typer.Exit(1 if report.status else 0)


class Story(NamedTuple):
    """What the demo tells."""

    calls: int
    seconds: float
    accounts: int
    seed: int
    size: Size


async def _run(settings: Settings, folder: Path, planned: Story, *, console: bool, keep: bool) -> Report:
    from rater.audit.run import audit
    from rater.kafka.log_writer import publish_book
    from rater.tools.demo import all_rated, running, story
    from rater.tools.feed import feed
    from rater.wire.shipped import shipped_book

    wanted = planned.size.events
    view = DemoView(wanted)
    log = folder / "worker.log"
    async with running("worker", settings, log) as worker, _console(settings, folder, on=console) as address:
        if address:
            typer.echo(address)
            view.console = address
        async with _shown(view), _watched(settings, view):
            await publish_book(settings, shipped_book())
            async for fed in feed(
                settings, story(planned.seed, planned.calls, planned.accounts), rate=wanted / planned.seconds
            ):
                view.fed = fed
            await all_rated(settings, planned.size.records + settings.partitions, worker, log)
            await asyncio.sleep(0.5)  # for the eye: the last figures on the screen
            report = await audit(settings)
        if address and keep:
            typer.echo(f"{address}\nThe console stays open: end it with Ctrl-C.")
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
        return report


@asynccontextmanager
async def _console(settings: Settings, folder: Path, *, on: bool) -> AsyncIterator[str]:
    """The web console over a read model of its own; gives where it is and how to log in, or nothing without it."""
    from rater.tools.demo import console_address, running

    log, token = folder / "console.log", token_hex(16)
    if not on or find_spec("nicegui") is None:
        yield ""
        return
    ours = {"database_url": f"sqlite:///{folder / 'rater.db'}", "console_token": token, "console_port": "0"}
    async with running("console", settings, log, **ours) as process:
        address = await console_address(process, log)
        if address is None:
            raise fail("the console did not start; the end of its log:", log.read_text()[-2000:], status=1)
        yield f"The console: {address}  token: {token}"


@asynccontextmanager
async def _watched(settings: Settings, view: DemoView) -> AsyncIterator[None]:
    """Keep the view up to date with what the worker publishes."""
    from rater.tools.demo import published

    async def watch() -> None:
        loop = asyncio.get_running_loop()
        since, charges = loop.time(), 0
        async for seen in published(settings):
            for kind, body in seen:
                (view.on_charge if kind == "charge" else view.on_rejected)(body)
            if loop.time() - since >= 1:
                view.per_second = (view.charges - charges) / (loop.time() - since)
                since, charges = loop.time(), view.charges

    task = asyncio.create_task(watch())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def _shown(view: DemoView) -> AsyncIterator[None]:
    """Show the view: a live screen on a terminal, a line now and then elsewhere."""
    console = Console()

    async def show(live: Live | None) -> None:
        while True:
            await asyncio.sleep(0.25 if live else 2)
            if live:
                live.update(view.render())
            else:
                console.print(view.line())

    screen = Live(view.render(), console=console, refresh_per_second=4) if sys.stdout.isatty() else nullcontext()
    with screen as live:
        task = asyncio.create_task(show(live))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            if live:
                live.update(view.render())
            else:
                console.print(view.line())
