"""Profiles for the tests of the room, in the words of a file."""

from __future__ import annotations

from typing import Any

import orjson

from rater.switches.profile import Profile, load_profile


def no_map(name: str) -> bytes:
    raise FileNotFoundError(2, "No such file or directory", name)


def made(format: str, *, maps: dict[str, bytes] | None = None, **words: Any) -> Profile:  # noqa: A002
    """A profile of a format, with what most have."""
    usual: dict[str, Any] = {"source": "pbx-1", "format": format, "time_zone": "Asia/Shanghai"}
    if format != "call-ended":
        usual |= {"account": [{"field": "accountcode"}], "direction": "outbound"}
    said = {name: word for name, word in {**usual, **words}.items() if word is not None}
    found = load_profile(orjson.dumps(said), (maps or {}).__getitem__ if maps else no_map)
    assert isinstance(found, Profile), found
    return found
