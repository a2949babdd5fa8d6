"""`rater notify`: alerts, closings, rejections, charges and thresholds of one's own, told by webhook, chat and mail."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rater.cli.errors import fail
from rater.cli.source import AsJson

if TYPE_CHECKING:
    from rater.kafka.settings import Settings
    from rater.notify.notify_file import NotifyWords, TargetWords

app = typer.Typer(help="Who is told of what: webhooks, chat and mail.", no_args_is_help=True)
NotifyPath = Annotated[Path, typer.Argument(help="Who is told of what; examples/notify.yaml has one of each.")]
TIME = "%Y-%m-%dT%H:%M:%S%z"
Target = Annotated[str, typer.Option(help="The target's name in the file.")]


@app.command()
def run(file: NotifyPath) -> None:
    """Tell all targets, forever, from where each was. A target that is new begins with what comes now.

    Every message is told at least once, with an id by which it is known again, in order within an account. What a
    target does not take within give_up_after goes to the topic undelivered.

    Example: rater notify run notify.yaml
    """
    from rater.app import logs
    from rater.kafka.settings import Settings
    from rater.notify.run import notify

    words = words_of(file)
    settings = Settings()
    logs.set_up(settings.log_level, as_json=settings.log_json)
    asyncio.run(notify(settings, words))


@app.command()
def check(file: NotifyPath) -> None:
    """Say what is wrong with a file, or who is told of what by it."""
    from rich.table import Table

    from rater.cli.shown import plain, show_table

    words = words_of(file)
    table = Table("target", "by", "events", "accounts")
    for one in words.targets:
        way = f"webhook {one.webhook}" if one.webhook else f"apprise, {one.apprise_in}"
        accounts = "all" if one.accounts is None else f"{len(one.accounts):,}"
        table.add_row(plain(one.name), plain(way), ", ".join(one.events), accounts)
    show_table(table)


@app.command()
def test(file: NotifyPath, target: Target) -> None:
    """Send one target a message that says that it is a test."""
    from rater.notify.trial import try_out

    wrong = asyncio.run(try_out(_target(words_of(file), target)))
    if wrong is not None:
        raise fail(f"{target} did not take it: {wrong}", "mend its address or its receiver", status=1)
    typer.echo(f"{target} took it", err=True)


@app.command()
def replay(
    file: NotifyPath,
    target: Target,
    since: Annotated[datetime, typer.Option(help="With its offset: 2026-11-01T00:00:00+08:00", formats=[TIME])],
    until: Annotated[datetime | None, typer.Option(help="Up to then; to the end if left out.", formats=[TIME])] = None,
) -> None:
    """Tell one target again what it was told of in a span of time, with the same ids; its position does not move."""
    from rater.kafka.settings import Settings
    from rater.notify.run import TimeSpan
    from rater.notify.run import replay as told_again

    words = words_of(file)
    _target(words, target)
    span = TimeSpan(int(since.timestamp() * 1000), None if until is None else int(until.timestamp() * 1000))
    number = asyncio.run(told_again(Settings(), words, target, span))
    typer.echo(f"{number:,} messages told again", err=True)


@app.command()
def undelivered(
    target: Annotated[str | None, typer.Option(help="Only this one's.")] = None, as_json: AsJson = False
) -> None:
    """List what was given up: the dead letter."""
    from rich.table import Table

    from rater.cli.shown import plain, show_table
    from rater.kafka.settings import Settings

    found = [one for one in asyncio.run(_undelivered(Settings())) if target in {None, one["target"]}]
    if as_json:
        import orjson

        for one in found:
            typer.echo(orjson.dumps(one).decode())
        return
    if not found:
        typer.echo("nothing was given up")
        return
    table = Table("target", "at", "id", "attempts", "went wrong")
    table.columns[3].justify = "right"
    for one in found:
        message = one["message"]
        cells = (one["target"], message["timestamp"], message["id"], str(one["attempts"]), one["wrong"])
        table.add_row(*map(plain, cells))
    show_table(table)


async def _undelivered(settings: Settings) -> list[dict[str, Any]]:
    import orjson

    from rater.kafka.reader import read_topic

    chunks = read_topic(settings, settings.topic("undelivered"))
    return [orjson.loads(record.value or b"") async for chunk in chunks for record in chunk.records]


def words_of(file: Path) -> NotifyWords:
    """The file; what is wrong with it is printed with its lines, and ends the command."""
    from rater.notify.notify_file import NotifyWords
    from rater.wire.tariff_file import load_words
    from rater.wire.yaml_tree import MAX_BYTES

    try:
        with file.open("rb") as opened:
            data = opened.read(MAX_BYTES + 1)
    except OSError as error:
        raise fail(f"{file}: {error.strerror}") from error
    words = load_words(NotifyWords, data)
    if isinstance(words, NotifyWords):
        return words
    for wrong in words:
        typer.secho(f"{file}:{wrong}", err=True, fg=typer.colors.RED)
    raise fail(f"{file}: nobody can be told by it", f"mend it, then: rater notify check {file}", 1)


def _target(words: NotifyWords, name: str) -> TargetWords:
    found = next((one for one in words.targets if one.name == name), None)
    if found is None:
        raise fail(f"there is no target {name}", f"there are {', '.join(one.name for one in words.targets)}")
    return found
