"""Generates `schemas/`: a JSON Schema (2020-12) per message and the AsyncAPI document, from the models.

`python -m rater.wire.schemas schemas` writes them (`make schemas`). A change that would refuse what the schema on
disk takes is not written: it is a new message type instead.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import yaml
from pydantic.json_schema import GenerateJsonSchema

from rater.wire.compat import breaking
from rater.wire.events import LOG_EVENTS
from rater.wire.fields import Message
from rater.wire.results import RESULTS

MESSAGES: dict[str, type[Message]] = {**LOG_EVENTS, **RESULTS}
"""Every message: its `type` -> its model."""

ASYNCAPI = "asyncapi.yaml"

_TOPICS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "calls": ("the log: everything that may change a charge", "account", tuple(LOG_EVENTS)),
    "charges": ("charges, and a period's closing after its last charge", "account", ("charge/1", "period-closed/1")),
    "spend": ("the latest state of each account's period", "account and period", ("spend/1",)),
    "alerts": ("what a person should know", "account", ("alert/1",)),
    "rejected": ("records of the log that did nothing", "as received", ("rejected/1",)),
    "rejected-cdrs": ("records of switches that no call was made of", "as received", ("rejected/1",)),
    "catalog": (
        "the tariff book in force, every plan version and every negotiated plan, in partition 0",
        "the plan version's id, `account:id` of a negotiated plan, or `tariffs`",
        ("tariffs-in-force/1", "plan-version/1", "negotiated-plan/1"),
    ),
    "progress": ("up to where each partition of the log is rated", "the partition's number", ("progress/1",)),
    "resolutions": (
        "what was done about rejected records, the latest of each",
        "the place of the record's first rejection",
        ("rejection-resolved/1",),
    ),
    "undelivered": ("what rater notify gave up: the dead letter", "account, or empty", ("undelivered/1",)),
}
_NO_KEY = {
    "tariffs-published/1": "null; one in every partition, all in one transaction",
    "clock-ticked/1": "null; to an explicit partition",
}
_HEADERS = {
    "type": "object",
    "description": "CloudEvents attributes, and the place in the log that a message came from.",
    "properties": {
        "ce_id": {"type": "string", "description": "With ce_source it names the message once and for all."},
        "ce_type": {"type": "string", "description": "The message's type, charge/1."},
        "ce_source": {"type": "string", "description": "Who wrote it, rater."},
        "ce_time": {"type": "string", "format": "date-time", "description": "The log record's timestamp."},
        "ce_actor": {"type": "string", "description": "Who said it: the name of a token, or of a user."},
        "rater-first": {
            "type": "string",
            "pattern": "^[^/]+/[0-9]+/[0-9]+$",
            "description": "Of a record that was sent again: the place of its first rejection.",
        },
        "rater-from": {
            "type": "string",
            "pattern": "^[^/]+/[0-9]+/[0-9]+$",
            "description": "Topic, partition and offset of the record that caused it: calls/3/10482.",
        },
    },
}


def file_name(message: str) -> str:
    """A message's schema file: `call-ended/1` -> `call-ended.1.json`."""
    return f"{message.replace('/', '.')}.json"


def schema_of(message: str) -> dict[str, Any]:
    """The JSON Schema of a message."""
    schema = MESSAGES[message].model_json_schema()
    return {"$schema": GenerateJsonSchema.schema_dialect, "$id": f"urn:rater:{message.replace('/', ':')}", **schema}


def asyncapi() -> dict[str, Any]:
    """The AsyncAPI 3.0 document: topics, their messages, keys and headers."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "rater",
            "version": "1",
            "description": "Call-ended events in, charges out, each exactly once. Topics take a configurable prefix.",
        },
        "defaultContentType": "application/json",
        "channels": {topic: _channel(topic) for topic in _TOPICS},
        "operations": {
            f"{'receive' if topic == 'calls' else 'send'}-{topic}": {
                "action": "receive" if topic == "calls" else "send",
                "channel": {"$ref": f"#/channels/{topic}"},
            }
            for topic in _TOPICS
        },
        "components": {
            "messages": {_id(message): _message(message, key) for _, key, said in _TOPICS.values() for message in said},
            "schemas": {"headers": _HEADERS},
        },
    }


def _channel(topic: str) -> dict[str, Any]:
    description, _, messages = _TOPICS[topic]
    found = {_id(message): {"$ref": f"#/components/messages/{_id(message)}"} for message in messages}
    return {"address": topic, "description": description, "messages": found}


def _message(message: str, key: str) -> dict[str, Any]:
    summary = (MESSAGES[message].__doc__ or "").split("\n\n", maxsplit=1)[0]
    return {
        "name": message,
        "summary": " ".join(summary.split()),
        "contentType": "application/json",
        "headers": {"$ref": "#/components/schemas/headers"},
        "payload": {
            "schemaFormat": "application/schema+json;version=draft-2020-12",
            "schema": {"$ref": f"./{file_name(message)}"},
        },
        "bindings": {"kafka": {"key": {"description": _NO_KEY.get(message, key)}, "bindingVersion": "0.5.0"}},
    }


def _id(message: str) -> str:
    return message.replace("/", "-")


def generated() -> dict[str, str]:
    """File name -> content of all that is generated."""
    files = {file_name(message): json.dumps(schema_of(message), indent=2) + "\n" for message in MESSAGES}
    note = "# Generated by `make schemas` from rater/wire; do not edit.\n"
    return {**files, ASYNCAPI: note + yaml.safe_dump(asyncapi(), sort_keys=False, width=120)}


ON_PURPOSE = frozenset(
    {
        "call-ended/1/caller: maxLength narrowed",
        "call-ended/1/caller: pattern changed",
        "call-ended/1/callee: maxLength narrowed",
        "call-ended/1/callee: pattern changed",
        "call-voided/1/reason: pattern changed",
        "account-adjusted/1/reason: pattern changed",
    }
)
"""What was narrowed knowingly, in 0.2: any Unicode, control characters too, was kept forever with each call."""


_LOOSE = "T[0-9]{2}:[0-9]{2}:[0-9]{2}(\\\\.[0-9]{1,9})?"
_STRICT = "T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\\\.[0-9]{1,9})?"
PINNED = ((_LOOSE + "(Z|[+-][0-9]{2}:[0-9]{2})", _STRICT + "(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"),)
"""Patterns that say now what was refused before all the same: hours of 24, by every Python up to 3.13."""


def broken(directory: Path) -> list[str]:
    """What the models refuse that the schemas in a directory take."""
    found = []
    for message in MESSAGES:
        file = directory / file_name(message)
        if file.exists():
            text = file.read_text(encoding="utf-8")
            for loose, strict in PINNED:
                text = text.replace(loose, strict)
            old = json.loads(text)
            found += [f"{message}{problem}" for problem in breaking(old, schema_of(message))]
    return [problem for problem in found if problem not in ON_PURPOSE]


def write(directory: Path) -> list[str]:
    """Write all that is generated; where something would break, write nothing and tell what."""
    problems = broken(directory)
    if not problems:
        directory.mkdir(parents=True, exist_ok=True)
        for name, content in generated().items():
            (directory / name).write_text(content, encoding="utf-8")
    return problems


def main(arguments: list[str]) -> str | None:
    """Write the schemas to the directory named; the answer is what went wrong."""
    if len(arguments) != 1:
        return "usage: python -m rater.wire.schemas DIRECTORY"
    problems = write(Path(arguments[0]))
    return "\n".join(["not backward compatible; make it a new message type:", *problems]) if problems else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
