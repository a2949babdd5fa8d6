"""`rater switches`: check the profile of a switch, and see what becomes of its records."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from rater.cli.errors import fail
from rater.cli.shown import plain, show_table, terminal, visible

if TYPE_CHECKING:
    from rater.switches.convert import Conversion
    from rater.switches.profile import Profile

SHOWN_RAW = 300
"""Characters of a record that `try` shows."""

app = typer.Typer(help="The switches whose records the rater reads.", no_args_is_help=True)

ProfileFile = Annotated[Path, typer.Argument(help="A profile in YAML (docs/switches.md).")]


@app.command()
def check(
    files: Annotated[list[Path], typer.Argument(help="Profiles in YAML; the maps that they name are beside them.")],
) -> None:
    """Check profiles; errors name line and column. Exit status 1 if there are any."""
    from rater.cli.profiles import checked

    wrong = 0
    for file in files:
        profile = checked(file)
        if profile is None:
            wrong += 1
            continue
        typer.echo(f"{file}: source {profile.source}, format {profile.spec.format}, no errors")
    if wrong:
        raise fail(f"{wrong} of {len(files)} profiles have errors", "mend them, then check again", 1)


@app.command("try")
def try_(
    profile: ProfileFile,
    file: Annotated[Path, typer.Argument(help="A file that the switch wrote; - is standard input.")],
    records: Annotated[int, typer.Option(min=1, max=10_000, help="How many records to show.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a record.")] = False,
) -> None:
    """Show what becomes of the first records of a file, each beside what the switch wrote. Nothing is charged."""
    from rater.cli.profiles import profile_of
    from rater.cli.switch_files import records_in
    from rater.tools.intake_files import FileIntake

    found = profile_of(profile)
    intake = FileIntake(found)
    shown = [(one, intake.became(one)) for one in islice(records_in([file], found), records)]
    if not shown:
        raise fail(f"{file}: there is no record in it")
    if as_json:
        for one, made in shown:
            raw = one.framed.data.decode("utf-8", "replace")
            typer.echo(json.dumps({"record": one.number, "raw": raw, **_words(made)}, ensure_ascii=False))
        return
    for one, made in shown:
        _show(found, one.number, one.framed.data, made)
    _sums([made for _, made in shown])


def _words(made: Conversion) -> dict[str, Any]:
    from rater.switches.convert import Converted
    from rater.switches.raw import NotACall

    if isinstance(made, Converted):
        return {"becomes": "call", "call": json.loads(made.value), "ambiguous_time": made.ambiguous}
    if isinstance(made, NotACall):
        return {"becomes": "rejected", "reason": made.reason, "detail": made.detail}
    return {"becomes": "skipped", "reason": made.reason}


def _show(profile: Profile, number: int, raw: bytes, made: Conversion) -> None:
    from rater.wire.reasons import REASONS

    text = visible(raw.decode("utf-8", "replace").replace("\r", "").replace("\n", " "))
    console = terminal()
    words = _words(made)
    console.print(f"[bold]record {number}[/bold] [dim]{words['becomes']}[/dim]", soft_wrap=True)
    console.print(plain(text if len(text) <= SHOWN_RAW else f"{text[:SHOWN_RAW]}...", style="dim"), soft_wrap=True)
    if "call" in words:
        console.print(_call_table(words["call"]))
    elif words["becomes"] == "skipped":
        console.print(f"  skipped: {words['reason']}")
    else:
        console.print(plain(f"  rejected: {words['reason']}: {words['detail']}", style="red"), soft_wrap=True)
        texts = {str(reason): text for reason, text in REASONS.items()}
        console.print(f"  {texts[words['reason']].what_to_do}", soft_wrap=True)
    if words.get("ambiguous_time"):
        zone = profile.spec.time_zone
        console.print(f"  a local time of it does not exist, or exists twice, in {zone}: read by the earlier offset")
    console.print()


def _call_table(call: dict[str, Any]) -> Table:
    table = Table.grid(padding=(0, 2))
    for name in ("account", "call_id", "caller", "callee", "direction", "disposition", "started_at", "answered_at",
                 "ended_at"):  # fmt: skip
        if call.get(name) is not None:
            table.add_row(f"  {name}", plain(str(call[name])))
    for name, text in call.get("labels", {}).items():
        table.add_row(f"  label {name}", plain(text))
    return table


def _sums(made: list[Conversion]) -> None:
    counts: dict[tuple[str, str], int] = {}
    for one in made:
        words = _words(one)
        key = words["becomes"], words.get("reason", "")
        counts[key] = counts.get(key, 0) + 1
    table = Table()
    table.add_column("becomes")
    table.add_column("reason")
    table.add_column("records", justify="right")
    for (becomes, reason), count in sorted(counts.items()):
        table.add_row(becomes, reason, f"{count:,}")
    show_table(table)
