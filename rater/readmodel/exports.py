"""Rows of a month as CSV, JSON lines and Parquet, in pieces: memory is a piece's, whatever the month has."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from itertools import islice
from typing import Any, Literal, NamedTuple, get_args

import orjson

from rater.kafka.failstop import Refused
from rater.readmodel.figures import FORMULA, cell
from rater.readmodel.line_texts import line_words
from rater.readmodel.month_charges import FoundCharge
from rater.readmodel.month_views import MonthPeriod
from rater.readmodel.store import Money
from rater.readmodel.views import RejectedView

ExportFormat = Literal["csv", "jsonl", "parquet"]
FORMATS: tuple[ExportFormat, ...] = get_args(ExportFormat)
MEDIA_TYPES: dict[ExportFormat, str] = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/jsonl",
    "parquet": "application/vnd.apache.parquet",
}
PIECE = 1000
"""Rows of a piece."""
ROW_GROUP = 20_000
"""Rows of Parquet that are written together."""
BOM = "\ufeff".encode()
"""At the start of a CSV file it tells Excel that the file is UTF-8."""

ColumnKind = Literal["text", "money", "whole", "flag", "instant"]
Cells = Mapping[str, Any]
"""Column -> its value; what is not there is empty. Money and instants are strings, as in messages."""


class ExportColumn(NamedTuple):
    """A column, and what its cells are."""

    name: str
    kind: ColumnKind = "text"


PERIOD_COLUMNS = (
    ExportColumn("account"),
    ExportColumn("period"),
    ExportColumn("state"),
    ExportColumn("currency"),
    *(ExportColumn(name, "money") for name in ("total", "usage", "fees", "adjustments", "previous", "change")),
    ExportColumn("plan"),
    *(ExportColumn(name, "whole") for name in ("charges", "connected_calls", "talk_seconds")),
)
CHARGE_COLUMNS = (
    ExportColumn("charge_id"),
    ExportColumn("account"),
    ExportColumn("period"),
    ExportColumn("seq", "whole"),
    *map(ExportColumn, ("kind", "plan", "source", "call_id")),
    ExportColumn("started_at", "instant"),
    *map(ExportColumn, ("direction", "class")),
    ExportColumn("connected", "flag"),
    *(ExportColumn(name, "whole") for name in ("talk_seconds", "billed_seconds")),
    ExportColumn("late", "flag"),
    ExportColumn("reason"),
    ExportColumn("rates"),
    ExportColumn("lines"),
    ExportColumn("amount", "money"),
    ExportColumn("period_total", "money"),
    ExportColumn("currency"),
)
REJECTED_COLUMNS = (
    *map(ExportColumn, ("place", "first")),
    ExportColumn("at", "instant"),
    ExportColumn("times", "whole"),
    *map(ExportColumn, ("state", "reason", "detail", "account", "source", "received")),
    ExportColumn("resolved_at", "instant"),
    *map(ExportColumn, ("resolved_by", "resolved_why", "sent_to")),
)


def exported_periods(periods: Iterable[MonthPeriod], form: ExportFormat, money: Money) -> Iterator[bytes]:
    """Periods, a row each."""
    rows = (period.model_dump() for period in periods)
    if form == "jsonl":
        return _joined(orjson.dumps(row) + b"\n" for row in rows)
    return _table(rows, PERIOD_COLUMNS, form, money)


def exported_charges(charges: Iterable[FoundCharge], form: ExportFormat, money: Money) -> Iterator[bytes]:
    """Charges, a row each; as JSON lines their messages, byte for byte."""
    if form == "jsonl":
        return _joined(charge.body.encode() + b"\n" for charge in charges)
    return _table((charge_cells(orjson.loads(charge.body)) for charge in charges), CHARGE_COLUMNS, form, money)


def exported_rejected(records: Iterable[RejectedView], form: ExportFormat, money: Money) -> Iterator[bytes]:
    """Rejected records, a row each; as JSON lines as the API gives them."""
    rows = (record.model_dump() for record in records)
    if form == "jsonl":
        return _joined(orjson.dumps(row) + b"\n" for row in rows)
    return _table(rows, REJECTED_COLUMNS, form, money)


def charge_cells(charge: Mapping[str, Any]) -> dict[str, Any]:
    """A charge in one row: its call's fields, and its lines in words, with their rates."""
    lines = charge["lines"]
    return {
        **charge.get("call", {}),
        **charge,
        "late": charge.get("late", False),
        "rates": "; ".join(line["rate"] for line in lines if "rate" in line),
        "lines": "; ".join(_words(tuple(line.items())) for line in lines),
    }


@lru_cache(maxsize=10_000)
def _words(line: tuple[tuple[str, Any], ...]) -> str:
    """A line in words and what it comes to: few lines make most of a month."""
    told = dict(line)
    return f"{line_words(told)} = {told['amount']}"


def csv_rows(rows: Iterable[Cells], columns: Sequence[ExportColumn]) -> Iterator[bytes]:
    """CSV with its header; no cell is taken for a formula."""
    names = [column.name for column in columns]
    texts = [at for at, column in enumerate(columns) if column.kind == "text"]
    flags = [at for at, column in enumerate(columns) if column.kind == "flag"]
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(names)
    source = iter(rows)
    while piece := list(islice(source, PIECE)):
        for row in piece:
            values = list(map(row.get, names))
            for at in texts:
                text = values[at]
                if text and text[0] in FORMULA:
                    values[at] = cell(text)
            for at in flags:
                values[at] = _FLAGS[values[at]]
            writer.writerow(values)
        yield buffer.getvalue().encode()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue().encode()  # of no rows, the header


_FLAGS = {True: "true", False: "false", None: ""}


def _table(rows: Iterable[Cells], columns: Sequence[ExportColumn], form: ExportFormat, money: Money) -> Iterator[bytes]:
    return csv_rows(rows, columns) if form == "csv" else _parquet(rows, columns, money)


def _joined(lines: Iterable[bytes]) -> Iterator[bytes]:
    source = iter(lines)
    while piece := b"".join(islice(source, PIECE)):
        yield piece


def _parquet(rows: Iterable[Cells], columns: Sequence[ExportColumn], money: Money) -> Iterator[bytes]:
    """Raises `Refused` where pyarrow is not installed, before the first piece."""
    try:
        import pyarrow as pa  # noqa: PLC0415 - of an optional extra
        from pyarrow import parquet  # noqa: PLC0415
    except ImportError as error:
        raise Refused("Parquet needs pyarrow: pip install 'rater[parquet]'") from error
    kinds = {
        "text": pa.string(),
        "money": pa.decimal128(38, money.precision),
        "whole": pa.int64(),
        "flag": pa.bool_(),
        "instant": pa.timestamp("us", tz="UTC"),
    }
    schema = pa.schema([(column.name, kinds[column.kind]) for column in columns])

    def pieces() -> Iterator[bytes]:
        source, sink = iter(rows), _Sink()
        with closing(parquet.ParquetWriter(pa.PythonFile(sink, mode="w"), schema)) as writer:
            while group := list(islice(source, ROW_GROUP)):
                made = {one.name: [_value(one.kind, row.get(one.name)) for row in group] for one in columns}
                writer.write_table(pa.table(made, schema=schema))
                yield sink.taken()
        yield sink.taken()

    return pieces()


_VALUES: dict[ColumnKind, Callable[[Any], Any]] = {"money": Decimal, "instant": datetime.fromisoformat}


def _value(kind: ColumnKind, value: Any) -> Any:
    return value if value is None or kind not in _VALUES else _VALUES[kind](value)


class _Sink(io.RawIOBase):
    """A file that gives away what was written to it."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._pieces.append(bytes(data))
        return len(data)

    def taken(self) -> bytes:
        """What came since this was asked last."""
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)
