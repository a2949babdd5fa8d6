"""From a record's bytes to an event of the log, or to the reason why it is none. No bytes whatever raise.

What needs only the event is checked here; what needs the record's key, timestamp and size, or the state, is the step's.
The same bytes always give the same answer: it is part of the output.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import orjson
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from rater.wire.events import LOG_EVENTS, CallEnded, LogEvent
from rater.wire.field_errors import told_of
from rater.wire.reasons import REASON_WORDS, Reason

MAX_DEPTH = 16
"""Levels of nesting; a tariff book, the deepest event, has 7."""

_CALL = b'"call-ended/1"'
_QUOTES = 4 * sum(field.is_required() for field in CallEnded.model_fields.values())
"""Of the fields that every call has."""
_OPTIONAL = tuple(name for name, field in CallEnded.model_fields.items() if not field.is_required())
_read_call = CallEnded.__pydantic_validator__.validate_json


@dataclass(frozen=True, slots=True)
class Invalid:
    """A value that is no event: the reason, and one short line for the person who mends it."""

    reason: Reason
    detail: str


def parse(value: bytes | None) -> LogEvent | Invalid:
    """The event in a record's value. A call (`CallEnded`) takes the fast path; its times are aware datetimes.

    The fast path tries what may be a call as one. It serves values that say each field once, which their quotes show:
    two for a name and two for a string; a field that is said twice or a quote within a string makes more of them. All
    else is read with care.
    """
    if value is None:
        return Invalid("not-json", "the record has no value")
    if _CALL in value:
        try:
            call: CallEnded = _read_call(value)
        except ValidationError:
            return _with_care(value)
        if value.count(b'"') == _quotes(call):
            return call
    return _with_care(value)


def _quotes(call: CallEnded) -> int:
    """Those of a value that says each field once: four for a name and a text, two for a name and null."""
    said = (getattr(call, name) for name in _OPTIONAL if name in call.model_fields_set)
    return _QUOTES + sum(2 if one is None else 2 + 4 * len(one) if isinstance(one, dict) else 4 for one in said)


def _with_care(value: bytes) -> LogEvent | Invalid:
    try:
        words = orjson.loads(value)
    except ValueError:
        return Invalid("not-json", "the value is not JSON in UTF-8")
    if not isinstance(words, dict):
        return Invalid("wrong-shape", "the value must be a JSON object")
    if _deeper(words, MAX_DEPTH):
        return Invalid("wrong-shape", f"nested more than {MAX_DEPTH} levels deep")
    name = words.get("type")
    model = LOG_EVENTS.get(name) if isinstance(name, str) else None
    if model is None:
        known = ", ".join(LOG_EVENTS)
        return Invalid("unknown-type", f"type: must be one of {known}")
    try:
        json.loads(value, object_pairs_hook=_each_once, parse_int=_any, parse_float=_any)
    except _Twice:
        return Invalid("wrong-shape", "a field is given twice in the same object")
    return _validated(model, value)


def _validated(model: type[LogEvent], value: bytes) -> LogEvent | Invalid:
    try:
        return model.model_validate_json(value)
    except ValidationError as error:
        return refusal(model, error.errors(include_url=False))
    except ValueError:
        return Invalid("wrong-shape", "a number is out of all bounds")


def refusal(model: type[LogEvent], errors: list[ErrorDetails]) -> Invalid:
    """Why an event does not hold, by the worst of its errors."""
    error = min(errors, key=lambda one: one["type"] != "extra_forbidden")  # a misspelt field is also a missing one
    kind = error["type"]
    if kind == "json_invalid":
        return Invalid("not-json", "the value is not JSON in UTF-8")
    if kind in REASON_WORDS:
        return Invalid(cast("Reason", kind), error["msg"])
    place, message = told_of(model, error)
    reason: Reason = "naive-time" if kind == "timezone_aware" else "wrong-shape"
    return Invalid(reason, f"{place}: {message}" if place else message)


def _deeper(words: Any, levels: int) -> bool:
    """Whether it is nested deeper than so many levels. Level by level, so that no depth of it is a depth of ours."""
    layer = [words]
    for _ in range(levels):
        layer = [
            part
            for whole in layer
            for part in (whole.values() if isinstance(whole, Mapping) else whole)
            if isinstance(part, dict | list)
        ]
        if not layer:
            return False
    return True


class _Twice(Exception):  # noqa: N818 - it is no error, it carries an answer out of a callback
    """A name stands twice in an object."""


def _each_once(pairs: list[tuple[str, Any]]) -> None:
    if len({name for name, _ in pairs}) < len(pairs):
        raise _Twice


def _any(_: str) -> None:
    """A number that nobody looks at: Python's own reading of long ones raises."""
