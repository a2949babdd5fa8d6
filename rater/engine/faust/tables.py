"""Faust tables whose rows the engine keeps: real tables to look at, but changed only by a partition's transaction."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NoReturn

from faust.tables.table import Table

from rater.seam.model import Row


class PartitionedTable(Table):
    """A table by log partition. `table.partitions_held[p]` are the committed rows of partition p, key to row."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.partitions_held: dict[int, dict[bytes, Row]] = {}

    async def on_start(self) -> None:
        """No store to open; and the changelog topic is made by `rater topics create`, never by a worker."""

    def __getitem__(self, key: bytes) -> Row:
        for rows in self.partitions_held.values():
            if key in rows:
                return rows[key]
        raise KeyError(key)

    def __contains__(self, key: object) -> bool:
        return any(key in rows for rows in self.partitions_held.values())

    def __iter__(self) -> Iterator[bytes]:
        for rows in self.partitions_held.values():
            yield from rows

    def __len__(self) -> int:
        return sum(map(len, self.partitions_held.values()))

    def __bool__(self) -> bool:
        return True  # Faust asks `if table`

    def __setitem__(self, key: bytes, value: Row) -> NoReturn:
        self._refuse()

    def __delitem__(self, key: bytes) -> NoReturn:
        self._refuse()

    def send_changelog(self, *args: Any, **kwargs: Any) -> NoReturn:  # noqa: ARG002 - Faust's signature
        """Faust's way to write a changelog, outside any transaction: closed."""
        self._refuse()

    def _refuse(self) -> NoReturn:
        message = f"table {self.name}: rows change only by a step, inside the transaction of their log partition"
        raise TypeError(message)
