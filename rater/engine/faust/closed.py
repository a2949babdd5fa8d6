"""Ways to move a consumer that nobody may use but the engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn

from faust.types import TP


class ClosedSeeks:
    """Every other way to seek is closed: a position that anyone else moves would leave records out."""

    def seek(self, partition: TP, offset: int) -> NoReturn:  # noqa: ARG002 - Faust's signature
        """Closed."""
        message = f"{partition}: only the engine seeks"
        raise RuntimeError(message)

    async def seek_wait(self, partitions: Mapping[TP, int]) -> NoReturn:
        """Closed, like `seek`."""
        self.seek(*next(iter(partitions.items())))

    async def seek_to_beginning(self, *partitions: TP) -> NoReturn:
        """Closed, like `seek`."""
        self.seek(partitions[0], 0)
