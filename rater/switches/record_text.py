"""A record's bytes as text, JSON and fields. What is raised is `Unreadable`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from rater.switches.raw import Unreadable

MAX_DEPTH = 16
MAX_FIELDS = 5_000


def text_of(data: bytes) -> str:
    """The record as text: UTF-8, else Latin-1, in which every byte is a letter: names in old switches are."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def json_of(data: bytes) -> dict[str, Any]:
    """The record as a JSON object."""
    try:
        words = orjson.loads(data.removeprefix(b"\xef\xbb\xbf"))
    except ValueError as error:
        raise Unreadable("not-json", "the record is not JSON in UTF-8") from error
    if not isinstance(words, dict):
        raise Unreadable("wrong-shape", "the record must be a JSON object")
    return words


def flat(words: Mapping[str, Any]) -> dict[str, str]:
    """All texts, numbers and truths of an object by their names, those within others as `a.b`; lists by their index.

    null is an empty text, as where a column is empty.
    """
    found: dict[str, str] = {}
    layers: list[tuple[str, Any, int]] = [("", words, 0)]
    while layers:
        name, value, depth = layers.pop()
        if isinstance(value, dict | list):
            if depth > MAX_DEPTH:
                raise Unreadable("wrong-shape", f"nested more than {MAX_DEPTH} levels deep")
            inner = value.items() if isinstance(value, dict) else enumerate(value)
            layers += [(f"{name}.{key}" if name else str(key), one, depth + 1) for key, one in inner]
            continue
        found[name] = _written(value)
        if len(found) > MAX_FIELDS:
            raise Unreadable("wrong-shape", f"more than {MAX_FIELDS} fields")
    return found


def _written(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else repr(value)


def needed(fields: Mapping[str, str], *names: str) -> str:
    """The first of these fields that says something."""
    for name in names:
        if text := fields.get(name, "").strip():
            return text
    raise Unreadable("wrong-shape", f"{names[0]}: is missing or empty")
