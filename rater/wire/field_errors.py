"""What is wrong with a field, for people: its place, and what to write. Values are never repeated: they may be numbers
of phones, or long."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import ErrorDetails

_LONGEST_WORD = 64
_LONG_NUMBER = re.compile(r"[0-9]{5,}")
"""It may be the number of a phone."""
BRANCHES = frozenset({"<field>", "<value>", "<word>", "<fields>", "<one>", "<more>", "<name>", "<unit>"})
"""Tags of unions, which pydantic puts into the place of an error."""
_TAGS = frozenset({"id", "inline"})
"""What pydantic puts behind `plan`, a union, to tell which branch of it was taken."""

_MEANINGS = {
    "missing": "is missing",
    "string_type": "must be a string",
    "int_type": "must be a whole number, without quotes",
    "bool_type": "must be true or false",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "tuple_type": "must be a list",
    "too_short": "has too few entries",
    "too_long": "has too many entries",
    "string_too_short": "must not be empty",
    "string_too_long": "is too long",
    "decimal_type": "must be a decimal as a string",
    "datetime_type": "must be an RFC 3339 time with an offset",
    "timezone_aware": "the time must have an offset from UTC, as in 2026-11-01T08:00:00+08:00",
    "string_unicode": "must be UTF-8",
    "int_parsing_size": "is too large",
}


def told_of(model: type[BaseModel], error: ErrorDetails) -> tuple[str, str]:
    """(place, what is wrong) of an error that pydantic found in a message or tariff book."""
    path = place_of(error)
    kind, context = error["type"], error.get("ctx", {})
    if kind == "extra_forbidden":
        return dotted(path), _unknown_word(model, path)
    if kind in _MEANINGS:
        return dotted(path), _MEANINGS[kind]
    if kind.startswith("datetime"):
        return dotted(path), "there is no such time"
    if kind == "string_pattern_mismatch" and path:
        return dotted(path), _pattern(model, path)
    if kind == "literal_error":
        return dotted(path), f"must be {context['expected']}".replace("'", "")
    return dotted(path), _in_house(error["msg"])


def place_of(error: ErrorDetails) -> tuple[str | int, ...]:
    """Where it is wrong: names and list positions from the outside in, without the marks of unions and keys."""
    last = len(error["loc"]) - (error["type"] == "extra_forbidden")  # whose name is what was written, whatever it is
    parts = [part for n, part in enumerate(error["loc"]) if n >= last or part not in BRANCHES]
    if parts[:1] == ["plan"] and parts[1:2] and parts[1] in _TAGS:
        del parts[1]
    if parts[-1:] == ["[key]"] and error["type"] != "extra_forbidden":
        del parts[-1]
    at = error.get("ctx", {}).get("at")
    return (*parts, at) if isinstance(at, str) else tuple(parts)


def dotted(path: tuple[str | int, ...]) -> str:
    """The place in one word: `plans.hybrid-200.minutes.volume.1.rate`; at most 80 characters, without control signs."""
    text = ".".join(_printable(str(part)) for part in path)
    return text if len(text) <= 80 else f"{text[:77]}..."


def words_at(model: type[BaseModel], path: tuple[str | int, ...]) -> list[str]:
    """The field names that may stand in the object at a place; none where the place takes any name."""
    found: Any = model
    for part in path:
        found = _below(found, part)
    return sorted({name for one in _models(found) for name in _names(one)})


def nearest(word: str, known: list[str]) -> str | None:
    """The known word that was most likely meant."""
    close = get_close_matches(word[:_LONGEST_WORD], known, n=1, cutoff=0.6)
    return close[0] if close else None


def _unknown_word(model: type[BaseModel], path: tuple[str | int, ...]) -> str:
    known = words_at(model, path[:-1])
    close = nearest(str(path[-1]), known)
    return f"is not known here; did you mean {close}?" if close else f"is not known here; known are {', '.join(known)}"


def _pattern(model: type[BaseModel], path: tuple[str | int, ...]) -> str:
    found: Any = model
    for part in path:
        found = _below(found, part)
    for meaning in _meanings(found):
        return f"must be {meaning}"
    return "has signs that must not stand here, or is too long"


def _in_house(message: str) -> str:
    text = message.removeprefix("Value error, ").replace("Input should", "must").replace("String should", "must")
    return text[:1].lower() + text[1:]


def _printable(text: str) -> str:
    return _LONG_NUMBER.sub("#", "".join(sign if sign.isprintable() and sign.isascii() else "?" for sign in text[:100]))


def _names(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _models(kind: Any) -> Iterator[type[BaseModel]]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield kind
    elif get_origin(kind) is Annotated:
        yield from _models(get_args(kind)[0])
    elif get_origin(kind) in {Union, UnionType}:
        for one in get_args(kind):
            yield from _models(one)


def _below(kind: Any, part: str | int) -> Any:
    """The type of what stands under a name or position of a type."""
    for model in _models(kind):
        for name, field in model.model_fields.items():
            if part == (field.alias or name):
                return Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
    plain = get_args(kind)[0] if get_origin(kind) is Annotated else kind
    inner = [one for one in _branches(plain) if get_origin(one) in {dict, tuple}]
    return get_args(inner[0])[1 if get_origin(inner[0]) is dict else 0] if inner else None


def _branches(kind: Any) -> list[Any]:
    if get_origin(kind) is Annotated:
        return _branches(get_args(kind)[0])
    if get_origin(kind) in {Union, UnionType}:
        return [leaf for one in get_args(kind) for leaf in _branches(one)]
    return [kind]


def _meanings(kind: Any) -> Iterator[str]:
    if get_origin(kind) is Annotated:
        for mark in get_args(kind)[1:]:
            meaning = getattr(mark, "meaning", None) or getattr(mark, "description", None)
            if isinstance(meaning, str):
                yield meaning
        yield from _meanings(get_args(kind)[0])
    elif get_origin(kind) in {Union, UnionType}:
        for one in get_args(kind):
            yield from _meanings(one)
