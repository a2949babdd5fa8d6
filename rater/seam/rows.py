"""The committed rows of one log partition, in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice

from rater.seam.heads import HEAD_KEY, HEADS
from rater.seam.model import Changes, Head, Row, TableSpec

GroupOf = Callable[[bytes, Row], bytes]


class PartitionRows:
    """Every table's rows of one log partition; only the commit of a transaction changes them.

    Tables with a `TableSpec.group` have an index, kept up with each row, so that a group costs what its own rows cost:
    nothing here ever walks a whole table.
    """

    __slots__ = ("__weakref__", "_group_of", "_groups", "_sorted", "tables")

    def __init__(self, tables: Iterable[TableSpec]) -> None:
        specs = list(tables)
        self.tables: dict[str, dict[bytes, Row]] = {spec.name: {} for spec in specs}
        self._group_of: dict[str, GroupOf] = {spec.name: spec.group for spec in specs if spec.group is not None}
        self._groups: dict[str, dict[bytes, dict[bytes, None]]] = {name: {} for name in self._group_of}
        self._sorted: set[tuple[str, bytes]] = set()
        """Groups whose keys stand in their order, since they were sorted and none was added."""

    def table(self, name: str) -> Mapping[bytes, Row]:
        """A table's rows by key; not to be changed but by `put` and `apply`."""
        return self.tables[name]

    def get(self, table: str, key: bytes) -> Row | None:
        """The row, or None."""
        return self.tables[table].get(key)

    def group(self, table: str, group: bytes) -> Iterable[bytes]:
        """The keys of a table's rows that belong together, by its `TableSpec.group`; they must be read at once."""
        return self._groups[table].get(group, ())

    def first(self, table: str, group: bytes, count: int) -> Sequence[bytes]:
        """The first `count` keys of a group in their order.

        A group is sorted when it is first asked for, and again only after keys were added: emptying it bit by bit costs
        one sort in all.
        """
        found = self._groups[table].get(group)
        if found is None:
            return ()
        if (table, group) not in self._sorted:
            found = self._groups[table][group] = dict.fromkeys(sorted(found))
            self._sorted.add((table, group))
        return tuple(islice(found, count))

    @property
    def head(self) -> Head | None:
        """The partition's own row, None before its first transaction."""
        return self.tables[HEADS.name].get(HEAD_KEY)

    def put(self, table: str, key: bytes, row: Row | None) -> None:
        """Make one change of a row; None deletes it."""
        self.apply({table: {key: row}})

    def apply(self, changes: Changes) -> None:
        """Make the changes of a committed transaction; None deletes."""
        for table, changed in changes.items():
            rows = self.tables[table]
            group_of = self._group_of.get(table)
            if group_of is not None:
                self._apply_grouped(table, group_of, changed)
                continue
            for key, row in changed.items():
                if row is None:
                    rows.pop(key, None)
                else:
                    rows[key] = row

    def _apply_grouped(self, table: str, group_of: GroupOf, changed: Mapping[bytes, Row | None]) -> None:
        """Make the changes of a table with groups, and note what they add to these and take out of them."""
        rows, groups = self.tables[table], self._groups[table]
        for key, row in changed.items():
            if row is not None and key not in rows:  # nearly all: rows that are remembered
                rows[key] = row
                group = group_of(key, row)
                if (keys := groups.get(group)) is None:
                    groups[group] = {key: None}
                else:
                    keys[key] = None
                    if self._sorted:
                        self._sorted.discard((table, group))
                continue
            self._replace(table, group_of, key, row)

    def _replace(self, table: str, group_of: GroupOf, key: bytes, row: Row | None) -> None:
        """Change or delete a row of a table with groups; one that is not there is not deleted."""
        rows, groups = self.tables[table], self._groups[table]
        old = rows.get(key)
        if old is None:
            return
        before, now = group_of(key, old), None if row is None else group_of(key, row)
        if row is None:
            del rows[key]
        else:
            rows[key] = row
        if now == before:
            return
        keys = groups[before]
        del keys[key]
        if not keys:
            del groups[before]
            self._sorted.discard((table, before))
        if now is not None:
            groups.setdefault(now, {})[key] = None
            self._sorted.discard((table, now))

    def __len__(self) -> int:
        return sum(map(len, self.tables.values()))
