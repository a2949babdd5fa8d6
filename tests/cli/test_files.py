"""Files as strangers have them: packed, marked, out of order, cut off; and outputs that are whole or not there."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from cramjam import zstd

from rater.rating.limits import LINE_BYTES
from rater.seam.model import LogRecord
from rater.tools.log_file import to_line
from rater.wire.reasons import REASONS
from tests.support.command import Rater
from tests.support.logs import Event, book, call, published, shipped, subscribed, tick

USD = book({"p": {"minutes": {"rate": "1.00"}}}, currency="USD", default_plan="p")
CALLS = [call(f"A{n % 3}", n, 600) for n in range(12)]


CALLS_OF_A_DAY = [call(f"A{n % 3}", n, 600) for n in range(2_000)]


def lines(events: list[Event]) -> bytes:
    return b"".join(orjson.dumps(event) + b"\n" for event in events)


def summary(rater: Rater, file: str, **more: Any) -> Any:
    done = rater("rate", file, "--summary", "--json", **more)
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


def exported(events: list[Event], partition: int = 0, first: int = 0, partitions: int = 2) -> list[bytes]:
    keys = [None if "account" not in event else str(event["account"]).encode() for event in events]
    records = [LogRecord(first + n, 2_000_000_000_000, keys[n], orjson.dumps(e)) for n, e in enumerate(events)]
    return [to_line(partition, partitions, record) for record in records]


@pytest.mark.parametrize(
    "before",
    [
        pytest.param(b"\xef\xbb\xbf", id="a byte order mark"),
        pytest.param(b"# events of November\n", id="a comment"),
        pytest.param(orjson.dumps(tick("2026-11-01T00:00:00Z")) + b"\n", id="a tick"),
        pytest.param(b"\n\n  \n", id="empty lines"),
    ],
)
def test_the_files_own_book_rates_it_whatever_stands_before(rater: Rater, before: bytes) -> None:
    """120.00 USD, and never the shipped book's CNY."""
    Path("ev.jsonl").write_bytes(before + lines([published(USD), *CALLS]))
    found = summary(rater, "ev.jsonl")
    assert {a["currency"] for a in found["accounts"].values()} == {"USD"}
    assert sum(float(a["total"]) for a in found["accounts"].values()) == 120.0
    assert found["outcomes"]["charged"] == 12


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "plain": lambda data: data,
    "gzip": gzip.compress,
    "zstd": lambda data: bytes(zstd.compress(data)),
    "utf-16": lambda data: data.decode().encode("utf-16"),
    "utf-16 the other way": lambda data: b"\xfe\xff" + data.decode().encode("utf-16-be"),
}


@pytest.mark.parametrize("packed", PACKED)
def test_packed_files_are_read_as_what_they_hold(rater: Rater, packed: str) -> None:
    """Events and exported logs alike, from a file and from standard input."""
    events = lines([published(USD), *CALLS])
    Path("ev").write_bytes(PACKED[packed](events))
    Path("log").write_bytes(
        PACKED[packed](b"\xef\xbb\xbf" * (packed == "plain") + b"".join(exported([published(USD), *CALLS], 0, 0, 1)))
    )
    assert summary(rater, "ev")["outcomes"] == {"applied": 1, "charged": 12}
    assert summary(rater, "log")["outcomes"] == {"applied": 1, "charged": 12}
    assert summary(rater, "-", given=PACKED[packed](events))["outcomes"] == {"applied": 1, "charged": 12}


def test_what_is_no_log_is_refused_in_a_sentence(rater: Rater) -> None:
    """An array, a picture, a spreadsheet, a cut archive: exit 2, and what to do."""
    Path("array").write_bytes(orjson.dumps(CALLS))
    Path("picture").write_bytes(b"\x89PNG\r\n\x1a\n" + os.urandom(3_000).replace(b"{", b"x"))
    Path("sheet.csv").write_bytes(b"account,seconds\nA1,60\n" * 2_000)
    Path("cut.gz").write_bytes(gzip.compress(lines(CALLS))[:-30])
    for file, says in (("array", "jq -c"), ("picture", "no event"), ("sheet.csv", "no event"), ("cut.gz", "cut off")):
        done = rater("rate", file, "--summary")
        assert (done.exit_code, says in done.stderr, done.stdout) == (2, True, ""), (file, done.stderr)


def test_an_exported_log_out_of_order_is_rated_whole(rater: Rater) -> None:
    """`cat part-*.jsonl` puts 10 before 2: no line is lost, and the charges are those of the log."""
    whole = exported([published(shipped()), *CALLS], 0, 0, 1)
    Path("log.jsonl").write_bytes(b"".join(whole))
    Path("mixed.jsonl").write_bytes(b"".join([*whole[8:], *whole[:8]]))
    right = rater("rate", "log.jsonl")
    mixed = rater("rate", "mixed.jsonl")
    assert mixed.stdout == right.stdout
    assert mixed.stderr.splitlines()[-1] == right.stderr.splitlines()[-1] == "13 records: 1 applied, 12 charged"


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (lambda log: [*log, log[3]], "stands twice"),
        (lambda log: [*log, *exported(CALLS, 0, 50, 3)], "of a log with 3 partitions"),
        (lambda log: [*log, log[3].replace(b'"partition":0', b'"partition":7')], "partition: not one of 1"),
        (lambda log: [*log, log[3].replace(b'"offset":3', b'"offset":"3"')], "offset: not a whole number"),
        (lambda log: [*log, log[3].replace(b'"offset":3', b'"offset":-3')], "offset: not a whole number"),
        (lambda log: [*log, b'{"offset":'], "line 14"),
    ],
)
def test_lines_that_cannot_be_of_one_log_are_refused_with_their_place(rater: Rater, broken: Any, says: str) -> None:
    """Nothing is left out in silence, and nothing is written."""
    Path("log.jsonl").write_bytes(b"".join(broken(exported([published(shipped()), *CALLS], 0, 0, 1))))
    Path("charges.jsonl").write_bytes(b"before\n")
    done = rater("rate", "log.jsonl", "--out", "charges.jsonl")
    assert (done.exit_code, says in done.stderr) == (2, True), done.stderr
    assert Path("charges.jsonl").read_bytes() == b"before\n"
    assert sorted(p.name for p in Path().iterdir()) == ["charges.jsonl", "log.jsonl"]


@pytest.mark.parametrize("options", [("--out", "ev.jsonl"), ("--alerts", "ev.jsonl"), ("--out", "link.jsonl")])
def test_an_output_that_is_the_input_is_refused(rater: Rater, options: tuple[str, str]) -> None:
    """The events stay as they are, by whatever name they are given."""
    events = lines(CALLS)
    Path("ev.jsonl").write_bytes(events)
    Path("link.jsonl").symlink_to("ev.jsonl")
    done = rater("rate", "ev.jsonl", *options)
    assert (done.exit_code, Path("ev.jsonl").read_bytes()) == (2, events)
    Path("parts").mkdir()
    os.link("ev.jsonl", "parts/0.jsonl")
    assert rater("rate", "ev.jsonl", "--by-partition", "parts").exit_code == 2
    assert Path("ev.jsonl").read_bytes() == events


@pytest.mark.parametrize(
    "words",
    [
        ("--out", "a", "--by-partition", "b"),
        ("--json",),
        ("--summary", "--out", "a"),
        ("--out", "a", "--alerts", "a"),
    ],
)
def test_options_that_contradict_each_other_are_refused(rater: Rater, words: tuple[str, ...]) -> None:
    """None is dropped in silence, and no file is made."""
    Path("ev.jsonl").write_bytes(lines(CALLS))
    assert rater("rate", "ev.jsonl", *words).exit_code == 2
    assert [p.name for p in Path().iterdir()] == ["ev.jsonl"]


def test_a_dash_is_standard_output(rater: Rater) -> None:
    """For --out as for the argument; no file of that name is made."""
    Path("ev.jsonl").write_bytes(lines(CALLS))
    assert rater("rate", "ev.jsonl", "--out", "-").stdout == rater("rate", "ev.jsonl").stdout != ""
    assert not Path("-").exists()


def test_a_line_of_any_length_is_one_rejection(rater: Rater) -> None:
    """Of one that is too long only a beginning is read; the lines behind it have their outcomes."""
    long = b'{"type":"call-ended/1","account":"' + b"A" * (3 * LINE_BYTES) + b'"}\n'
    Path("ev.jsonl").write_bytes(lines(CALLS[:2]) + long + lines(CALLS[2:]))
    done = rater("rate", "ev.jsonl", "--summary")
    assert "rejected calls/0/3: record-too-large" in done.stderr
    assert done.stderr.splitlines()[-2:] == [
        f"record-too-large: {REASONS['record-too-large'].what_to_do}",
        "13 records: 12 charged, 1 rejected:record-too-large",
    ]


def test_a_date_far_ahead_is_refused_where_there_are_no_timestamps(rater: Rater) -> None:
    """A call of 2099 among those of 2026 once brought 866 monthly fees due."""
    far = call("A0", "far", 60) | {
        "started_at": "2099-01-01T00:00:00Z",
        "answered_at": "2099-01-01T00:00:05Z",
        "ended_at": "2099-01-01T00:01:00Z",
    }
    on_plan = subscribed("A0", "hybrid-200")
    Path("ev.jsonl").write_bytes(lines([on_plan, *CALLS, far, CALLS[0]]))
    found = summary(rater, "ev.jsonl")
    assert found["outcomes"] == {"applied": 1, "charged": 12, "duplicate": 1, "rejected:too-far": 1}
    assert found["accounts"]["A0"]["charges"] == 5, "one fee and four calls"


def run(script: str, **env: str) -> subprocess.CompletedProcess[str]:
    """A shell, as people use one."""
    rater = f"{sys.executable} -m rater"
    clean = {name: value for name, value in os.environ.items() if not name.startswith("RATER_")}
    return subprocess.run(
        ["bash", "-c", script.replace("rater", rater, 1)], capture_output=True, text=True, check=False, env=clean | env
    )


@pytest.mark.parametrize(
    ("script", "status"),
    [
        ("rater rate ev.jsonl --out /dev/full", 74),
        ("rater rate ev.jsonl >/dev/full", 74),
        ("rater rate - <&-", 2),
        ("rater rate ev.jsonl >&-", 2),
        ("rater rate nowhere.jsonl", 2),
        ("rater rate ev.jsonl | head -c 1 >/dev/null; exit ${PIPESTATUS[0]}", 1),
    ],
)
def test_full_disks_and_closed_pipes_end_with_a_sentence(
    script: str, status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And never with a traceback."""
    monkeypatch.chdir(tmp_path)
    Path("ev.jsonl").write_bytes(lines(CALLS_OF_A_DAY))
    done = run(script)
    assert "Traceback" not in done.stderr
    assert done.returncode == status, done.stderr


def test_a_terminal_without_the_characters_shows_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An ASCII output encoding is no error."""
    monkeypatch.chdir(tmp_path)
    Path("ev.jsonl").write_bytes(lines(CALLS))
    done = run("rater rate ev.jsonl --summary", PYTHONIOENCODING="ascii", LC_ALL="C")
    assert (done.returncode, "A0" in done.stdout) == (0, True), done.stderr
