"""`rater rejected`: the records that did nothing, as a list to work off."""

from __future__ import annotations

import asyncio
import getpass
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from rich.table import Table

from rater.cli.errors import fail
from rater.cli.export import bar
from rater.cli.shown import plain, show_table, terminal, visible

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from rater.kafka.settings import Settings
    from rater.readmodel.rejected import Wanted
    from rater.readmodel.views import RejectedView
    from rater.tools.redrive import RejectedRecord

app = typer.Typer(help="Rejected records: look, send again, or drop.", no_args_is_help=True)

ForReason = Annotated[str | None, typer.Option(help="Only those with this reason.")]
OfAccount = Annotated[str | None, typer.Option(help="Only those of this account.")]
Switch = Annotated[str | None, typer.Option("--source", help="Only those of this switch.")]
Since = Annotated[str | None, typer.Option(help="Rejected from this RFC 3339 time on.")]
Until = Annotated[str | None, typer.Option(help="Rejected before this RFC 3339 time.")]
Places = Annotated[list[str] | None, typer.Argument(help="Places of records, as `rater rejected list` shows them.")]
All = Annotated[bool, typer.Option("--all", help="Whatever is left, if nothing else says which.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print as JSON.")]


@app.command("list")
def list_(
    reason: ForReason = None,
    account: OfAccount = None,
    source: Switch = None,
    since: Since = None,
    until: Until = None,
    state: Annotated[str, typer.Option(help="left, redriven, dropped, or all.")] = "left",
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many, the latest first.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List rejected records, the one that was rejected last first, and how many there are in all."""
    from rater.readmodel.rejected import STATES, item_counts, rejected_items

    chosen = next((one for one in STATES if one == state), None)
    if chosen is None and state != "all":
        raise fail(f"--state {visible(state)}: none that is known", f"one of: {', '.join(STATES)}, all")
    wanted = _wanted(reason, account, source, since, until)._replace(state=chosen)
    items, counts = _look(lambda at: (rejected_items(at, wanted, limit=limit), item_counts(at)))
    found = [view for _, view in items]
    if as_json:
        states = {str(name): number for name, number in counts.items()}
        words = {"rejected": sum(counts.values()), **states, "items": [view.model_dump() for view in found]}
        typer.echo(json.dumps(words, indent=2, ensure_ascii=False))
        return
    _table(found)
    of = ", ".join(f"{number:,} {name}" for name, number in counts.items())
    typer.echo(f"{sum(counts.values()):,} rejected: {of}", err=True)
    if counts["left"]:
        typer.echo("more of one: rater rejected show PLACE; send again: rater rejected redrive; or drop", err=True)


@app.command()
def show(
    place: Annotated[str, typer.Argument(help="Of a record: calls/3/10482.")],
    as_json: AsJson = False,
) -> None:
    """Show a rejected record with its bytes, what is wrong with it, what to do, and what was done."""
    from base64 import b64decode

    from rater.readmodel.rejected import item_named, item_view

    view, row = _look(lambda at: (item_view(at, place), item_named(at, place)))
    if view is None or row is None:
        raise fail(f"{visible(place)}: no record was rejected there", "the places are in: rater rejected list", 1)
    value = json.loads(row.body)["value"]
    data = b64decode(value if isinstance(value, str) else (value or {}).get("start", ""))
    words = {name: word for name, word in view.model_dump().items() if word is not None and name != "received"}
    words["value"] = data.decode("utf-8", "backslashreplace")
    if as_json:
        typer.echo(json.dumps(words, indent=2, ensure_ascii=False))
        return
    console, width = terminal(), max(map(len, words))
    for name, word in words.items():  # a line each, whatever its length: nothing is cut
        console.print(plain(f"{name.replace('_', ' '):<{width}}  {word}"), soft_wrap=True)


@app.command()
def redrive(
    places: Places = None,
    reason: ForReason = None,
    account: OfAccount = None,
    source: Switch = None,
    since: Since = None,
    until: Until = None,
    everything: All = False,
    repaired: Annotated[
        Path | None, typer.Option("--with", help="The value to send instead of one record's own, once it is repaired.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say which would be sent.")] = False,
    as_json: AsJson = False,
) -> None:
    """Send rejected records again, after a subscription, a profile or a book was mended.

    An event goes to its account's partition of the log, a switch's record through the intake's newest profile. A
    record is sent once: it comes back into the list only if it is rejected again.
    """
    from rater.readmodel.rejected import Wanted

    if repaired is not None and len(places or ()) != 1:
        raise fail("--with FILE is for one record", "name its place")
    wanted = _wanted(reason, account, source, since, until)
    _something(places, everything=everything or wanted != Wanted())
    value = None if repaired is None else repaired.read_bytes().strip()
    done = asyncio.run(_redrive(places or [], wanted, value, dry_run=dry_run))
    words = {"redriven": done[0], "not_redrivable": [{"place": place, "why": why} for place, why in done[1]]}
    if as_json:
        typer.echo(json.dumps(words, indent=2))
    else:
        for place, why in done[1]:
            typer.echo(visible(f"{place}: {why}"), err=True)
        said = "would be sent" if dry_run else "sent again"
        typer.echo(f"{done[0]:,} {said}, {len(done[1]):,} cannot be", err=True)
    if done[1]:
        raise typer.Exit(1)


@app.command()
def drop(
    why: Annotated[str, typer.Option(help="Why nothing is to be done about them; it is kept with your name.")],
    places: Places = None,
    reason: ForReason = None,
    account: OfAccount = None,
    source: Switch = None,
    since: Since = None,
    until: Until = None,
    everything: All = False,
    as_json: AsJson = False,
) -> None:
    """Say of rejected records that nothing is to be done about them, and why. They stay where they are."""
    from rater.readmodel.rejected import Wanted

    wanted = _wanted(reason, account, source, since, until)
    _something(places, everything=everything or wanted != Wanted())
    dropped = asyncio.run(_drop(places or [], wanted, why))
    typer.echo(json.dumps({"dropped": dropped}) if as_json else f"{dropped:,} dropped", err=not as_json)


def _something(places: list[str] | None, *, everything: bool) -> None:
    if places and everything:
        raise fail("places, or what records have in common: not both", "leave one of them out")
    if not places and not everything:
        raise fail("which records?", "name places, or say --reason, --account, --source, --since, --until or --all")


def _wanted(
    reason: str | None, account: str | None, source: str | None, since: str | None, until: str | None
) -> Wanted:
    from rater.readmodel.rejected import Wanted

    return Wanted(None, reason, account, source, _ms("--since", since), _ms("--until", until))


def _ms(option: str, said: str | None) -> int | None:
    if said is None:
        return None
    try:
        when = datetime.fromisoformat(said)
    except ValueError:
        when = None
    if when is None or when.tzinfo is None:
        raise fail(f"{option} {visible(said)}: not an RFC 3339 time with an offset", "2026-11-01T08:00:00+08:00")
    return int(when.timestamp() * 1000)


T = TypeVar("T")


def _look(ask: Callable[[Connection], T]) -> T:
    """What the topics say of rejected records at this moment."""
    from rater.kafka.settings import Settings
    from rater.readmodel.rejected_now import rejected_now

    async def look() -> T:
        with _bar() as passed:
            async with rejected_now(Settings(), passed) as connection:
                return ask(connection)

    return asyncio.run(look())


@contextmanager
def _bar() -> Iterator[Callable[[int, int], None]]:
    with bar(show=sys.stderr.isatty()) as progress:
        task = progress.add_task("reading rejected records", total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


async def _redrive(
    places: list[str], wanted: Wanted, value: bytes | None, *, dry_run: bool
) -> tuple[int, list[tuple[str, str]]]:
    from rater.kafka.settings import Settings
    from rater.tools.redrive import resolver

    settings = Settings()
    if dry_run:
        return len(await _left(settings, places, wanted)), []
    async with resolver(settings, _actor()) as resolving:
        sent, unsent = await resolving.redrive(await _left(settings, places, wanted), value)
    return sent, [(one.item.place, one.why) for one in unsent]


async def _drop(places: list[str], wanted: Wanted, why: str) -> int:
    from rater.kafka.settings import Settings
    from rater.tools.redrive import resolver

    settings = Settings()
    async with resolver(settings, _actor()) as resolving:
        return await resolving.drop(await _left(settings, places, wanted), why)


async def _left(settings: Settings, places: list[str], wanted: Wanted) -> list[RejectedRecord]:
    """The items that are left to be done among those that are wanted."""
    from rater.readmodel.rejected_now import left_items
    from rater.tools.redrive import RejectedRecord

    try:
        with _bar() as passed:
            rows = await left_items(settings, wanted, places, passed)
    except KeyError as error:
        raise fail(f"{visible(error.args[0])}: no record was rejected there", "rater rejected list", 1) from error
    return [RejectedRecord(row.first, row.place, row.rejection, row.body) for row in rows]


def _actor() -> str:
    """Who runs the command."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = "unknown"
    return "".join(sign for sign in name if "!" <= sign <= "~")[:64] or "unknown"


def _table(found: list[RejectedView]) -> None:
    table = Table()
    for name in ("place", "at", "reason", "account", "source", "state", "times"):
        table.add_column(name, justify="right" if name == "times" else "left")
    show: Callable[[str | None], Any] = lambda text: plain(text or "")  # noqa: E731
    for view in found:
        table.add_row(
            *(show(text) for text in (view.place, view.at, view.reason, view.account, view.source, view.state)),
            f"{view.times:,}",
        )
    show_table(table)
