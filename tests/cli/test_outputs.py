"""What commands write: whole or not at all, never over an input, no option dropped in silence, no formula in CSV."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest

from rater.rating.limits import LINE_BYTES
from rater.readmodel.figures import cell
from rater.seam.model import LogRecord
from rater.tools.log_file import to_line
from tests.cli.test_files import CALLS, exported, lines, summary
from tests.support.command import Rater
from tests.support.logs import book, call, published, shipped, subscribed, tick

PLANS = {"p": {"calls": {"rate": "1.00"}}, "f": {"fee": "100.00", "calls": {"rate": "1.00"}}}
OWN = published(book(PLANS, currency="USD", default_plan="p"))
BOOK = "version: 1\ncurrency: USD\ntime_zone: UTC\ndefault_plan: p\nplans: {p: {calls: {rate: 1.00}}}\n"


@pytest.fixture
def events(rater: Rater) -> Path:
    """Bare events with their own book in USD, and that book as a file."""
    assert rater("rate", "-", given="").exit_code == 0, "it has moved to a folder of its own"
    Path("book.yaml").write_text(BOOK)
    file = Path("ev.jsonl")
    file.write_bytes(lines([OWN, *CALLS]))
    return file


@pytest.fixture
def charges(rater: Rater, events: Path) -> Path:
    """Their charges."""
    rater("rate", events, "--out", "charges.jsonl")
    return Path("charges.jsonl")


def test_the_book_of_the_events_is_never_written_over(rater: Rater, events: Path) -> None:
    """Not the tariff book either."""
    done = rater("rate", events, "--tariffs", "book.yaml", "--out", "book.yaml")
    assert (done.exit_code, Path("book.yaml").read_text()) == (2, BOOK)


def test_a_statement_is_not_written_over_its_charges(rater: Rater, charges: Path) -> None:
    """Nor over their book."""
    before = charges.read_bytes()
    for target in (charges, Path("book.yaml")):
        words = ("statement", "A0", "2026-11", "--charges", charges, "--tariffs", "book.yaml", "--html", target)
        assert rater(*words).exit_code == 2
    assert (charges.read_bytes(), Path("book.yaml").read_text()) == (before, BOOK)


def test_redirected_events_are_not_written_over(events: Path) -> None:
    """`rate - <ev.jsonl --out ev.jsonl` is refused, whatever standard input is called."""
    before = events.read_bytes()
    with events.open("rb") as given:
        command = [sys.executable, "-m", "rater", "rate", "-", "--out", str(events)]
        done = subprocess.run(command, stdin=given, capture_output=True, text=True, check=False)
    assert (done.returncode, "is a file that is read" in done.stderr) == (2, True), done.stderr
    assert events.read_bytes() == before


@pytest.mark.usefixtures("events")
def test_a_redirected_file_is_read_from_where_it_stands() -> None:
    """What a shell has read of it before belongs to the shell: nothing is rewound."""
    script = (
        f"{{ read -r book; read -r first; {sys.executable} -m rater rate - --tariffs book.yaml --summary; }} <ev.jsonl"
    )
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1] == f"{len(CALLS) - 1} records: {len(CALLS) - 1} charged"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_command_that_is_stopped_leaves_all_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    """Ctrl-C and SIGTERM in the middle: the old file is there, and no draft."""
    monkeypatch.chdir(tmp_path)
    Path("old.jsonl").write_bytes(b"old\n")
    command = [sys.executable, "-m", "rater", "simulate", "--calls", "3000000", "--months", "12"]
    command += ["--out", "old.jsonl"]
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # who runs us may have it ignored, as a shell's &
    try:
        running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    finally:
        signal.signal(signal.SIGINT, before)
    with running:
        while not any(path.stat().st_size for path in Path().glob(".*.draft")):
            assert running.poll() is None
        running.send_signal(number)
        assert running.wait(60) not in {0, -number}
    assert [(path.name, path.read_bytes()) for path in Path().iterdir()] == [("old.jsonl", b"old\n")]


def test_a_file_keeps_its_mode_and_its_link(rater: Rater, events: Path) -> None:
    """A file for its owner stays one; a symbolic link is written through."""
    target = Path("kept.jsonl")
    target.touch(0o600)
    Path("link.jsonl").symlink_to(target)
    assert rater("rate", events, "--out", "link.jsonl").exit_code == 0
    assert (target.stat().st_mode & 0o777, Path("link.jsonl").is_symlink()) == (0o600, True)
    assert target.read_bytes().count(b"\n") == len(CALLS)


def test_a_folder_of_partitions_is_of_one_rating(rater: Rater, events: Path) -> None:
    """A file is written for each partition, one without charges too; those of a log of more partitions are refused."""
    Path("log.jsonl").write_bytes(b"".join(exported([published(shipped()), *CALLS[:1]], 0, 0, 2)))
    Path("parts").mkdir()
    Path("parts/1.jsonl").write_text("of before\n")
    assert rater("rate", "log.jsonl", "--by-partition", "parts").exit_code == 0
    assert sorted((path.name, path.read_bytes() == b"") for path in Path("parts").iterdir())[1] == ("1.jsonl", True)
    done = rater("rate", events, "--by-partition", "parts")
    assert (done.exit_code, "has 1.jsonl, and this log has 1 partition" in done.stderr) == (2, True)


@pytest.mark.parametrize(
    "words",
    [
        ("rate", "ev.jsonl", "--alerts", "-"),
        ("rate", "ev.jsonl", "--by-partition", "-"),
        ("rate", "-", "--tariffs", "-"),
        ("rerate", "-", "--tariffs", "-"),
        ("advise", "A0", "--charges", "-", "--tariffs", "-"),
        ("rerate", "ev.jsonl", "--tariffs", "book.yaml", "--csv", "--json"),
        ("rerate", "ev.jsonl", "--tariffs", "book.yaml", "--current", "book.yaml"),
        ("rerate", "--tariffs", "book.yaml", "--current", "book.yaml"),
        ("statement", "A0", "2026-11", "--charges", "charges.jsonl", "--csv", "--json"),
        ("statement", "A0", "2026-11", "--charges", "charges.jsonl", "--html", "page.html", "--items"),
        ("statement", "A0", "2026-11", "--tariffs", "book.yaml"),
        ("advise", "A0", "--tariffs", "book.yaml"),
        ("simulate", "--rate", "5", "--out", "more.jsonl"),
        ("snapshot", "--out", "s", "--after", "ev.jsonl", "--trust-tables"),
        ("snapshot", "--out", "-"),
    ],
)
def test_options_that_would_be_dropped_are_refused(rater: Rater, charges: Path, words: tuple[str, ...]) -> None:
    """Before anything is read or written."""
    there = sorted(Path().iterdir())
    assert charges in there
    done = rater(*words)
    assert (done.exit_code, done.stdout) == (2, "")
    assert sorted(Path().iterdir()) == there


def test_charges_are_compared_with_a_book_of_their_currency(rater: Rater, charges: Path) -> None:
    """Charges in USD beside the shipped book's prices in CNY gave advice in a currency of neither."""
    done = rater("advise", "A0", "--charges", charges)
    assert (done.exit_code, "line 1 is a charge in USD; the shipped tariff book is in CNY" in done.stderr) == (2, True)
    assert rater("advise", "A0", "--charges", charges, "--tariffs", "book.yaml").exit_code == 0
    other = charges.read_text().splitlines()
    charges.write_text("\n".join([*other, other[-1].replace("USD", "EUR")]) + "\n")
    done = rater("advise", "A0", "--charges", charges, "--tariffs", "book.yaml")
    assert (done.exit_code, f"line {len(other) + 1} is a charge in EUR" in done.stderr) == (2, True)


def test_standard_input_is_a_file_to_every_verb(rater: Rater, charges: Path, events: Path) -> None:
    """`-` for a book, a log and charges."""
    assert rater("tariffs", "check", "-", given=BOOK).exit_code == 0
    assert "USD" in rater("rerate", "-", "--tariffs", "book.yaml", "--csv", given=events.read_bytes()).stdout
    words = ("statement", "A0", "2026-11", "--charges", "-", "--tariffs", "book.yaml", "--json")
    assert json.loads(rater(*words, given=charges.read_bytes()).stdout)["period"]["currency"] == "USD"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("=1+1", "'=1+1"),
        ("+861", "'+861"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("-12.50", "-12.50"),
        ("12", "12"),
        ("A-1", "A-1"),
        (None, ""),
        (True, "True"),
    ],
)
def test_no_cell_is_a_formula(text: object, shown: str) -> None:
    """And a negative amount is a number."""
    assert cell(text) == shown


def test_csv_has_text_as_text_in_utf_8(rater: Rater) -> None:
    """A call id that is a formula, a reason in Chinese and a credit, in the CSV of a statement."""
    credit = {
        "type": "account-adjusted/1",
        "account": "A0",
        "adjustment_id": "-1+2",
        "amount": "-2.50",
        "reason": "=退款",
    }
    Path("ev.jsonl").write_bytes(lines([OWN, call("A0", 1, 60) | {"call_id": "=1+1"}, credit]))
    Path("book.yaml").write_text(BOOK)
    rater("rate", "ev.jsonl", "--out", "charges.jsonl")
    words = ["statement", "A0", "2026-11", "--charges", "charges.jsonl", "--tariffs", "book.yaml", "--csv"]
    done = subprocess.run(
        [sys.executable, "-m", "rater", *words],
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )
    rows = list(csv.DictReader(io.StringIO(done.stdout.decode())))
    assert {row["call_id"] for row in rows} == {"'=1+1", ""}
    assert [(row["amount"], row["reason"]) for row in rows if row["kind"] != "usage"] == [("-2.50", "'=退款")]


@pytest.mark.usefixtures("events")
@pytest.mark.parametrize("script", ["rerate ev.jsonl --tariffs book.yaml --csv", "rate ev.jsonl --summary"])
def test_a_full_disk_behind_standard_output_is_told(script: str) -> None:
    """In a sentence, with exit status 74, for what is printed in one piece too."""
    command = f"{sys.executable} -m rater {script} >/dev/full"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, "Traceback" in done.stderr, "No space left" in done.stderr) == (74, False, True)


def test_a_closed_pipe_is_not_told_of_another_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The alerts' file is not to blame where the reader of the charges has gone, and nothing is left of it."""
    monkeypatch.chdir(tmp_path)
    Path("ev.jsonl").write_bytes(lines([call(f"A{n % 3}", n, 600) for n in range(2_000)]))
    script = f"{sys.executable} -m rater rate ev.jsonl --alerts a.jsonl | head -c 1 >/dev/null"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert (done.stderr, [path.name for path in Path().iterdir()]) == ("", ["ev.jsonl"])


def test_a_binary_env_file_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings are read from it; it is named, without a traceback."""
    monkeypatch.chdir(tmp_path)
    Path(".env").write_bytes(b"\x89PNG\r\n\x1a\n\xff\xfe")
    command = [sys.executable, "-m", "rater", "settings"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.startswith(".env is no text")) == (2, True), done.stderr


def test_an_exported_record_beyond_all_sizes_is_one_rejection(rater: Rater) -> None:
    """As the worker has it: the line of a record of 5 MB is longer than is read, and the next ones are rated."""
    log = exported([published(shipped()), *CALLS], 0, 0, 1)
    large = to_line(0, 1, LogRecord(len(log), 2_000_000_000_000, b"A0", b"x" * (LINE_BYTES + 1)))
    behind = exported([call("A0", "behind", 60)], 0, len(log) + 1, 1)
    Path("log.jsonl").write_bytes(b"".join([*log, large, *behind]))
    found = summary(rater, "log.jsonl")["outcomes"]
    assert found == {"applied": 1, "charged": len(CALLS) + 1, "rejected:record-too-large": 1}


@pytest.mark.parametrize(
    ("field", "value"), [("partitions", 10**9), ("timestamp", 2**62), ("offset", 2**63), ("partition", True)]
)
def test_numbers_beyond_all_bounds_are_refused_with_the_line(rater: Rater, field: str, value: Any) -> None:
    """Not taken for sizes of memory or for years."""
    log = exported([published(shipped()), *CALLS], 0, 0, 1)
    log[5] = orjson.dumps({**orjson.loads(log[5]), field: value}) + b"\n"
    Path("log.jsonl").write_bytes(b"".join(log))
    done = rater("rate", "log.jsonl")
    assert (done.exit_code, f"line 6: not a record of an exported log (ValueError: {field}" in done.stderr) == (2, True)


def test_a_book_written_with_escapes_is_the_files_own(rater: Rater, events: Path) -> None:
    """PHP writes tariffs-published\\/1; a mark of byte order stands before each of two files that were joined."""
    escaped = events.read_bytes().replace(b"tariffs-published/1", b"tariffs-published\\/1").splitlines(keepends=True)
    Path("joined.jsonl").write_bytes(b"".join([b"\xef\xbb\xbf", *escaped[:4], b"\xef\xbb\xbf", *escaped[4:]]))
    assert summary(rater, "joined.jsonl") == summary(rater, "ev.jsonl")
    said = json.loads(rater("rerate", "joined.jsonl", "--tariffs", "book.yaml", "--json").stdout)
    assert (said["total"], said["outcomes_under_the_other_book"]) == ("0.00", said["outcomes"])


def test_time_far_ahead_is_refused_in_a_tick_and_a_subscription_too(rater: Rater) -> None:
    """Without timestamps a tick of 2099 would charge the fees of a century as a call of 2099 would."""
    on_plan = subscribed("A0", "f")
    far = [tick("2099-01-01T00:00:00Z"), {**on_plan, "subscription_id": "far", "from": "2099-01-01T00:00:00Z"}]
    Path("ev.jsonl").write_bytes(lines([OWN, on_plan, *CALLS, *far, call("A0", "last", 60)]))
    found = summary(rater, "ev.jsonl")
    assert found["outcomes"] == {"applied": 2, "charged": len(CALLS) + 1, "rejected:too-far": 2}
    assert found["accounts"]["A0"]["charges"] == 1 + 4 + 1


def test_a_subscription_of_long_ago_does_not_make_the_calls_too_far(rater: Rater) -> None:
    """Only calls and ticks tell what time it is: a plan may hold since years."""
    since = {**subscribed("A0", "f"), "from": "2019-01-01T00:00:00Z"}
    Path("ev.jsonl").write_bytes(lines([OWN, since, *CALLS]))
    assert summary(rater, "ev.jsonl")["outcomes"] == {"applied": 2, "charged": len(CALLS)}
