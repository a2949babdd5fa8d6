"""Which changes of a schema are backward compatible."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest

from rater.wire.compat import breaking
from rater.wire.schemas import MESSAGES, schema_of

OLD: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "kind": {"enum": ["usage", "fee"]},
        "note": {"type": "string", "maxLength": 9, "pattern": "^a"},
        "cap": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "lines": {"type": "array", "items": {"$ref": "#/$defs/Line"}, "maxItems": 5},
        "plans": {
            "type": "object",
            "patternProperties": {"^a": {"$ref": "#/$defs/Line"}},
            "additionalProperties": False,
        },
        "count": {"type": "integer", "minimum": 0, "maximum": 5},
        "left": {
            "type": "object",
            "propertyNames": {"enum": ["minutes", "calls"]},
            "additionalProperties": {"type": "string"},
        },
    },
    "required": ["kind"],
    "$defs": {"Line": {"type": "object", "properties": {"rate": {"type": "string"}}, "additionalProperties": False}},
}

TEXT = {"type": "string"}
LEFT: dict[str, Any] = {"type": "object", "additionalProperties": False}
LEFT_NULL = [f"/left/{name}: the type changed from string to null" for name in ("minutes", "calls")]


def changed(path: str, value: Any) -> dict[str, Any]:
    new = deepcopy(OLD)
    *parts, last = path.split(".")
    node: Any = new
    for part in parts:
        node = node[part]
    if value is None:
        del node[last]
    else:
        node[last] = value
    return new


def test_same() -> None:
    """A schema is compatible with itself."""
    assert breaking(OLD, deepcopy(OLD)) == []


@pytest.mark.parametrize(
    ("path", "value", "problems"),
    [
        ("properties.note", None, ["/note: removed"]),
        ("required", ["kind", "note"], ["/note: required, and was not"]),
        ("properties.kind", {"enum": ["usage"]}, ["/kind: the value 'fee' removed"]),
        ("properties.kind", {"const": "fee"}, ["/kind: the value 'usage' removed"]),
        ("properties.note.enum", ["a"], ["/note: narrowed to some values"]),
        ("properties.note.type", "integer", ["/note: the type changed from string to integer"]),
        ("properties.note.maxLength", 8, ["/note: maxLength narrowed"]),
        ("properties.note.minLength", 1, ["/note: minLength narrowed"]),
        ("properties.note.pattern", "^b", ["/note: pattern changed"]),
        ("properties.count.minimum", 1, ["/count: minimum narrowed"]),
        ("properties.count.maximum", 4, ["/count: maximum narrowed"]),
        ("properties.cap", {"type": "string"}, ["/cap: null is no longer taken as it was"]),
        ("properties.lines.maxItems", 4, ["/lines: maxItems narrowed"]),
        ("$defs.Line.properties", {}, ["/lines[]/rate: removed", "/plans/*/rate: removed"]),
        ("properties.plans.patternProperties", {}, ["/plans/*: takes less than before"]),
        ("properties.kind.not", {"const": "fee"}, ["/kind: not changed"]),
        ("properties.kind", {"type": "string", "pattern": "^u"}, ["/kind: pattern changed"]),
        ("properties.left.propertyNames", {"enum": ["minutes"]}, ["/left/calls: takes less than before"]),
        ("properties.left", LEFT | {"patternProperties": {"^m": TEXT}}, ["/left/calls: takes less than before"]),
        ("properties.left", LEFT | {"patternProperties": {"^[mc]": {"type": "null"}}}, LEFT_NULL),
    ],
)
def test_breaking(path: str, value: Any, problems: list[str]) -> None:
    """What the old schema took and the new one refuses is told, with its place."""
    assert breaking(OLD, changed(path, value)) == problems


def test_renamed() -> None:
    """A renamed field is a removed one."""
    new = changed("properties.remark", OLD["properties"]["note"])
    del new["properties"]["note"]
    assert breaking(OLD, new) == ["/note: removed"]


def test_closed() -> None:
    """An open object that is closed takes less."""
    assert breaking(changed("additionalProperties", None), OLD) == ["/*: takes less than before"]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("properties.extra", {"type": "string"}),
        ("required", []),
        ("properties.kind.enum", ["usage", "fee", "reversal"]),
        ("properties.note.maxLength", 10),
        ("properties.note.pattern", None),
        ("properties.note.description", "what a person wrote"),
        ("properties.count", {"type": "number"}),
        ("properties.lines.items", {"anyOf": [{"$ref": "#/$defs/Line"}, {"type": "null"}]}),
        ("$defs.Line.properties.flat", {"type": "string"}),
        ("additionalProperties", None),
        ("properties.kind", {"type": "string", "pattern": "^[a-z]{3,5}$", "maxLength": 5}),
        ("properties.left", LEFT | {"patternProperties": {"^[a-z]{5,9}$": TEXT}}),
    ],
)
def test_compatible(path: str, value: Any) -> None:
    """A schema that takes more, or tells more, is compatible."""
    assert breaking(OLD, changed(path, value)) == []


@pytest.mark.parametrize("message", MESSAGES)
def test_every_field_of_every_message_counts(message: str) -> None:
    """Whichever field of whichever message is removed, it is noticed; so is each value of an enum."""
    old = schema_of(message)
    for holder in [old, *old.get("$defs", {}).values()]:
        for name, field in list(holder.get("properties", {}).items()):
            del holder["properties"][name]
            assert breaking(schema_of(message), old), name
            holder["properties"][name] = field
            if len(field.get("enum", ())) > 1:
                field["enum"].pop()
                assert breaking(schema_of(message), old), name
                field["enum"][:] = schema_enum(schema_of(message), holder["title"], name)
    assert json.dumps(old, sort_keys=True) == json.dumps(schema_of(message), sort_keys=True)


def schema_enum(schema: dict[str, Any], title: str, name: str) -> list[str]:
    found = next(part for part in [schema, *schema.get("$defs", {}).values()] if part["title"] == title)
    values: list[str] = found["properties"][name]["enum"]
    return values
