"""`rater simulate --format`: a switch that writes its own records, with the faults that switches have."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from rater.cli.errors import fail
from rater.cli.export import bar
from rater.cli.files import output

if TYPE_CHECKING:
    from rater.tools.faulty_switch import RawEvent
    from rater.tools.raw_records import RawFormat
    from rater.tools.simulate import Event
    from rater.tools.switch_faults import Faults


def format_named(name: str) -> RawFormat:
    """How the simulated switch writes; an unknown format ends the command."""
    from rater.tools.raw_records import RAW_FORMATS

    found = {str(known): one for known, one in RAW_FORMATS.items()}.get(name)
    if found is None:
        raise fail(f"--format {name}: there is no such format", f"one of: {', '.join(RAW_FORMATS)}")
    return found


def simulate_switch(
    events: Iterator[Event], to: RawFormat, faults: Faults, *, seed: int, out: Path | None, truth: Path | None,
    rate: float | None,
) -> int:  # fmt: skip
    """Write the calls as records of a switch, into a file or its topic, and what each is to the truth file."""
    from rater.tools.faulty_switch import raw_events

    if faults.two_legs and not to.legs:
        raise fail("--two-legs: this switch writes one record a call", "FreeSWITCH's formats have legs")
    with ExitStack() as stack:
        said = None if truth is None else stack.enter_context(output(truth))

        def noted() -> Iterator[RawEvent]:
            for event in raw_events(events, to, faults, seed):
                if said is not None:
                    said.write(event.truth())
                yield event

        if out is not None:
            return _to_file(stack, noted(), to, out)
        return asyncio.run(_to_topic(noted(), to, rate))


def _to_file(stack: ExitStack, events: Iterator[RawEvent], to: RawFormat, out: Path) -> int:
    file, written = stack.enter_context(output(out)), 0
    for event in events:
        file.write(event.value.rstrip(b"\r\n") + to.ends)
        written += 1
    return written


async def _to_topic(events: Iterator[RawEvent], to: RawFormat, rate: float | None) -> int:
    from rater.kafka.admin import partitions_of
    from rater.kafka.settings import Settings
    from rater.kafka.topics import SwitchTopics
    from rater.tools.feed import Placed, feed_placed

    settings = Settings()
    topic = SwitchTopics.of(settings, to.source).raw
    partitions = await partitions_of(settings.client_options(), topic)
    if not partitions:
        raise fail(f"there is no topic {topic}", f"run: rater topics create --switch {to.source}", 78)
    placed = (Placed(topic, event.key, event.value, (event.hash % partitions,)) for event in events)
    written = 0
    with bar(show=sys.stderr.isatty()) as progress:
        task = progress.add_task("simulating", total=None)
        async for written in feed_placed(settings, placed, rate):
            progress.update(task, completed=written)
    typer.echo(f"into {topic}, for a profile as of the example with source: {to.source} in examples/switches", err=True)
    return written
