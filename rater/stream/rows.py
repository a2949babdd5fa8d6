"""The committed rows of one log partition, in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from rater.stream.heads import HEAD_KEY, HEADS
from rater.stream.model import Changes, Head, Row, TableSpec


class PartitionRows:
    """Every table's rows of one log partition; only the commit of a transaction changes them."""

    __slots__ = ("_group_of", "_groups", "tables")

    def __init__(self, tables: Iterable[TableSpec]) -> None:
        specs = list(tables)
        self.tables: dict[str, dict[bytes, Row]] = {spec.name: {} for spec in specs}
        self._group_of: dict[str, Callable[[bytes], bytes]] = {s.name: s.group for s in specs if s.group is not None}
        # An index is built when somebody first asks for it, and kept up from then on.
        self._groups: dict[str, dict[bytes, list[bytes]]] = {}

    def table(self, name: str) -> Mapping[bytes, Row]:
        """A table's rows by key; not to be changed but by `apply`."""
        return self.tables[name]

    def get(self, table: str, key: bytes) -> Row | None:
        """The row, or None."""
        return self.tables[table].get(key)

    def group(self, table: str, group: bytes) -> Sequence[bytes]:
        """The keys of a table's rows that belong together, by its `TableSpec.group`."""
        groups = self._groups.get(table)
        if groups is None:
            groups = self._groups[table] = {}
            group_of = self._group_of[table]
            for key in self.tables[table]:
                groups.setdefault(group_of(key), []).append(key)
        rows = self.tables[table]
        there = groups[group] = [key for key in groups.get(group, ()) if key in rows]  # deleted ones are still listed
        return there

    @property
    def head(self) -> Head | None:
        """The partition's own row, None before its first transaction."""
        return self.tables[HEADS.name].get(HEAD_KEY)

    def apply(self, changes: Changes) -> None:
        """Make the changes of a committed transaction; None deletes."""
        for table, changed in changes.items():
            rows = self.tables[table]
            if table in self._groups:
                self._index(table, changed)
            for key, row in changed.items():
                if row is None:
                    rows.pop(key, None)
                else:
                    rows[key] = row

    def _index(self, table: str, changed: Mapping[bytes, Row | None]) -> None:
        """List keys that are new, each once. One that was deleted and came back may be listed still."""
        rows, groups, group_of = self.tables[table], self._groups[table], self._group_of[table]
        for key, row in changed.items():
            if row is not None and key not in rows:
                listed = groups.setdefault(group_of(key), [])
                if key not in listed:
                    listed.append(key)

    def __len__(self) -> int:
        return sum(map(len, self.tables.values()))
