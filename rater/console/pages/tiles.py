"""The row of figures on top of a page."""

from __future__ import annotations

from typing import NamedTuple


class Tile(NamedTuple):
    """A figure with its name."""

    label: str
    value: str
    unit: str = ""
    note: str = ""
    tone: str = ""
    share: float | None = None
    """Of 100, for a bar below the figure."""
