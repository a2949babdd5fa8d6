"""Whether a changed JSON Schema is backward compatible: it takes everything that the old one took.

It errs on the safe side: what it cannot compare (another pattern, another condition) counts as broken. A breaking
change is a new message type, `call-ended/2`, beside the old one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]

_TELLS = frozenset(
    {"title", "description", "examples", "default", "$id", "$schema", "$defs", "$comment", "discriminator"}
)
"""Words that tell something and refuse nothing."""
_UPPER = ("maxLength", "maximum", "maxItems", "maxProperties")
_LOWER = ("minLength", "minimum", "minItems", "minProperties")
_COMPARED = frozenset(
    {
        "properties",
        "required",
        "enum",
        "const",
        "type",
        "anyOf",
        "oneOf",
        "items",
        "additionalProperties",
        "patternProperties",
        "propertyNames",
    }
)


def breaking(old: Schema, new: Schema) -> list[str]:
    """What the new schema of a message refuses that the old one took, each with its place; none if it is compatible."""
    return list(_compare(old, new, _Roots(old, new), ""))


class _Roots:
    def __init__(self, old: Schema, new: Schema) -> None:
        self.old, self.new = old, new
        self.under_way: set[tuple[str, str]] = set()


def _compare(old: Any, new: Any, roots: _Roots, place: str) -> Iterator[str]:
    if old == new and roots.old == roots.new:
        return
    if isinstance(old, bool) or isinstance(new, bool):
        if old != new and new is not True:
            yield f"{place}: takes less than before"
        return
    pair = (str(old.get("$ref")), str(new.get("$ref")))
    if pair != ("None", "None"):
        if pair in roots.under_way:
            return
        roots.under_way.add(pair)
    old, new = _resolved(old, roots.old), _resolved(new, roots.new)
    try:
        if len(_branches(old)) == len(_branches(new)) == 1:
            yield from _fields(old, new, roots, place)
            yield from _values(old, new, roots, place)
            yield from _limits(old, new, place)
        else:
            yield from _alternatives(old, new, roots, place)
    finally:
        roots.under_way.discard(pair)


def _resolved(schema: Schema, root: Schema) -> Schema:
    while "$ref" in schema:
        beside = {word: value for word, value in schema.items() if word != "$ref"}
        schema = {**root["$defs"][schema["$ref"].removeprefix("#/$defs/")], **beside}
    return schema


def _fields(old: Schema, new: Schema, roots: _Roots, place: str) -> Iterator[str]:
    before, after = old.get("properties", {}), new.get("properties", {})
    for name, schema in before.items():
        if name not in after:
            yield f"{place}/{name}: removed"
        else:
            yield from _compare(schema, after[name], roots, f"{place}/{name}")
    for name in sorted(set(new.get("required", ())) - set(old.get("required", ()))):
        yield f"{place}/{name}: required, and was not"
    named = _allowed(_names(old))
    if named is not None:  # an object that has only these names: each by itself
        for name in named:
            yield from _compare(_of_name(old, name), _of_name(new, name), roots, f"{place}/{name}")
        return
    for pattern, schema in old.get("patternProperties", {}).items():
        yield from _compare(schema, new.get("patternProperties", {}).get(pattern, False), roots, f"{place}/*")
    yield from _compare(old.get("propertyNames", True), new.get("propertyNames", True), roots, f"{place}/*")
    yield from _compare(
        old.get("additionalProperties", True), new.get("additionalProperties", True), roots, f"{place}/*"
    )


def _names(schema: Schema) -> Schema:
    names: Schema | bool = schema.get("propertyNames", {})
    return names if isinstance(names, dict) else {}


def _of_name(schema: Schema, name: str) -> Any:
    """What a schema asks of the member of this name."""
    names = _allowed(_names(schema))
    if names is not None and name not in names:
        return False
    patterns = [found for pattern, found in schema.get("patternProperties", {}).items() if re.search(pattern, name)]
    return schema.get("properties", {}).get(name, patterns[0] if patterns else schema.get("additionalProperties", True))


def _values(old: Schema, new: Schema, roots: _Roots, place: str) -> Iterator[str]:
    for value in _allowed(old) or ():
        allowed = _allowed(new)
        if allowed is not None and value not in allowed:
            yield f"{place}: the value {value!r} removed"
    if _allowed(old) is None and _allowed(new) is not None:
        yield f"{place}: narrowed to some values"
    if not _types(new) >= _types(old):
        yield f"{place}: the type changed from {old.get('type')} to {new.get('type')}"
    yield from _compare(old.get("items", True), new.get("items", True), roots, f"{place}[]")


def _alternatives(old: Schema, new: Schema, roots: _Roots, place: str) -> Iterator[str]:
    """Each old alternative must be taken by one of the new ones."""
    for branch in _branches(old):
        if not any(next(_compare(branch, other, roots, place), None) is None for other in _branches(new)):
            kind = branch.get("$ref", branch.get("type", "a branch"))
            yield f"{place}: {kind} is no longer taken as it was"


def _limits(old: Schema, new: Schema, place: str) -> Iterator[str]:
    values = _allowed(old)
    fit = values is not None and all(_fits(value, new) for value in values)  # of some texts each is looked at
    for word in _UPPER:
        if word in new and not fit and not (word in old and old[word] <= new[word]):
            yield f"{place}: {word} narrowed"
    for word in _LOWER:
        if word in new and not (word in old and old[word] >= new[word]):
            yield f"{place}: {word} narrowed"
    known = _COMPARED | _TELLS | set(_UPPER) | set(_LOWER)
    if fit:
        known = known | {"pattern"}
    for word in sorted(set(new) - known):
        if old.get(word) != new[word]:
            yield f"{place}: {word} changed"


def _fits(value: Any, schema: Schema) -> bool:
    """Whether a text has the pattern and the length that a schema asks for."""
    if not isinstance(value, str) or re.search(schema.get("pattern", ""), value) is None:
        return False
    longest: int = schema.get("maxLength", len(value))
    return len(value) <= longest


def _allowed(schema: Schema) -> list[Any] | None:
    if "const" in schema:
        return [schema["const"]]
    values: list[Any] | None = schema.get("enum")
    return values


_ALL_TYPES = frozenset({"string", "integer", "number", "boolean", "object", "array", "null"})


def _types(schema: Schema) -> frozenset[str]:
    said = schema.get("type")
    if said is None:
        return frozenset({"string"}) if all(isinstance(one, str) for one in _allowed(schema) or (0,)) else _ALL_TYPES
    types = {said} if isinstance(said, str) else set(said)
    return frozenset(types | {"integer"} if "number" in types else types)


def _branches(schema: Schema) -> list[Schema]:
    """The alternatives of a schema; itself, where it has none."""
    found: list[Schema] = schema.get("anyOf") or schema.get("oneOf") or [schema]
    return found
