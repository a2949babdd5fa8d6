"""The rows as the records of a batch leave them: what the batch changed so far, over what is committed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from heapq import merge
from itertools import islice

from rater.processor.decision import Change, Read
from rater.processor.rows import TABLES
from rater.seam.model import Changes, Row, Rows

_MISSING = object()
_GROUP_OF = {table.name: table.group for table in TABLES if table.group is not None}


class Overlay:
    """The changes of a batch, and the rows under them."""

    __slots__ = ("_groups", "_noted", "_rows", "changes")

    def __init__(self, rows: Rows) -> None:
        self.changes: Changes = {table.name: {} for table in TABLES}
        self._rows = rows
        # What the batch changed of each group; noted only when somebody asks, for most batches never do.
        self._groups: dict[str, dict[bytes, list[bytes]]] = {name: {} for name in _GROUP_OF}
        self._noted = dict.fromkeys(_GROUP_OF, 0)

    def put(self, changes: Iterable[Change]) -> None:
        """Take in what a record does. (Where no row moves to another group, `changes` may be set directly.)"""
        for table, key, row in changes:
            changed = self.changes[table]
            if row is not None and key in changed and table in _GROUP_OF:
                self._groups[table].clear()  # it may have come to another group, or come back in one
                self._noted[table] = 0
            changed[key] = row

    def reader(self, table: str) -> Read:
        """What looks a row up by its key; None where there is none."""
        changed, kept = self.changes[table].get, self._rows.table(table).get

        def read(key: bytes) -> Row | None:
            row = changed(key, _MISSING)
            return kept(key) if row is _MISSING else row

        return read

    def items(self, table: str) -> Iterator[tuple[bytes, Row]]:
        """All rows of a table with their keys, in any order."""
        changed, kept = self.changes[table], self._rows.table(table)
        yield from ((key, row) for key, row in changed.items() if row is not None)
        yield from ((key, row) for key, row in kept.items() if key not in changed)

    def group(self, table: str, group: bytes) -> Iterator[Row]:
        """The rows that belong together, in any order."""
        changed, kept = self.changes[table], self._rows.table(table)
        yield from (row for key in self._changed(table, group) if (row := changed[key]) is not None)
        yield from (kept[key] for key in self._rows.group(table, group) if key not in changed)

    def first(self, table: str, group: bytes, count: int) -> Sequence[bytes]:
        """The first `count` keys of the rows that belong together, in their order."""
        changed = self.changes[table]
        ours = sorted(key for key in self._changed(table, group) if changed[key] is not None)
        kept, asked = list[bytes](), count
        while True:
            found = self._rows.first(table, group, asked)
            kept = [key for key in found if key not in changed]
            if len(kept) >= count or len(found) < asked:
                return tuple(islice(merge(kept, ours), count))
            asked = count + len(found) - len(kept)  # as many as the batch has changed among them

    def _changed(self, table: str, group: bytes) -> Sequence[bytes]:
        """The keys of the group that the batch changed; a row that was deleted belongs where it was."""
        changed, kept = self.changes[table], self._rows.table(table)
        noted = self._noted[table]
        if noted < len(changed):
            group_of, groups = _GROUP_OF[table], self._groups[table]
            for key, row in islice(changed.items(), noted, None):
                there = kept.get(key) if row is None else row
                if there is not None:
                    groups.setdefault(group_of(key, there), []).append(key)
            self._noted[table] = len(changed)
        return self._groups[table].get(group, ())
