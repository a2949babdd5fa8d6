"""`rater rate FILE`: rate an exported log or a file of events, without Kafka."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer
from rich.console import Console
from rich.table import Table

from rater.cli.errors import fail
from rater.cli.export import bar

if TYPE_CHECKING:
    from rater.service.rate_file import FileRating
    from rater.stream.model import Output


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
) -> None:
    """Print the charges of a log, one JSON object a line, byte for byte as the worker publishes them.

    Rejected records are told on standard error and counted; they are no failure.
    """
    from rater.cli.tariffs import load
    from rater.service.log_file import NotALog, read_log
    from rater.service.rate_file import rate_lines

    with ExitStack() as stack:
        source = stack.enter_context(_open(file))
        log = read_log(_watched(stack, source, show=out is not None or by_partition is not None or summary))
        own_book = log.exported or log.brings_book
        book = None if own_book and tariffs is None else load(tariffs)
        sink = _Sink(stack, out=out, folder=by_partition, alerts=alerts, quiet=summary)
        try:
            result = rate_lines(log.lines, book=book, bare=not log.exported, take=sink.take)
        except NotALog as error:
            raise fail(f"{file}: {error}", "make the file with: rater export --out FILE") from error
    _tell(result, summary=summary, as_json=as_json)


class _Sink:
    """Where the outputs go: charges to a file, a folder or standard output, rejections to standard error."""

    def __init__(
        self, stack: ExitStack, *, out: Path | None, folder: Path | None, alerts: Path | None, quiet: bool
    ) -> None:
        self._stack, self._folder, self._quiet = stack, folder, quiet
        self._files: dict[int, BinaryIO] = {}
        self._out: BinaryIO | None = None
        self._alerts = None if alerts is None else stack.enter_context(alerts.open("wb"))
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        elif out is not None:
            self._out = stack.enter_context(out.open("wb"))
        elif not quiet:
            self._out = sys.stdout.buffer
            stack.callback(self._out.flush)

    def take(self, output: Output) -> None:
        """Write one output."""
        if output.topic == "charges":
            file = self._out if self._folder is None else self._file(output.partition, self._folder)
            if file is not None:
                file.write((output.value or b"") + b"\n")
        elif output.topic == "alerts" and self._alerts is not None:
            self._alerts.write((output.value or b"") + b"\n")
        elif output.topic == "rejected":
            body = json.loads(output.value or b"{}")
            place = dict(output.headers)["rater-from"].decode()
            typer.echo(f"rejected {place}: {body['reason']}: {body['detail']}", err=True)

    def _file(self, partition: int, folder: Path) -> BinaryIO:
        if partition not in self._files:
            self._files[partition] = self._stack.enter_context((folder / f"{partition}.jsonl").open("wb"))
        return self._files[partition]


def _open(file: str) -> BinaryIO:
    if file == "-":
        return sys.stdin.buffer
    try:
        return Path(file).open("rb")
    except OSError as error:
        raise fail(f"{file}: {error.strerror}") from error


def _watched(stack: ExitStack, source: BinaryIO, *, show: bool) -> Iterator[bytes]:
    """The lines, with a progress bar in bytes where somebody looks and the charges do not go to the terminal."""
    progress = stack.enter_context(bar(show=show and sys.stderr.isatty() and source.seekable()))
    size = source.seek(0, 2) if source.seekable() else None
    if size is not None:
        source.seek(0)
    task = progress.add_task("rating", total=size)
    for line in source:
        progress.advance(task, len(line))
        yield line


def _tell(result: FileRating, *, summary: bool, as_json: bool) -> None:
    if summary and as_json:
        accounts = {
            name: {"charges": account.charges, "total": f"{account.total:f}", "currency": account.currency}
            for name, account in sorted(result.accounts.items())
        }
        typer.echo(json.dumps({"records": result.records, "outcomes": result.outcomes, "accounts": accounts}, indent=2))
        return
    if summary:
        _table(result)
    outcomes = ", ".join(f"{count:,} {outcome}" for outcome, count in sorted(result.outcomes.items()) if count)
    typer.echo(f"{result.records:,} records: {outcomes}", err=True)


def _table(result: FileRating) -> None:
    table = Table()
    table.add_column("account")
    table.add_column("charges", justify="right")
    table.add_column("total", justify="right")
    table.add_column("currency")
    for name, account in sorted(result.accounts.items()):
        table.add_row(name, f"{account.charges:,}", f"{account.total:,f}", account.currency)
    Console().print(table)
