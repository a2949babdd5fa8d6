"""Hostile tariff files: each is a book or errors that name a line, at a cost in proportion to its size."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rater.wire.yaml_tree
from rater.wire.shipped import shipped_yaml
from rater.wire.tariff_book import TariffBook
from rater.wire.tariff_file import FileError, load_book, load_plan
from rater.wire.yaml_tree import MAX_BYTES
from tests.fuzz.bounds import FUZZ, bounded

SHIPPED = shipped_yaml()
LARGE = 8_000
"""Bytes: enough to tell a cost that grows with the square."""

ODD = [
    b"\t",
    b"\x00",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\r",
    b"\xe2\x80\xa8",
    b"&a ",
    b"*a",
    b"<<: ",
    b"!!python/object/apply:os.getcwd []",
    b"!!binary ",
    b"---\n",
    b"...\n",
    b"%YAML 9.9\n",
    b"? ",
    b"- ",
    b": ",
    b"[" * 50,
    b"{" * 50,
    b"|\n",
    b">-\n",
    b"'",
    b'"',
    b"#",
    b".nan",
    b"1e999",
    b"9" * 5000,
    b"0x7fffffffffffffff",
    b"2026-02-30",
    b"yes",
    b"~",
]
"""What YAML readers stumble over."""


def filled(head: bytes, part: bytes, tail: bytes = b"") -> bytes:
    """A file of some size, most of it `part` again and again."""
    return head + part * ((LARGE - len(head) - len(tail)) // len(part)) + tail


TRAPS = {
    "billion-laughs": b"a: &a [x,x,x,x,x,x,x,x,x]\n"
    + b"".join(b"%c: &%c [%s]\n" % (98 + n, 98 + n, b",".join([b"*%c" % (97 + n)] * 9)) for n in range(20)),
    "an-alias-of-itself": b"plans: &a [*a]\n",
    "merges": filled(b"", b"<<: *a\n"),
    "flow-lists": filled(b"", b"["),
    "flow-objects": filled(b"", b"{a: "),
    "block-objects": b"\n".join(b" " * depth + b"a:" for depth in range(200)),
    "block-lists": filled(b"", b"- "),
    "questions": filled(b"", b"? "),
    "entries": filled(b"[", b"1,", b"]"),
    "names-alone": filled(b"{", b"a:,", b"}"),
    "same-name": filled(b"", b"k: 1\n"),
    "bands": filled(b"plans: {p: {calls: {volume: [", b"{},", b"]}}}"),
    "plans": b"version: 1\nplans:\n" + b"".join(b" p%d: {x: 1}\n" % number for number in range(500)),
    "digits": filled(b"version: ", b"9"),
    "string": filled(b'"', b"x", b'"'),
    "open-string": filled(b"'", b"x\n"),
    "text": filled(b"a: |\n", b" x\n"),
    "long-name": filled(b"", b"k", b": 1"),
    "documents": filled(b"", b"---\n"),
    "tags": filled(b"", b"!"),
    "tabs": filled(b"", b"\t"),
    "empty-lines": filled(b"", b"\n"),
    "zeros": filled(b"", b"\x00"),
    "marks": filled(b"", b"\xef\xbb\xbf"),
}
"""Files that a careless reader pays for out of all proportion, or recurses into."""


def answered(data: bytes) -> tuple[FileError, ...] | TariffBook:
    """The file is a book, or errors in the order of its lines, for little."""
    found = bounded(lambda: load_book(data), 100_000 + 200 * len(data), 1_000_000 + 600 * len(data))
    if isinstance(found, TariffBook):
        return found
    assert found
    assert list(found) == sorted(found)
    lines = 1 + len(data.splitlines())
    for error in found:
        assert isinstance(error, FileError)
        assert 1 <= error.line <= max(lines, 1 + data.count(b"\n") + data.count("\u2028".encode()))
        assert error.column >= 1
        assert error.message
        assert len(str(error)) <= 1000
    return found


@pytest.mark.parametrize("trap", TRAPS)
def test_traps_are_refused_for_little(trap: str) -> None:
    """Bombs of aliases, deep nesting and their like are errors that name a line."""
    assert isinstance(answered(TRAPS[trap]), tuple)
    assert isinstance(load_plan(TRAPS[trap]), tuple)


def test_a_bomb_of_aliases_is_told() -> None:
    """Anchors are refused where the first one stands, before anything is multiplied."""
    errors = load_book(b"version: 1\n" + TRAPS["billion-laughs"])
    assert [str(error) for error in errors if isinstance(error, FileError)] == [
        "2:4: anchors (&) and aliases (*) are not read; write the words out"
    ]


def test_a_loader_that_follows_aliases_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the check of anchors the bomb goes off, and its cost is seen."""
    monkeypatch.setattr(rater.wire.yaml_tree, "_check", lambda _: None)
    with pytest.raises(AssertionError):
        answered(TRAPS["billion-laughs"])


def test_a_huge_file_is_not_read() -> None:
    """A file larger than any book is refused by its size alone."""
    huge = b"[" * (MAX_BYTES + 1)
    found = bounded(lambda: load_book(huge), 100, 10_000)
    assert isinstance(found, tuple)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """The shipped book with a few places torn, repeated or swapped."""
    data = SHIPPED
    for _ in range(draw(st.integers(1, 4))):
        at, cut = draw(st.integers(0, len(data))), draw(st.integers(0, 40))
        part = draw(st.binary(max_size=4) | st.sampled_from([*ODD, data[at : at + 200] * 2]))
        data = data[:at] + part + data[at + cut :]
    return data


@settings(FUZZ, max_examples=120)
@given(damaged() | st.binary(max_size=200) | st.text(max_size=100).map(lambda text: text.encode(errors="replace")))
def test_every_file_is_answered(data: bytes) -> None:
    """Damaged books and plain rubbish are answered, the same each time, and cost what their size allows."""
    assert answered(data) == load_book(data)
