"""`rater demo`: the whole thing in one command, without installing Kafka."""

from __future__ import annotations

import asyncio
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext, suppress
from importlib.util import find_spec
from pathlib import Path
from secrets import token_hex
from subprocess import Popen
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer
from rich.console import Console
from rich.live import Live

from rater.cli.demo_view import DemoView
from rater.cli.errors import fail

if TYPE_CHECKING:
    from rater.audit.report import Report
    from rater.kafka.settings import Settings
    from rater.tools.demo_story import Size

PROFILE = Path(__file__).parents[1] / "tools" / "demo_profile.yaml"
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
    """A broker in memory, a FreeSWITCH, its intake, a worker, and what comes out, live; then the books are checked.

    Ends by itself and leaves nothing running. Exit status 1 if the money does not add up.
    """
    from rater.intake.rows import TABLES as INTAKE_TABLES
    from rater.kafka.topics import switch_plan, topic_plan
    from rater.processor.step import TABLES
    from rater.tools.demo import WorkerEnded, demo_settings
    from rater.tools.demo_story import SOURCE
    from rater.tools.embedded import NoEmbeddedBroker, embedded_broker

    # Whoever ends it, what it started ends with it.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    ours = demo_settings("")
    plan = topic_plan(ours, TABLES) + switch_plan(ours, SOURCE, ours.partitions, INTAKE_TABLES)
    topics = [spec.name for spec in plan]
    try:
        with embedded_broker(topics) as address, tempfile.TemporaryDirectory(prefix="rater-demo-") as folder:
            settings = demo_settings(address)
            tale = Story(calls, seconds, accounts, seed)
            report = asyncio.run(_run(settings, Path(folder), tale, console=console, keep=keep))
    except (NoEmbeddedBroker, WorkerEnded) as error:
        raise fail(str(error), status=1) from error
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    if not report.status:
        typer.echo('Next: README.md, "Run it for real".')
    raise typer.Exit(1 if report.status else 0)


class Story(NamedTuple):
    """What the demo tells."""

    calls: int
    seconds: float
    accounts: int
    seed: int


def _measured(told: Story) -> Size:
    """How much it is; refused where the embedded broker would drop some of it."""
    from rater.tools.demo_story import size, story

    found = size(story(told.seed, told.calls, told.accounts))
    if found.heaviest > MOST_IN_A_PARTITION:
        raise fail(
            f"{found.heaviest:,} records would be in one partition; the embedded broker holds {MOST_IN_A_PARTITION:,}",
            "take fewer --calls or more --accounts",
        )
    return found


async def _run(settings: Settings, folder: Path, planned: Story, *, console: bool, keep: bool) -> Report:
    from rater.audit.run import audit
    from rater.cli.audit import show
    from rater.kafka.log_writer import publish_book
    from rater.kafka.topics import SwitchTopics
    from rater.tools.demo import all_rated, ready, running
    from rater.tools.demo_story import SOURCE, chapters, placed, size, story
    from rater.tools.feed import feed_placed
    from rater.wire.shipped import shipped_book

    # As by Ctrl-C: an exception at whatever line runs would not surely reach what ends the processes.
    ours = asyncio.current_task()
    assert ours is not None  # noqa: S101 - a coroutine runs in a task
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ours.cancel)
    logs = folder / "the worker", folder / "the intake"
    async with (
        running("worker", settings, logs[0]) as worker,
        running("intake", settings, logs[1], str(PROFILE)) as intake,
        AsyncExitStack() as stack,
    ):
        # While they start: together it takes as long as the longer of both.
        wanted = (await asyncio.to_thread(_measured, planned)).told
        view = DemoView(wanted)
        needed = list(zip((worker, intake), logs, strict=True))
        async with _shown(view), _watched(settings, view):
            await publish_book(settings, shipped_book())
            await ready(*needed)
            # The console starts when the others have: charges are seen sooner.
            await stack.enter_async_context(_console(settings, folder, view, on=console))
            records = settings.partitions  # of the book
            for chapter in chapters(story(planned.seed, planned.calls, planned.accounts)):
                before = view.fed
                told = placed(chapter, settings.topic("calls"), SwitchTopics.of(settings, SOURCE).raw)
                async for fed in feed_placed(settings, told, rate=wanted / planned.seconds):
                    view.fed = before + fed
                records += size(chapter).records
                await all_rated(settings, records, *needed)
            await asyncio.sleep(0.5)  # for the eye: the last figures on the screen
            view.doing = "all is rated; the books are being checked by a replay of the log"
            report = await audit(settings)
            view.doing = "the books are checked"
        show(report)
        if view.console and keep:
            typer.echo("\n".join(["The console stays open until Ctrl-C.", *view.console]))
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
        return report


@asynccontextmanager
async def _console(settings: Settings, folder: Path, view: DemoView, *, on: bool) -> AsyncIterator[None]:
    """The web console over a read model of its own; the view says where it is and how to log in, once it serves."""
    from rater.tools.demo import console_address, running

    log, token = folder / "console.log", token_hex(16)
    if not on or find_spec("nicegui") is None:
        yield
        return
    ours = {"database_url": f"sqlite:///{folder / 'rater.db'}", "console_token": token, "console_port": "0"}

    async def found(process: Popen[bytes]) -> None:
        address = await console_address(process, log)
        if address is None:
            view.doing = f"the console did not start: {log.read_text()[-300:]}"
            return
        view.console = [f"console  {address}", f"token    {token}"]
        if not sys.stdout.isatty():
            typer.echo("\n".join(view.console))

    async with running("console", settings, log, **ours) as process, _beside(found(process)):
        yield


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

    async with _beside(watch()):
        yield


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
        try:
            async with _beside(show(live)):
                yield
        finally:
            if live:
                live.update(view.render())
            else:
                console.print(view.line())


@asynccontextmanager
async def _beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Do something beside the block, and stop it at its end; what it broke of is no matter of the block's."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
