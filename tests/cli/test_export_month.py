"""`rater export-month`: the rows of a month in every format add up to what was charged."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest
from pyarrow import parquet

from tests.console.readmodel import busy_log

CHARGED = [charge for charge in busy_log().charges if charge["type"] == "charge/1"]
OCTOBER = [charge for charge in CHARGED if charge["period"] == "2026-10"]
TOTAL = sum(Decimal(charge["amount"]) for charge in OCTOBER)


@pytest.fixture
def charges(tmp_path: Path) -> Path:
    file = tmp_path / "charges.jsonl"
    file.write_bytes(b"".join(orjson.dumps(charge) + b"\n" for charge in busy_log().charges))
    return file


def test_every_format_adds_up(rater: Any, charges: Path, tmp_path: Path) -> None:
    for what, column in (("periods", "total"), ("charges", "amount")):
        words = ("export-month", "2026-10", "--what", what, "--charges", charges)
        rows = list(csv.DictReader(io.StringIO(rater(*words).stdout)))
        assert sum(Decimal(row[column]) for row in rows) == TOTAL
        done = rater(*words, "--out", tmp_path / f"of-{what}.parquet")
        assert done.exit_code == 0, done.stderr
        assert sum(parquet.read_table(tmp_path / f"of-{what}.parquet").column(column).to_pylist()) == TOTAL
        assert rater(*words, "--out", tmp_path / f"of-{what}.jsonl").exit_code == 0
        lines = (tmp_path / f"of-{what}.jsonl").read_bytes().splitlines()
        assert sum(Decimal(orjson.loads(line)[column]) for line in lines) == TOTAL
        assert len(lines) == len(rows)
    assert [row["charge_id"] for row in rows] == sorted(
        (charge["charge_id"] for charge in OCTOBER), key=lambda one: (one.split(":")[0], int(one.split(":")[2]))
    )


@pytest.mark.parametrize(("month", "status", "says"), [("2026-13", 2, "no month"), ("1999-01", 1, "2026-11, 2026-10")])
def test_another_month_is_told(rater: Any, charges: Path, month: str, status: int, says: str) -> None:
    done = rater("export-month", month, "--charges", charges)
    assert (done.exit_code, says in done.stderr) == (status, True), done.stderr


def test_excel_is_told_that_it_is_utf_8(rater: Any, charges: Path, tmp_path: Path) -> None:
    file = tmp_path / "october.csv"
    assert rater("export-month", "2026-10", "--charges", charges, "--out", file, "--bom").exit_code == 0
    assert file.read_bytes().startswith(b"\xef\xbb\xbfaccount,")
