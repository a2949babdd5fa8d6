"""`rater rate FILE`: rate an exported log or a file of events, without Kafka."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer
from rich.table import Table

from rater.cli.errors import fail
from rater.cli.export import bar
from rater.cli.files import STDIN, not_an_input, once_from_stdin, output
from rater.cli.languages import InLanguage, language_of
from rater.cli.shown import plain, show_table, visible
from rater.cli.table_texts import say

if TYPE_CHECKING:
    from rater.readmodel.texts import Language
    from rater.seam.model import Output
    from rater.tools.log_file import LogLine
    from rater.tools.rate_file import FileRating


def rate(
    file: Annotated[str, typer.Argument(help="An exported log, or events, one a line; - is standard input.")],
    tariffs: Annotated[
        Path | None, typer.Option(help="The tariff book before the first record; for bare events the shipped one.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write the charges here, not to standard output.")] = None,
    by_partition: Annotated[
        Path | None, typer.Option(help="Write the charges into this folder, a file a partition: 0.jsonl, 1.jsonl, ...")
    ] = None,
    alerts: Annotated[Path | None, typer.Option(help="Write the alerts here.")] = None,
    summary: Annotated[bool, typer.Option("--summary", help="Print totals per account, not the charges.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
    language: InLanguage = None,
) -> None:
    """Print the charges of a log, one JSON object a line, byte for byte as the worker publishes them.

    Rejected records are listed on standard error and counted; they are no failure.
    """
    from rater.cli.files import lines_of, source
    from rater.cli.tariffs import load
    from rater.rating.limits import SORTED_BYTES
    from rater.tools.log_file import NotALog, read_log
    from rater.tools.rate_file import rate_lines

    _agree(out=out, by_partition=by_partition, alerts=alerts, summary=summary, as_json=as_json)
    once_from_stdin(file, tariffs)
    for one in (out, alerts, *(by_partition.glob("*.jsonl") if by_partition is not None else ())):
        not_an_input(one, file, tariffs)
    with ExitStack() as stack:
        opened = stack.enter_context(source(file))
        size = opened.seek(0, 2)
        try:
            log = read_log(lambda: lines_of(opened), may_sort=size <= SORTED_BYTES)
            own_book = log.exported or log.brings_book
            book = None if own_book and tariffs is None else load(tariffs)
            sink = OutputFiles(stack, out=out, folder=by_partition, alerts=alerts, quiet=summary)
            show = (out is not None and str(out) != "-") or by_partition is not None or summary
            lines = _watched(stack, log.lines, opened, size if log.in_order else None, show=show)
            result = rate_lines(lines, book=book, bare=not log.exported, take=sink.take)
            sink.finish(result.partitions)
        except NotALog as error:
            raise fail(f"{file}: {error}", "a log to rate is made with: rater export --out FILE") from error
    tell_rating(result, language_of(language), summary=summary, as_json=as_json)


def _agree(*, out: Path | None, by_partition: Path | None, alerts: Path | None, summary: bool, as_json: bool) -> None:
    """Refuse options that contradict each other."""
    if out is not None and by_partition is not None:
        raise fail("--out and --by-partition: the charges go to one of them")
    if as_json and not summary:
        raise fail("--json goes with --summary: charges are JSON lines anyway")
    if summary and (out is not None or by_partition is not None):
        raise fail("--summary prints totals in place of the charges; leave out --out and --by-partition")
    if out is not None and alerts is not None and out.resolve() == alerts.resolve():
        raise fail("--out and --alerts: two files are needed")
    for option, path in (("--alerts", alerts), ("--by-partition", by_partition)):
        if path is not None and str(path) == STDIN:
            raise fail(
                f"{option} -: standard output is for the charges", "name a file" if path is alerts else "name a folder"
            )


class OutputFiles:
    """Where the outputs go: charges to a file, a folder or standard output, rejections to standard error."""

    def __init__(
        self, stack: ExitStack, *, out: Path | None, folder: Path | None, alerts: Path | None, quiet: bool
    ) -> None:
        self._stack, self._folder, self._quiet = stack, folder, quiet
        self._files: dict[int, BinaryIO] = {}
        self._out: BinaryIO | None = None
        self._alerts = None if alerts is None else stack.enter_context(output(alerts))
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        elif not quiet:
            self._out = stack.enter_context(output(out))

    def take(self, one: Output) -> None:
        """Write one output."""
        if one.topic == "charges":
            file = self._out if self._folder is None else self._file(one.partition, self._folder)
            if file is not None:
                file.write((one.value or b"") + b"\n")
        elif one.topic == "alerts" and self._alerts is not None:
            self._alerts.write((one.value or b"") + b"\n")
        elif one.topic == "rejected":
            body = json.loads(one.value or b"{}")
            place = dict(one.headers)["rater-from"].decode()
            typer.echo(visible(f"rejected {place}: {body['reason']}: {body['detail']}"), err=True)

    def finish(self, partitions: int) -> None:
        """Give every partition its file, one without charges too: none of an earlier rating is left among them.

        Refused where the folder has files of partitions that this log does not have.
        """
        if self._folder is None:
            return
        stems = [path.stem for path in self._folder.glob("*.jsonl")]
        others = [int(stem) for stem in stems if stem.isdecimal() and int(stem) >= partitions]
        if others:
            problem = f"{self._folder} has {min(others)}.jsonl, and this log has {partitions} partition(s)"
            raise fail(problem, "it is of another rating: remove it, or name another folder")
        for partition in range(partitions):
            self._file(partition, self._folder)

    def _file(self, partition: int, folder: Path) -> BinaryIO:
        if partition not in self._files:
            self._files[partition] = self._stack.enter_context(output(folder / f"{partition}.jsonl"))
        return self._files[partition]


def _watched(
    stack: ExitStack, lines: Iterator[LogLine], source: BinaryIO, size: int | None, *, show: bool
) -> Iterator[LogLine]:
    """The lines, with a progress bar in bytes where somebody looks and the charges do not go to the terminal."""
    progress = stack.enter_context(bar(show=show and sys.stderr.isatty()))
    task = progress.add_task("rating", total=size)
    for number, line in enumerate(lines):
        if not number % 1_000:
            progress.update(task, completed=source.tell() if size is not None else number)
        yield line
    progress.update(task, completed=size)


def tell_rating(result: FileRating, language: Language, *, summary: bool, as_json: bool) -> None:
    """Print what a rating came to: totals if asked for, and the outcomes with what to do."""
    from rater.wire.reasons import REASONS

    if summary and as_json:
        accounts = {
            name: {"charges": account.charges, "total": f"{account.total:f}", "currency": account.currency}
            for name, account in sorted(result.accounts.items())
        }
        typer.echo(json.dumps({"records": result.records, "outcomes": result.outcomes, "accounts": accounts}, indent=2))
        return
    if summary:
        _table(result, language)
    outcomes = ", ".join(f"{count:,} {outcome}" for outcome, count in sorted(result.outcomes.items()) if count)
    for reason, text in REASONS.items():
        if result.outcomes.get(f"rejected:{reason}"):
            typer.echo(f"{reason}: {text.what_to_do}", err=True)
    typer.echo(f"{result.records:,} records: {outcomes}", err=True)


def _table(result: FileRating, language: Language) -> None:
    table = Table()
    for name in ("account", "charges", "total", "currency"):
        table.add_column(say(name, language), justify="right" if name in {"charges", "total"} else "left")
    for name, account in sorted(result.accounts.items()):
        table.add_row(plain(name), f"{account.charges:,}", f"{account.total:,f}", account.currency)
    show_table(table)
