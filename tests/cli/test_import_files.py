"""Files as people have them: packed, in other encodings, in folders; and what is refused."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from cramjam import zstd

EXAMPLES = Path(__file__).parents[2] / "examples" / "switches"
ASTERISK = EXAMPLES / "asterisk-csv"
COUNTS = {"call": 6, "rejected:no-account": 1, "rejected:wrong-shape": 1, "skipped:duplicate": 1}


def come_of(rater: Any, *words: object) -> dict[str, int]:
    done = rater("import", *words, "--profile", ASTERISK / "profile.yaml", "--dry-run", "--json")
    assert done.exit_code == 0, done.stderr
    found: dict[str, int] = json.loads(done.stdout)["outcomes"]
    return found


@pytest.mark.parametrize("packing", ["plain", "gzip", "zstd", "bom", "utf-16", "crlf", "latin-1", "standard-input"])
def test_however_it_is_packed(rater: Any, tmp_path: Path, packing: str) -> None:
    """The same records come out."""
    data = (ASTERISK / "Master.csv").read_bytes()
    made = {
        "gzip": lambda: gzip.compress(data),
        "zstd": lambda: bytes(zstd.compress(data)),
        "bom": lambda: b"\xef\xbb\xbf" + data,
        "utf-16": lambda: data.decode().encode("utf-16"),
        "crlf": lambda: data.replace(b"\n", b"\r\n"),
        "latin-1": lambda: data.replace(b"Front desk", "Büro".encode("latin-1")),
    }.get(packing, lambda: data)()
    (tmp_path / "file").write_bytes(made)
    assert come_of(rater, "file") == COUNTS


def test_a_folder_is_read_by_names(rater: Any, tmp_path: Path) -> None:
    """What was read twice is a duplicate; hidden files are left out."""
    (tmp_path / "cdrs" / "2026").mkdir(parents=True)
    shutil.copy(ASTERISK / "Master.csv", tmp_path / "cdrs" / "b.csv")
    shutil.copy(ASTERISK / "Master.csv", tmp_path / "cdrs" / "2026" / "a.csv")
    (tmp_path / "cdrs" / ".hidden").write_text("rubbish")
    found = come_of(rater, "cdrs")
    assert (found["call"], found["skipped:duplicate"]) == (6, 8)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("nothing.csv", "--profile", ASTERISK / "profile.yaml", "--dry-run"), "nothing.csv: No such file"),
        ((ASTERISK / "Master.csv", "--profile", "nothing.yaml", "--dry-run"), "nothing.yaml: No such file"),
        ((ASTERISK / "Master.csv", "--profile", ASTERISK / "Master.csv", "--dry-run"), "rater switches check"),
        ((ASTERISK / "Master.csv", "--profile", ASTERISK / "profile.yaml", "--rate", "--json"), "--out"),
        ((ASTERISK / "Master.csv", "--profile", ASTERISK / "profile.yaml", "--summary"), "--rate"),
        ((ASTERISK / "Master.csv", "--profile", ASTERISK / "profile.yaml", "--rate", "--dry-run"), "exclude"),
        ((ASTERISK / "Master.csv", "--rate"), "name its profile"),
        ((EXAMPLES / "events.jsonl",), "bare events, not an exported log"),
        ((ASTERISK / "Master.csv",), "neither events"),
        ((ASTERISK, EXAMPLES), "one exported log is imported at a time"),
    ],
)
def test_what_is_refused_says_what_to_do(rater: Any, words: tuple[object, ...], says: str) -> None:
    done = rater("import", *words)
    assert done.exit_code in {1, 2}
    assert says in done.stderr, done.stderr


def test_try_shows_each_record_beside_what_becomes_of_it(rater: Any) -> None:
    done = rater("switches", "try", ASTERISK / "profile.yaml", ASTERISK / "Master.csv")
    assert done.exit_code == 0
    for says in ("record 1 call", "+8613900000001", "rejected: no-account", "skipped: duplicate", "label queue"):
        assert says in done.stdout, says
    checked = rater("switches", "check", ASTERISK / "profile.yaml", ASTERISK / "Master.csv")
    assert checked.exit_code == 1
    assert "source ast-1, format asterisk-csv, no errors" in checked.stdout
    assert "1 of 2 profiles have errors" in checked.stderr
