"""`rater tariffs publish --what-if LOG`: whom a book that reaches back changes, and by how much."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer

from rater.cli import publishing
from rater.rating.catalog import NotPublished
from rater.tools import foresight, what_if
from rater.tools.what_if import WhatIf
from rater.wire.tariff_file import load_book
from tests.cli.test_rate import call, subscribed
from tests.support.command import Rater
from tests.support.logs import book, published

FIRST = """\
version: 1
currency: CNY
time_zone: Asia/Shanghai
plans:
  p: {fee: "100.00", minutes: {rate: "1.00"}}
  q: {minutes: {rate: "9.00"}}
"""
BACK = """\
version: 2
currency: CNY
time_zone: Asia/Shanghai
plans:
  p:
    effective: 2026-11-01T00:00:00+08:00
    reach_back: true
    fee: "200.00"
    minutes: {rate: "3.00"}
  q: {minutes: {rate: "9.00"}}
"""


@pytest.fixture
def log() -> Path:
    """Bare events with their book: A on p with 10 calls of a minute, B on q."""
    found = load_book(FIRST.encode())
    assert not isinstance(found, tuple)
    events = [
        {"type": "tariffs-published/1", "book": json.loads(found.model_dump_json(exclude_unset=True))},
        subscribed("A", "p"),
        subscribed("B", "q"),
        *(call(account, number, 1) for account in "AB" for number in range(10)),
    ]
    path = Path("log.jsonl")
    path.write_text("".join(json.dumps(event) + "\n" for event in events))
    Path("back.yaml").write_text(BACK)
    return path


def test_it_shows_each_period_that_changes_and_publishes_nothing(rater: Rater, log: Path) -> None:
    """110.00 to 230.00 for A; B is not named."""
    result = rater("tariffs", "publish", "back.yaml", "--what-if", log)
    assert result.exit_code == 0, result.output
    (line,) = [line for line in result.stdout.splitlines() if "2026-11" in line]
    assert [word.strip() for word in line.strip("│").split("│")] == [
        *("A", "2026-11", "110.00", "+120.00", "230.00", "CNY")
    ]
    assert "nothing was published" in result.stderr
    words = json.loads(rater("tariffs", "publish", "back.yaml", "--what-if", log, "--json").stdout)
    assert words == {
        "refused": None,
        "periods": [
            {
                "account": "A",
                "period": "2026-11",
                "currency": "CNY",
                "before": "110.00",
                "after": "230.00",
                "change": "120.00",
            }
        ],
        "total": "120.00",
    }


def test_a_book_that_would_be_refused_and_one_that_changes_nothing_say_so(rater: Rater, log: Path) -> None:
    """An increment that counts otherwise; a version that is to come."""
    Path("otherwise.yaml").write_text(BACK.replace("minutes: {rate", "minutes: {increment: 6/6, rate", 1))
    result = rater("tariffs", "publish", "otherwise.yaml", "--what-if", log)
    assert (result.exit_code, "reach-back-units" in result.stderr) == (1, True)
    Path("later.yaml").write_text(BACK.replace("2026-11-01", "2026-12-01"))
    result = rater("tariffs", "publish", "later.yaml", "--what-if", log)
    assert (result.exit_code, "it re-rates no open period" in result.output) == (0, True)


def test_many_accounts_are_summed_up(rater: Rater) -> None:
    """Those that change most come first, then how many more there are, and the sum of all."""
    words = book({"p": {"minutes": {"rate": "1.00"}}, "q": {"minutes": {"rate": "9.00"}}})
    names = [f"A{n:02d}" for n in range(30)]
    events = [published(words), *(subscribed(name, "p") for name in names)]
    events += [call(name, n, 1) for number, name in enumerate(names) for n in range(number)]
    Path("log.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
    Path("back.yaml").write_text(BACK)
    result = rater("tariffs", "publish", "back.yaml", "--what-if", "log.jsonl")
    lines = [line.strip("│ ").split("│") for line in result.stdout.splitlines() if "A29" in line or "more" in line]
    assert [word.strip() for word in lines[0]] == ["A29", "2026-11", "29.00", "+258.00", "287.00", "CNY"]
    assert lines[1][0].strip() == "... and 10 more"
    assert "30 accounts" in result.stdout
    assert "+6,870.00" in result.stdout  # 30 fees of 200.00, 435 minutes 2.00 dearer


LATE = foresight.Foreseen(None, late=("p", "q"))
REACHES = foresight.Foreseen(None, back=("p",))
REFUSED = foresight.Foreseen(NotPublished("stale-book", "version 1 is not higher"), "")


@pytest.mark.parametrize(
    ("foreseen", "yes", "says"),
    [
        (LATE, True, "plans p, q: effective is past"),
        (REFUSED, True, "stale-book: version 1 is not higher"),
        (REACHES, False, "is written when somebody says so"),
        (REACHES, True, None),
        (foresight.Foreseen(None), False, None),
    ],
)
def test_what_must_not_be_written_is_not(
    foreseen: foresight.Foreseen,
    yes: bool,  # noqa: FBT001 - a row of the table
    says: str | None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A past effective that does not reach back; a book that would be refused; one that reaches back, unasked."""

    async def foresee(*_: object) -> foresight.Foreseen:
        return foreseen

    async def on_kafka(*_: object) -> WhatIf:
        return WhatIf("", ())

    monkeypatch.setattr(foresight, "foresee", foresee)
    monkeypatch.setattr(what_if, "on_kafka", on_kafka)
    found = load_book(BACK.encode())
    assert not isinstance(found, tuple)
    if says is None:
        publishing.foretell(found, "en", yes=yes)
        return
    with pytest.raises(typer.Exit) as ended:
        publishing.foretell(found, "en", yes=yes)
    assert ended.value.exit_code == 1
    assert says in capsys.readouterr().err
