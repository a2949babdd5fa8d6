"""`rater import`: the files that a switch wrote, through its profile, into its topic or straight to charges."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from rater.cli.errors import fail
from rater.cli.export import bar
from rater.cli.files import exclusive
from rater.cli.follow import follow_files
from rater.cli.import_log import import_exported
from rater.cli.languages import InLanguage, language_of
from rater.cli.shown import show_table, visible

if TYPE_CHECKING:
    from rater.cli.switch_files import BytesRead
    from rater.switches.profile import Profile
    from rater.tools.intake_files import FileIntake

TOLD = 20
"""Rejected records that are listed with their place; all are counted."""


def import_(
    paths: Annotated[
        list[Path], typer.Argument(help="Files, and folders with files, plain, gz or zst; or one exported log.")
    ],
    profile: Annotated[
        Path | None, typer.Option(help="The profile of the switch that wrote them; without one it is an exported log.")
    ] = None,
    rate: Annotated[bool, typer.Option("--rate", help="Rate the calls here, without Kafka.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would come of each record.")] = False,
    follow: Annotated[
        bool, typer.Option("--follow", help="Read on as the files grow and are rotated, until Ctrl-C or SIGTERM.")
    ] = False,
    tariffs: Annotated[Path | None, typer.Option(help="With --rate: the tariff book; else the shipped one.")] = None,
    events: Annotated[
        Path | None, typer.Option(help="With --rate: events before the calls, one a line: the subscriptions.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="With --rate: write the charges here.")] = None,
    summary: Annotated[bool, typer.Option("--summary", help="With --rate: totals per account, not charges.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what came of the records as JSON.")] = False,
    accept_differences: Annotated[
        bool,
        typer.Option("--accept-differences", help="A log into any number of partitions; whom that changes is told."),
    ] = False,
    language: InLanguage = None,
) -> None:
    """Import what a switch wrote: into its topic `switch-SOURCE`, from which `rater intake` makes calls.

    Without --profile it is a log, as rater export writes it, into an empty system: the same charges, byte for byte.
    With --rate the charges are printed instead, the same bytes that the worker would publish. What came of the records
    is told at the end; a record of which no call can be made is rejected with its file and number.
    """
    from rater.cli.profiles import profile_of
    from rater.cli.switch_files import files_in, records_in
    from rater.tools.intake_files import FileIntake

    exclusive(rate=rate, dry_run=dry_run, follow=follow)
    if not rate and any((tariffs, events, out, summary)):
        raise fail("--tariffs, --events, --out and --summary go with --rate")
    if rate and as_json and out is None and not summary:
        raise fail("--json with --rate: charges go to standard output", "write them to a file with --out")
    if profile is None:
        if rate or dry_run or follow:
            raise fail("--rate, --dry-run and --follow are for the files of a switch", "name its profile: --profile")
        import_exported(paths, accept_differences=accept_differences, as_json=as_json)
        return
    found = profile_of(profile)
    if follow:
        asyncio.run(follow_files(paths, found, as_json=as_json))
        return
    files = files_in(paths)
    if not rate and not dry_run:
        asyncio.run(_into_topic(files, found, as_json=as_json))
        return
    intake = FileIntake(found)
    with _bar(files, show=dry_run or out is not None or summary) as passed:
        records = records_in(files, found, passed)
        if rate:
            _rate(intake.calls(records), tariffs, events, out=out, summary=summary, language=language)
        else:
            for _ in intake.decided(records):
                pass
    _tell(intake, as_json=as_json)


async def _into_topic(files: list[Path], profile: Profile, *, as_json: bool) -> None:
    """Write what the files have and was not imported before."""
    from rater.cli.files import source
    from rater.kafka.settings import Settings
    from rater.tools.import_topic import topic_import
    from rater.tools.positions import HashedLines

    before = 0
    with _bar(files, show=True) as passed:
        async with topic_import(Settings(), profile) as importing:
            for file in files:
                with source(file) as opened:
                    size = opened.seek(0, 2)
                    at = importing.place_in(str(file), opened)
                    importing.known += at.end
                    behind = partial(_behind, passed, before)
                    await importing.take(at, HashedLines(opened, at.end), final=True, passed=behind)
                    before += size
                    passed(before)
    outcomes = dict(importing.outcomes)
    if as_json:
        typer.echo(json.dumps({"outcomes": outcomes, "bytes_known": importing.known, "topic": importing.topic}))
        return
    _table(outcomes)
    if importing.known:
        typer.echo(f"{importing.known:,} bytes had been imported before, and were passed over", err=True)
    typer.echo(f"{sum(outcomes.values()):,} records are in {importing.topic}; next: rater intake", err=True)


def _behind(passed: BytesRead, before: int, read: int) -> None:
    """So many bytes of a file, behind those of the files before it."""
    passed(before + read)


@contextmanager
def _bar(files: list[Path], *, show: bool) -> Iterator[BytesRead]:
    """A progress bar over the bytes of the files, where somebody looks."""
    with bar(show=show and sys.stderr.isatty()) as progress:
        task = progress.add_task("importing", total=sum(file.stat().st_size for file in files if file.exists()) or None)
        yield lambda read: progress.update(task, completed=read)


def _rate(
    calls: Iterable[bytes],
    tariffs: Path | None,
    events: Path | None,
    *,
    out: Path | None,
    summary: bool,
    language: str | None,
) -> None:
    from rater.cli.rate import OutputFiles, tell_rating
    from rater.cli.tariffs import load
    from rater.tools.log_file import bare_lines
    from rater.tools.rate_file import rate_lines

    first = () if events is None else [line for line in events.read_bytes().splitlines() if line.strip()]
    brings = any(b'"tariffs-published/1"' in line for line in first)
    with ExitStack() as stack:
        sink = OutputFiles(stack, out=out, folder=None, alerts=None, quiet=summary)
        book = None if brings and tariffs is None else load(tariffs)
        result = rate_lines(bare_lines(enumerate(chain(first, calls), start=1)), book=book, bare=True, take=sink.take)
    tell_rating(result, language_of(language), summary=summary, as_json=False)


def _tell(intake: FileIntake, *, as_json: bool) -> None:
    if as_json:
        refused = [one._asdict() for one in intake.refused]
        words = {"outcomes": intake.outcomes, "ambiguous_times": intake.ambiguous, "rejected": refused}
        typer.echo(json.dumps(words, indent=2))
        return
    _table(intake.outcomes)
    for one in intake.refused[:TOLD]:
        typer.echo(visible(f"{one.file}, record {one.number}: {one.reason}: {one.detail}"), err=True)
    if len(intake.refused) > TOLD:
        typer.echo(f"and {len(intake.refused) - TOLD:,} more; --json lists them all", err=True)
    if intake.ambiguous:
        typer.echo(f"{intake.ambiguous:,} calls have a local time that exists twice or not at all", err=True)


def _table(outcomes: dict[str, int]) -> None:
    from rater.cli.shown import terminal
    from rater.wire.reasons import REASONS

    texts = {str(reason): text for reason, text in REASONS.items()}
    table = Table()
    table.add_column("records", justify="right")
    table.add_column("came to")
    table.add_column("what to do")
    for outcome, count in sorted(outcomes.items()):
        kind, _, reason = outcome.partition(":")
        todo = texts[reason].what_to_do if kind == "rejected" else ""
        table.add_row(f"{count:,}", f"{kind}: {reason}" if reason else kind, todo)
    table.add_row(f"{sum(outcomes.values()):,}", "all")
    show_table(table, console=terminal(errors=True))
