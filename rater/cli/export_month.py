"""`rater export-month`: all accounts' periods of a month, or their charges, as CSV, JSON lines or Parquet."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rater.cli.errors import fail
from rater.cli.export import bar
from rater.cli.files import not_an_input, output
from rater.cli.source import Charges, Tariffs, look

if TYPE_CHECKING:
    from sqlalchemy import Connection


class ExportedRows(StrEnum):
    """What a row is."""

    PERIODS = "periods"
    CHARGES = "charges"


class ExportedAs(StrEnum):
    """The format; by the file's ending if it is left out."""

    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"


def export_month(
    month: Annotated[str, typer.Argument(help="2026-10: all periods that begin in that month.")],
    what: Annotated[
        ExportedRows, typer.Option(help="A row for each period, or for each charge.")
    ] = ExportedRows.PERIODS,
    form: Annotated[
        ExportedAs | None, typer.Option("--format", help="By the ending of --out if left out, else csv.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write here; standard output if left out.")] = None,
    bom: Annotated[bool, typer.Option("--bom", help="With csv: begin with a byte order mark, for Excel.")] = False,
    charges: Charges = None,
    tariffs: Tariffs = None,
) -> None:
    """Export a month over all accounts: totals and their parts, or every charge. It takes no more memory for more."""
    from rater.readmodel.exports import BOM
    from rater.readmodel.months import is_month, months

    if not is_month(month):
        raise fail(f"{month} is no month", "write it as 2026-10")
    not_an_input(out, charges, tariffs)
    to = form or next((one for one in ExportedAs if out is not None and out.suffix == f".{one}"), ExportedAs.CSV)
    if to is ExportedAs.PARQUET and out is None and sys.stdout.isatty():
        raise fail("Parquet is no text", "name a file: --out october.parquet")
    with look(None, charges, tariffs) as connection:
        known = months(connection)
        if month not in known:
            raise fail(f"nothing was charged in {month}", f"there are {', '.join(known[:12]) or 'no months'}", status=1)
        pieces = _pieces(connection, month, what, to)
        with output(out) as file, bar(show=out is not None and sys.stderr.isatty()) as progress:
            if bom and to is ExportedAs.CSV:
                file.write(BOM)
            for piece in progress.track(pieces, description=f"writing {what}"):
                file.write(piece)
    if out is not None:
        typer.echo(f"written to {out}", err=True)


def _pieces(connection: Connection, month: str, what: ExportedRows, to: ExportedAs) -> Iterator[bytes]:
    from rater.readmodel.exports import exported_charges, exported_periods
    from rater.readmodel.month_charges import WantedCharges, month_charges
    from rater.readmodel.months import WantedPeriods, month_periods
    from rater.readmodel.queries import money_of

    money = money_of(connection)
    if what is ExportedRows.PERIODS:
        return exported_periods(month_periods(connection, WantedPeriods(month)), to.value, money)
    return exported_charges(month_charges(connection, WantedCharges(month)), to.value, money)
