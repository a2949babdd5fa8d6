"""Write both documents, have clients made of them, and let those talk to a door and a console on a real Kafka."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson

from rater.console.app import create_app
from rater.console.tokens import SCOPES, Tokens, new_token
from rater.door.app import create_door
from rater.door.metrics import DoorMetrics
from rater.kafka.settings import Settings
from rater.readmodel.follower import Follower
from rater.readmodel.store import Store
from tests.support.broker import kafka
from tests.support.rated import until_all_rated
from tests.support.workers import ROOT, Rater

SETTINGS = Settings(_env_file=None)
PROGRAMS = ROOT / ".venv-client" / "bin"


CALLS = 20_000
"""That the console's client pages through."""


def main() -> None:
    """Exit status 1 where a client cannot be made whole, or does not get what it asks for."""
    with tempfile.TemporaryDirectory() as folder, kafka() as address:
        generate(Path(folder) / "doorclient", create_door(SETTINGS, Tokens({}), {}, DoorMetrics()).openapi())
        generate(Path(folder) / "consoleclient", console_document())
        token, entry = new_token("client", list(SCOPES))
        settings = {"bootstrap_servers": address, "replication": "1", "dev": "1", "tick_interval": "0"}
        rater = Rater(settings | {"topic_prefix": "client-", "door_tokens": entry}, Path(folder))
        try:
            rater.run("topics", "create")
            rater.run("tariffs", "publish")
            rater.worker()
            _, door = rater.door()
            talk("talk.py", folder, door, token)
            rater.run("simulate", "--calls", CALLS, "--accounts", 300)
            _, console = rater.console()
            asyncio.run(until_all_rated(rater))
            audit = json.loads(rater.run("audit", "--json"))
            talk("look.py", folder, console, token, str(audit["charges"]), audit["charged"]["CNY"])
        finally:
            rater.clean_up()
    sys.stdout.write("the clients that were made of the documents talk to the door and the console\n")


def talk(program: str, *words: str) -> None:
    """Run a program of the client's own Python; its failure is ours."""
    command = [PROGRAMS / "python", ROOT / "tests" / "client" / program, *words]
    subprocess.run(list(map(str, command)), check=True, timeout=180)


def console_document() -> dict[str, Any]:
    """The console's document of its REST API."""
    with closing(Store()) as store:
        store.open("")
        return create_app(store, Tokens({}), Follower(SETTINGS, store)).openapi()


def generate(made: Path, document: dict[str, Any]) -> None:
    """The client in a folder; every operation must be in it."""
    written = made.with_suffix(".json")
    written.write_bytes(orjson.dumps(document | {"info": document["info"] | {"title": made.name}}))
    command = [
        PROGRAMS / "openapi-python-client",
        "generate",
        "--path",
        written,
        "--meta",
        "none",
        "--output-path",
        made,
    ]
    subprocess.run(list(map(str, command)), check=True, capture_output=True, timeout=120)
    names = {operation["operationId"] for methods in document["paths"].values() for operation in methods.values()}
    there = {path.stem for path in (made / "api").rglob("*.py")} - {"__init__"}
    assert there == names, there ^ names


if __name__ == "__main__":
    main()
