"""What the door says of itself: a document from which a client can be made, and that agrees with what it does."""

from __future__ import annotations

import json
import re
from datetime import date
from typing import Any

import jsonschema
import pytest

from rater.console import attempts
from rater.console.tokens import SCOPES, Tokens, new_token
from rater.door.access import NEEDS, DoorKeeper, scope_needed
from rater.door.app import create_door
from rater.door.metrics import DoorMetrics
from rater.kafka.failstop import Refused
from rater.kafka.settings import Settings
from rater.switches.profile import Profile

PROFILES: dict[str, Profile] = {}
APP = create_door(Settings(_env_file=None), Tokens({}), PROFILES, DoorMetrics())
DOCUMENT: dict[str, Any] = APP.openapi()
OPERATIONS = [
    (path, method, operation) for path, methods in DOCUMENT["paths"].items() for method, operation in methods.items()
]
BODIES = {path: one["requestBody"] for path, _, one in OPERATIONS if "requestBody" in one}


@pytest.mark.parametrize(
    ("path", "method", "operation"), OPERATIONS, ids=lambda one: one if isinstance(one, str) else ""
)
def test_every_operation_says_what_it_needs(path: str, method: str, operation: dict[str, Any]) -> None:
    """A scope, a name that reads well, and the errors that it may answer."""
    scope = scope_needed(method.upper(), path)
    assert scope is not None, "an operation without a line in NEEDS could be reached by nobody"
    assert f"`{scope}`" in operation["description"]
    assert operation["security"] == [{"token": []}]
    assert re.fullmatch(r"[a-z]+(_[a-z]+)+", operation["operationId"])
    assert {"401", "403", "422", "503"} <= set(operation["responses"])


def test_every_scope_opens_something() -> None:
    assert {scope for _, _, scope in NEEDS} == set(SCOPES) - {"console:read"}  # which opens the console
    assert len({operation["operationId"] for _, _, operation in OPERATIONS}) == len(OPERATIONS)


def test_every_reference_leads_somewhere() -> None:
    """Also those of schemas that only bodies use."""
    for name in re.findall(r'"\$ref": "#/components/schemas/([^"]+)"', json.dumps(DOCUMENT)):
        assert name in DOCUMENT["components"]["schemas"], name


@pytest.mark.parametrize("path", BODIES)
def test_examples_are_what_they_say(path: str) -> None:
    for content in BODIES[path]["content"].values():
        if "example" in content:
            schema = {**content["schema"], "components": DOCUMENT["components"]}
            jsonschema.Draft202012Validator(schema).validate(content["example"])


def test_tokens_are_known_by_their_hash() -> None:
    """As a bearer, or as a password; another one is nobody, and neither is a name."""
    token, entry = new_token("billing", ["calls:write", "read"])
    tokens = Tokens.read(f"# who may write\n{entry}, \n")
    assert token not in entry
    caller = tokens.caller(f"Bearer {token}")
    assert caller is not None
    assert (caller.name, set(caller.scopes)) == ("billing", {"calls:write", "read"})
    for said in ("", "Bearer", "Bearer x", f"Token {token}", "Basic !!", f"Basic {token}"):
        assert tokens.caller(said) is None


WRONG = ["billing", "a:b:c", "a:calls:write:00", "a b:read:" + "0" * 64, "a:everything:" + "0" * 64]


@pytest.mark.parametrize("text", WRONG)
def test_a_broken_entry_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="token 1"):
        Tokens.read(text)


async def test_guesses_lock_out_only_their_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """After some wrong tokens an address waits; an expired token is told, and counts as wrong."""
    monkeypatch.setattr(attempts, "TRIES", 2)
    monkeypatch.setattr(attempts, "PAUSE", 0)
    token, entry = new_token("switch", ["read"])
    old, gone = new_token("old", ["read"], date(2020, 1, 1))
    keeper = DoorKeeper(_nothing, Tokens.read(f"{entry} {gone}"))

    async def ask(said: str, address: str) -> tuple[int, dict[bytes, bytes], bytes]:
        told: list[Any] = []

        async def send(message: Any) -> None:
            told.append(message)

        headers = [(b"authorization", f"Bearer {said}".encode())]
        scope = {
            "type": "http",
            "method": "GET",
            "path": "/api/v1/records/0/0",
            "headers": headers,
            "query_string": b"",
        }
        await keeper({**scope, "client": (address, 1), "server": ("x", 1), "scheme": "http"}, _nothing, send)  # type: ignore[arg-type]
        return told[0]["status"], dict(told[0]["headers"]), told[1]["body"]

    status, _, body = await ask(old, "10.0.0.1")
    assert (status, b"old expired on 2020-01-01" in body) == (401, True)
    assert (await ask("wrong", "10.0.0.1"))[0] == 401
    status, headers, _ = await ask("wrong", "10.0.0.1")
    assert (status, int(headers[b"retry-after"]) > 0) == (429, True)
    assert (await ask(old, "10.0.0.1"))[0] == 429
    assert (await ask(token, "10.0.0.1"))[0] == 204, "another switch at that address goes on"
    assert (await ask(token, "10.0.0.2"))[0] == 204


async def _nothing(_scope: Any, _receive: Any, send: Any) -> None:
    """An application that answers with nothing."""
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})
