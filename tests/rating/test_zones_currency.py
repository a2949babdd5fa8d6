"""Pinned data: time zones and currencies."""

from __future__ import annotations

from datetime import datetime, timedelta
from importlib.resources import files
from pathlib import Path
from zoneinfo import ZoneInfo, reset_tzpath

import pytest

from rater.rating.currency import MINOR_UNITS
from rater.rating.zones import _load, names, zone


def test_zone_comes_from_the_package(tmp_path: Path) -> None:
    """A zone has its own offsets, summer and winter, also where the system's file of that name is wrong."""
    (tmp_path / "Europe").mkdir()
    (tmp_path / "Europe" / "Berlin").write_bytes((files("tzdata") / "zoneinfo" / "UTC").read_bytes())
    names.cache_clear()
    _load.cache_clear()
    reset_tzpath(to=[str(tmp_path)])
    try:
        berlin, of_the_system = zone("Europe/Berlin"), ZoneInfo.no_cache("Europe/Berlin")
    finally:
        reset_tzpath()
    july, december = datetime(2026, 7, 1), datetime(2026, 12, 1)  # noqa: DTZ001 - local times
    assert of_the_system.utcoffset(july) == timedelta(0)
    assert berlin is not None
    assert (berlin.utcoffset(july), berlin.utcoffset(december)) == (timedelta(hours=2), timedelta(hours=1))


@pytest.mark.parametrize(
    "name", ["", "Mars/Olympus", "asia/shanghai", "../zones", "Asia", "/etc/localtime", "posixrules"]
)
def test_no_such_zone(name: str) -> None:
    """What is not a zone's exact name is no zone, and reads no other file."""
    assert zone(name) is None


def test_every_zone_loads() -> None:
    """Each name of the package has its zone."""
    assert "Asia/Shanghai" in names()
    assert all(zone(name) is not None for name in names())


@pytest.mark.parametrize(("code", "places"), [("JPY", 0), ("CNY", 2), ("EUR", 2), ("KWD", 3), ("CLF", 4)])
def test_minor_units(code: str, places: int) -> None:
    """A currency's amounts have the places that ISO 4217 gives them."""
    assert MINOR_UNITS[code] == places


def test_codes() -> None:
    """Codes are three capitals, each with one number of places."""
    assert all(len(code) == 3 and code.isascii() and code.isupper() for code in MINOR_UNITS)
    assert "XXX" not in MINOR_UNITS
