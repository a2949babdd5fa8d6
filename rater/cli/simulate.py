"""`rater simulate`: a switch shaped like a real call centre, into the log or a file."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rater.cli.errors import fail
from rater.cli.export import bar
from rater.cli.files import exclusive, output
from rater.cli.simulate_switch import format_named, simulate_switch
from rater.tools.switch_faults import Faults

if TYPE_CHECKING:
    from rater.tools.simulate import Event

ShareOfCalls = Annotated[float, typer.Option(min=0, max=1, help="With --format: the share of calls (0 to 1).")]
DAYS_A_MONTH = 30
NOT_LATE = 8
"""Days before yesterday whose months no book closes that says `close_after: 10d`: calls in them are not late."""


def simulate(
    calls: Annotated[int, typer.Option(min=1, help="How many calls.")] = 10_000,
    accounts: Annotated[int, typer.Option(min=1, max=999_999, help="Over how many accounts.")] = 100,
    months: Annotated[
        int | None, typer.Option(min=1, max=120, help="Over how many months of 30 days; by default over 8 days.")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same events.")] = 1,
    start: Annotated[
        str | None, typer.Option(help="The first midnight, RFC 3339; by default the calls end yesterday.")
    ] = None,
    rate: Annotated[float | None, typer.Option(min=0.1, help="Calls a second; as fast as it goes if left out.")] = None,
    subscribe: Annotated[bool, typer.Option(help="First put the accounts on plans, all the shipped ones.")] = True,
    out: Annotated[
        Path | None, typer.Option("--out", help="Write bare events here, not to Kafka; - for standard output.")
    ] = None,
    format_name: Annotated[
        str | None,
        typer.Option("--format", help="Write the records of a switch of this format: to its topic, or to --out."),
    ] = None,
    truth: Annotated[Path | None, typer.Option(help="With --format: what each record is, a line each.")] = None,
    two_legs: Annotated[bool, typer.Option("--two-legs", help="With --format: a record of each leg.")] = False,
    duplicates: ShareOfCalls = 0.0,
    garbage: ShareOfCalls = 0.0,
    clock_steps: ShareOfCalls = 0.0,
    late: ShareOfCalls = 0.0,
    shuffle: Annotated[float, typer.Option(min=0, help="With --format: out of order within so many seconds.")] = 0.0,
    wrong_keys: Annotated[bool, typer.Option("--wrong-keys", help="With --format: keys that mean nothing.")] = False,
) -> None:
    """Simulate calls: 82 % answered, log-normal talk times, office hours, few accounts making most calls.

    A call must not end after its record was written, so the simulated time lies in the past: by default not so far
    that a running rater has closed the month, and would rate the calls as late.
    """
    from rater.tools import simulate as switch

    exclusive(rate=rate, out=out)
    faults = Faults(
        two_legs=two_legs,
        duplicates=duplicates,
        garbage=garbage,
        clock_steps=clock_steps,
        late=late,
        shuffle=shuffle,
        wrong_keys=wrong_keys,
    )
    if format_name is None and (faults != Faults() or truth is not None):
        raise fail("--truth and the faults are of a switch's records", "name its format: --format freeswitch-event")
    days = NOT_LATE if months is None else DAYS_A_MONTH * months
    begins = _start(start, days)
    if format_name is not None:
        to = format_named(format_name)
        if subscribe and out is None:
            asyncio.run(_to_kafka(switch.subscriptions(accounts, begins), None, accounts))
        made = switch.calls(seed, calls, accounts, begins, days)
        written = simulate_switch(made, to, faults, seed=seed, out=out, truth=truth, rate=rate)
        typer.echo(f"{written:,} records of {calls:,} calls from {begins.isoformat()} on", err=True)
        return
    subscribed = switch.subscriptions(accounts, begins) if subscribe else iter(())
    events = chain(subscribed, switch.calls(seed, calls, accounts, begins, days))
    total = calls + (accounts if subscribe else 0)
    written = _to_file(events, out, total) if out else asyncio.run(_to_kafka(events, rate, total))
    typer.echo(f"{written:,} events from {begins.isoformat()} on", err=True)


def _start(said: str | None, days: int) -> datetime:
    if said is None:
        today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return today - timedelta(days=days + 1)
    try:
        begins = datetime.fromisoformat(said)
    except ValueError:
        begins = None
    if begins is None or begins.tzinfo is None:
        raise fail(f"--start {said}: not an RFC 3339 time with an offset", "for example 2026-10-01T00:00:00+08:00")
    return begins


def _to_file(events: Iterator[Event], out: Path, total: int) -> int:
    written = 0
    with ExitStack() as stack:
        to_stdout = str(out) == "-"
        file = stack.enter_context(output(out))
        progress = stack.enter_context(bar(show=not to_stdout and sys.stderr.isatty()))
        for event in progress.track(events, total=total, description="simulating"):
            file.write(event.value + b"\n")
            written += 1
        file.flush()
    return written


async def _to_kafka(events: Iterator[Event], rate: float | None, total: int) -> int:
    from rater.kafka.settings import Settings
    from rater.tools.feed import feed

    written = 0
    with bar(show=sys.stderr.isatty()) as progress:
        task = progress.add_task("simulating", total=total)
        async for written in feed(Settings(), events, rate):
            progress.update(task, completed=written)
    return written
