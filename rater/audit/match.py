"""Two sequences side by side: what the log asks for and what was published. Equal bytes meet; the rest is named.

Both come in pieces, and only a window of each is kept, so memory is bounded. Where they differ, the windows tell
whether one is missing, is there once more, has no cause or was changed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from itertools import islice
from typing import NamedTuple, Protocol

import orjson

from rater.audit.report import FindingKind, Report

WINDOW = 1000
"""How far ahead is looked for the other half of a pair, where two differ."""


class OutputRecord(NamedTuple):
    """One output: as the replay makes it, or as it was published."""

    key: bytes | None
    value: bytes | None
    offset: int
    """In the log that asks for it; or in its own topic."""
    cause: str
    """The place in the log that it says it comes from."""


class Books(Protocol):
    """Keeps account of what was published, in its order."""

    def ident(self, piece: OutputRecord) -> str:
        """What it is about: a charge's id, or the place of what was rejected."""

    def knows(self, piece: OutputRecord) -> bool:
        """Whether it was published before."""

    def enter(self, piece: OutputRecord, place: str, *, before_cut: bool) -> None:
        """Take in the next one; up to the cut the workers had come when the audit began."""


class Matcher:
    """The outputs of one partition to one topic."""

    def __init__(self, report: Report, books: Books, log: str, topic: str, cut: int) -> None:
        """`log` and `topic` are places, `calls/3`; up to log offset `cut` all must have been published."""
        self._report, self._log, self._topic, self._cut = report, log, topic, cut
        self._expected: deque[OutputRecord] = deque()
        self._published: deque[OutputRecord] = deque()
        self._asked_all = self._read_all = self._beyond = self._more = False
        self._books = books
        self.passed = -1
        """The offset of the last published one that was judged."""

    @property
    def wants_published(self) -> bool:
        """Would more of what was published help?"""
        return not self._read_all and len(self._published) < WINDOW + len(self._expected)

    def expect(self, pieces: Iterable[OutputRecord]) -> None:
        """The log asks for these next."""
        self._expected.extend(pieces)

    def publish(self, pieces: Iterable[OutputRecord]) -> None:
        """These were published next."""
        self._published.extend(pieces)

    def asked_all(self, *, more: bool) -> None:
        """The log asks for no more; or, if there is `more` of it, that is not looked at, nor what it published."""
        self._asked_all, self._more = True, more

    def read_all(self) -> None:
        """No more was published."""
        self._read_all = True

    def settle(self) -> None:
        """Judge all that can be judged with what is here."""
        while self._expected and self._published:
            asked, given = self._expected[0], self._published[0]
            if asked.value == given.value and asked.key == given.key:
                self._meet()
            elif self._sees_enough():
                self._tell_apart(asked, given)
            else:
                return
        while self._read_all and self._expected:
            self._miss()
        while self._asked_all and self._published and not self._more:
            self._surplus()

    def _sees_enough(self) -> bool:
        return (self._asked_all or len(self._expected) >= WINDOW) and (self._read_all or len(self._published) >= WINDOW)

    def _tell_apart(self, asked: OutputRecord, given: OutputRecord) -> None:
        due, ident = self._books.ident(asked), self._books.ident(given)
        if due == ident:
            what = f"{ident}: {difference(asked, given)}"
            self._report.add_finding("changed", f"{self._topic}/{given.offset}", what)
            self._meet()
            return
        early = self._index(self._published, due)
        late = self._index(self._expected, ident)
        if late is not None and (early is None or late <= early):
            for _ in range(late):
                self._miss()
        elif early is not None:
            for _ in range(early):
                self._surplus()
        else:
            self._surplus()
            self._miss()

    def _index(self, pieces: deque[OutputRecord], ident: str) -> int | None:
        ahead = enumerate(islice(pieces, WINDOW))
        return next((n for n, piece in ahead if self._books.ident(piece) == ident), None)

    def _meet(self) -> None:
        self._ask()
        self._give()

    def _miss(self) -> None:
        """Asked for and not published: wrong, unless the workers have not come so far."""
        asked = self._ask()
        if not self._beyond:
            self._report.add_finding("missing", f"{self._log}/{asked.offset}", self._books.ident(asked))

    def _surplus(self) -> None:
        kind: FindingKind = "repeated" if self._books.knows(self._published[0]) else "no-cause"
        given = self._give()
        self._report.add_finding(kind, f"{self._topic}/{given.offset}", self._books.ident(given))

    def _ask(self) -> OutputRecord:
        asked = self._expected.popleft()
        self._beyond = asked.offset >= self._cut
        return asked

    def _give(self) -> OutputRecord:
        given = self._published.popleft()
        self.passed = given.offset
        self._books.enter(given, f"{self._topic}/{given.offset}", before_cut=not self._beyond)
        return given


def difference(asked: OutputRecord, given: OutputRecord) -> str:
    """In which field two outputs differ first, in words."""
    if asked.key != given.key:
        return f"its key is {given.key!r}, the log says {asked.key!r}"
    try:
        said, due = orjson.loads(given.value or b"null"), orjson.loads(asked.value or b"null")
    except orjson.JSONDecodeError:
        return "it is not JSON"
    if not isinstance(said, dict) or not isinstance(due, dict):
        return f"it is {said!r}"
    for name in (*due, *said):
        if said.get(name) != due.get(name):
            return f"{name} is {_short(said.get(name))}, the log says {_short(due.get(name))}"
    return "the same content in other bytes"


def _short(value: object) -> str:
    text = orjson.dumps(value).decode()
    return text if len(text) <= 80 else f"{text[:77]}..."
