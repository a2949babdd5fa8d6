"""The schemas on disk are those of the models, and the examples say what both take and refuse."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from pydantic import ValidationError

from rater.wire.events import LOG_EVENTS
from rater.wire.parse import Invalid, parse
from rater.wire.results import RESULTS
from rater.wire.schemas import ASYNCAPI, MESSAGES, broken, file_name, generated, main, write

SCHEMAS = Path(__file__).parents[2] / "schemas"
EXAMPLES = sorted((SCHEMAS / "examples").glob("*/*.json"))
VALID = [file for file in EXAMPLES if file.name.startswith("valid")]
INVALID = [file for file in EXAMPLES if file.name.startswith("invalid")]
TYPES = {file_name(message).removesuffix(".json"): message for message in MESSAGES}

BEYOND_SCHEMA = frozenset(
    f"{case}.json"
    for case in (
        "invalid-times-out-of-order--ends-first",
        "invalid-times-out-of-order--answered-first",
        "invalid-too-long-call",
        "invalid-wrong-shape--field-twice",
        "invalid-wrong-shape--unknown-time-zone",
        "invalid-wrong-shape--no-such-currency",
        "invalid-wrong-shape--inline-two-prices",
        "invalid-wrong-shape--inline-unlimited-with-price",
        "invalid-wrong-shape--inline-no-price",
        "invalid-wrong-shape--inline-bands-descend",
        "invalid-wrong-shape--inline-bands-from-one",
        "invalid-wrong-shape--inline-no-meter",
        "invalid-wrong-shape--inline-dated",
        "invalid-wrong-shape--inline-direction-twice",
        "invalid-wrong-shape--default-plan-missing",
        "invalid-wrong-shape--default-plan-with-fee",
        "invalid-wrong-shape--band-reversed",
        "invalid-lines-do-not-sum",
        "invalid-id-differs",
        "invalid-usage-without-call",
        "invalid-fee-with-call",
        "invalid-does-not-add-up",
    )
)
"""What a JSON Schema cannot say, or not simply; the models say it."""


def name_of(file: Path) -> str:
    return f"{file.parent.name}/{file.stem}"


def schema(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SCHEMAS / f"{file.parent.name}.json").read_text(encoding="utf-8"))
    return found


def taken_by_schema(file: Path) -> bool:
    try:
        content = json.loads(file.read_text(encoding="utf-8"), parse_constant=_refuse)
        checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
        jsonschema.Draft202012Validator(schema(file), format_checker=checker).validate(content)
    except (ValueError, jsonschema.ValidationError):
        return False
    return "\\ud800" not in file.read_text(encoding="utf-8")


def _refuse(word: str) -> None:
    raise ValueError(word)


def test_files_are_fresh() -> None:
    """What is on disk is what the models generate: run `make schemas` after a change."""
    on_disk = {file.name: file.read_text(encoding="utf-8") for file in SCHEMAS.iterdir() if file.is_file()}
    assert on_disk == generated()


def test_compatible_with_what_is_on_disk() -> None:
    """The models take all that the committed schemas take."""
    assert broken(SCHEMAS) == []


@pytest.mark.parametrize("message", MESSAGES)
def test_schema_is_one(message: str) -> None:
    """Each schema is a valid JSON Schema of 2020-12, closed, and limits every string and list."""
    found = json.loads(generated()[file_name(message)])
    jsonschema.Draft202012Validator.check_schema(found)
    for part in (found, *found.get("$defs", {}).values()):
        assert part["additionalProperties"] is False
    unlimited = [place for place, node in nodes(found, "") if limitless(node)]
    assert unlimited == []


def nodes(node: Any, place: str) -> list[tuple[str, dict[str, Any]]]:
    found = [(place, node)] if isinstance(node, dict) else []
    parts = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return found + [inner for name, part in parts if name != "allOf" for inner in nodes(part, f"{place}/{name}")]


def limitless(node: dict[str, Any]) -> bool:
    kind = node.get("type")
    closed = "const" in node or "enum" in node
    return (
        (kind == "string" and "maxLength" not in node and not closed)
        or (kind == "array" and "maxItems" not in node)
        or (kind == "integer" and not {"maximum", "minimum"} <= set(node))
        or (kind == "object" and "properties" not in node and "maxProperties" not in node)
    )


def test_every_message_has_examples() -> None:
    """Each message has examples that must validate and examples that must not."""
    for kind in (VALID, INVALID):
        assert {file.parent.name for file in kind} == set(TYPES)


@pytest.mark.parametrize("file", VALID, ids=name_of)
def test_valid_example(file: Path) -> None:
    """A valid example is taken by the JSON Schema and by the model, and is written back as the same message."""
    assert taken_by_schema(file)
    message = MESSAGES[TYPES[file.parent.name]].model_validate_json(file.read_bytes())
    assert type(message).model_validate_json(message.to_json()) == message
    checker = jsonschema.Draft202012Validator(schema(file))
    checker.validate(json.loads(message.to_json()))
    if TYPES[file.parent.name] in LOG_EVENTS:
        assert parse(file.read_bytes()) == message


@pytest.mark.parametrize("file", [file for file in INVALID if TYPES[file.parent.name] in LOG_EVENTS], ids=name_of)
def test_invalid_event(file: Path) -> None:
    """An invalid event is refused for the reason in its name."""
    answer = parse(file.read_bytes())
    assert isinstance(answer, Invalid)
    assert answer.reason == file.stem.removeprefix("invalid-").split("--")[0]


@pytest.mark.parametrize("file", [file for file in INVALID if TYPES[file.parent.name] in RESULTS], ids=name_of)
def test_invalid_result(file: Path) -> None:
    """An invalid result is refused by its model, for one reason only."""
    with pytest.raises(ValidationError) as refused:
        MESSAGES[TYPES[file.parent.name]].model_validate_json(file.read_bytes())
    assert len({error["loc"][:1] for error in refused.value.errors()}) == 1


@pytest.mark.parametrize("file", INVALID, ids=name_of)
def test_schema_refuses_what_it_can(file: Path) -> None:
    """The JSON Schema refuses each invalid example, but for what it cannot say."""
    assert taken_by_schema(file) == (file.name in BEYOND_SCHEMA)


def test_asyncapi_points_at_the_schemas() -> None:
    """The AsyncAPI document names each message once, with its schema and the headers."""
    document = yaml.safe_load(generated()[ASYNCAPI])
    messages = document["components"]["messages"]
    assert [message["name"] for message in messages.values()] == list(MESSAGES)
    for message in messages.values():
        assert (SCHEMAS / message["payload"]["schema"]["$ref"]).is_file()
    used = [ref for channel in document["channels"].values() for ref in channel["messages"]]
    assert sorted({*used}) == sorted(messages)


def test_breaking_change_is_not_written(tmp_path: Path) -> None:
    """Where the models refuse what the schema on disk takes, nothing is written and it is told."""
    assert write(tmp_path) == []
    file = tmp_path / "clock-ticked.1.json"
    old = json.loads(file.read_text(encoding="utf-8"))
    old["properties"]["zone"] = {"type": "string"}
    file.write_text(json.dumps(old), encoding="utf-8")
    assert write(tmp_path) == ["clock-ticked/1/zone: removed"]
    assert "zone" in file.read_text(encoding="utf-8")
    assert "clock-ticked/1/zone: removed" in str(main([str(tmp_path)]))
