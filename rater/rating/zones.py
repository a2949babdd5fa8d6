"""Time zones, from the pinned `tzdata` package alone: the system's own files would make a charge depend on the host.

It is data fixed by the installation, like the currency table, so the rules may read it. Source: rating.md, "Periods".
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo


@cache
def names() -> frozenset[str]:
    """The names of all zones that exist, `Asia/Shanghai`; upper and lower case matter."""
    return frozenset((files("tzdata") / "zones").read_text(encoding="ascii").split())


def zone(name: str) -> ZoneInfo | None:
    """The zone of that name; None where there is none."""
    return _load(name) if name in names() else None


@cache
def _load(name: str) -> ZoneInfo:
    with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as data:
        return ZoneInfo.from_file(data, key=name)
