"""Whether the latest `spend` of each account's period is what the log says: of a key only the last value counts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from rater.audit.report import Report


class Latest(NamedTuple):
    """The last value of a key, and the offset in the log that it came from."""

    value: bytes | None
    cause: int


class Spends:
    """The latest of each key by the replay and by the topic, of one partition."""

    def __init__(self) -> None:
        self._due: dict[bytes, bytes | None] = {}
        self._published: dict[bytes, Latest] = {}

    def expect(self, key: bytes, value: bytes | None) -> None:
        """What the replay puts out."""
        self._due[key] = value

    def publish(self, records: Iterable[Any], cause_of: Any) -> None:
        """What the topic has."""
        for record in records:
            offset = cause_of(record).rpartition("/")[2]
            self._published[record.key] = Latest(record.value, int(offset) if offset.isdecimal() else -1)

    def compare(self, report: Report, place: str, since: int, cut: int) -> None:
        """Judge what came from the log's offsets `since` up to `cut`; later ones have a cause that was not replayed."""
        for key in sorted({*self._due, *self._published}):
            due, there = self._due.get(key), self._published.get(key, Latest(None, -1))
            name = f"{place}: {key.decode(errors='replace')}"
            if there.cause >= cut or (key not in self._due and there.cause < since and there.cause >= 0):
                continue
            if due is not None and there.value is None:
                report.add_finding("missing", name, "the latest spend is not there")
            elif due is None and there.value is not None:
                report.add_finding(
                    "no-cause", name, "a spend that the log does not ask for, or that was to be forgotten"
                )
            elif due != there.value:
                report.add_finding("changed", name, "the latest spend is not what the log says")
