"""Where records of a log go in another: the order of each account, books and ticks in place, forwarded ones once."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rater.seam.model import LogRecord
from rater.seam.partitions import partition_of
from rater.tools.log_file import LogLine, read_log, to_line
from rater.tools.move import moved, renumbered, survey

N = 4
ACCOUNTS = [b"a%d" % n for n in range(20)]
KEYS = st.sampled_from([None, *ACCOUNTS])


def log(keys: list[bytes | None]) -> list[LogLine]:
    """Records of accounts where they belong, and one without a key in every partition, in order."""
    ends: defaultdict[int, int] = defaultdict(int)
    lines = []
    for number, key in enumerate(keys):
        for partition in range(N) if key is None else (partition_of(key, N),):
            record = LogRecord(ends[partition], number, key, b"%d" % number, (("ce_id", b"%d" % number),))
            ends[partition] += 1
            lines.append(LogLine(partition, N, record))
    return sorted(lines, key=lambda line: (line.partition, line.record.offset))


def seen_by(lines: list[LogLine], account: bytes) -> list[bytes | None]:
    """What stands in the account's partition for it: its own records, and those without a key."""
    partitions = lines[0].partitions if lines else 1
    home = partition_of(account, partitions)
    return [line.record.value for line in lines if line.partition == home and line.record.key in {None, account}]


@given(st.lists(KEYS, max_size=40), st.sampled_from([1, 2, 3, 4]))
def test_every_account_sees_what_it_saw(keys: list[bytes | None], times: int) -> None:
    """In k times as many partitions: its records and, among them, books and ticks, in the same order."""
    before = log(keys)
    after = [one for line in before for one in moved(line, N * times, set())]
    for account in ACCOUNTS:
        if before:
            assert seen_by(after, account) == seen_by(before, account)
    ends: defaultdict[int, int] = defaultdict(int)
    for line in renumbered(after):
        assert line.record.offset == ends[line.partition]
        ends[line.partition] += 1


def test_a_forwarded_record_is_there_once() -> None:
    """Its copy, where it was rated, without the mark of it; what came from a switch keeps where it came from."""
    home = partition_of(b"a1", N)
    wrong = (home + 1) % N
    switch = (("rater-from", b"switch-fs-1/0/7"),)
    lines = [
        LogLine(wrong, N, LogRecord(0, 0, b"a1", b"original", ())),
        LogLine(home, N, LogRecord(0, 1, b"a1", b"copy", (("rater-from", b"p-calls/%d/0" % wrong), ("ce_id", b"x")))),
        LogLine(home, N, LogRecord(1, 2, b"a1", b"of a switch", switch)),
    ]
    left_out = survey(lines).left_out
    after = [one for line in lines for one in moved(line, N, left_out)]
    assert [(one.partition, one.record.value, one.record.headers) for one in after] == [
        (home, b"copy", (("ce_id", b"x"),)),
        (home, b"of a switch", switch),
    ]


def test_headers_survive_an_export() -> None:
    record = LogRecord(3, 5, b"k", b"v", (("rater-from", b"switch-a/0/1"), ("x", b"\xff")))
    line = to_line(1, 4, record)
    (found,) = read_log(lambda: [line]).lines
    assert found == LogLine(1, 4, record)
    bare = record._replace(headers=())
    assert b"headers" not in to_line(1, 4, bare)
    assert list(read_log(lambda: [to_line(1, 4, bare)]).lines) == [LogLine(1, 4, bare)]


@pytest.mark.parametrize(("headers", "refused"), [((), True), ((("ce_id", b"1"),), False)])
def test_an_export_without_headers_is_refused_where_it_matters(
    rater: Any,
    tmp_path: Path,
    headers: tuple[tuple[str, bytes], ...],
    refused: bool,  # noqa: FBT001
) -> None:
    wrong = (partition_of(b"a1", N) + 1) % N
    line = LogLine(wrong, N, LogRecord(0, 0, b"a1", b"{}", headers))
    assert survey([line]).lost_headers == refused
    if refused:
        (tmp_path / "log.jsonl").write_bytes(to_line(wrong, N, line.record))
        done = rater("import", "log.jsonl")
        assert done.exit_code == 2
        assert "export it anew" in done.stderr
