"""The committed rows of one log partition, in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rater.stream.heads import HEAD_KEY, HEADS
from rater.stream.model import Changes, Head, Row


class PartitionRows:
    """Every table's rows of one log partition; only the commit of a transaction changes them."""

    __slots__ = ("tables",)

    def __init__(self, tables: Iterable[str]) -> None:
        self.tables: dict[str, dict[bytes, Row]] = {name: {} for name in tables}

    def table(self, name: str) -> Mapping[bytes, Row]:
        """A table's rows by key; not to be changed but by `apply`."""
        return self.tables[name]

    def get(self, table: str, key: bytes) -> Row | None:
        """The row, or None."""
        return self.tables[table].get(key)

    @property
    def head(self) -> Head | None:
        """The partition's own row, None before its first transaction."""
        return self.tables[HEADS.name].get(HEAD_KEY)

    def apply(self, changes: Changes) -> None:
        """Make the changes of a committed transaction; None deletes."""
        for table, changed in changes.items():
            rows = self.tables[table]
            for key, row in changed.items():
                if row is None:
                    rows.pop(key, None)
                else:
                    rows[key] = row

    def __len__(self) -> int:
        return sum(map(len, self.tables.values()))
