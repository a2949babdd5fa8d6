"""docker-compose.yml and the Dockerfile, as far as they can be checked without a Docker engine."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from rater.kafka.settings import Settings
from tests.support.command import parses

ROOT = Path(__file__).parents[1]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = [name for name, service in SERVICES.items() if service.get("image", "").startswith("rater")]
SECRET = re.compile(r"\$\{\w+:\?[^}]+\}")
"""A secret that must be given from outside: compose refuses to start without it."""
WORKERS = [name for name in OURS if SERVICES[name]["command"] == ["worker"]]


def test_two_workers_that_restart_by_themselves() -> None:
    """Two workers, restarted whatever their exit status, with time to finish a transaction."""
    assert len(WORKERS) == 2
    for name in WORKERS:
        assert SERVICES[name]["restart"] == "always"
        assert SERVICES[name]["stop_grace_period"] == "30s"
    names = [SERVICES[name]["environment"]["RATER_INSTANCE_ID"] for name in WORKERS]
    assert names == WORKERS  # each has a name of its own, so that a restart causes no rebalance


@pytest.mark.parametrize("name", OURS)
def test_every_command_is_one_of_ours(name: str) -> None:
    """What a service runs is a `rater` command line that parses."""
    assert parses(SERVICES[name]["command"])


def test_a_wrong_command_would_be_seen() -> None:
    """The check of commands can fail: at an unknown verb or option, a value of the wrong kind, a verb left out."""
    assert not parses(["tariffs", "publsh"])
    assert not parses(["worker", "--fast"])
    assert not parses(["simulate", "--calls", "many"])
    assert not parses(["tariffs"])


@pytest.mark.parametrize("name", OURS)
def test_every_variable_is_a_setting(name: str) -> None:
    """A variable that no setting reads would be a silent mistake; the values are valid together."""
    environment = SERVICES[name]["environment"]
    names = {f"RATER_{field.upper()}" for field in Settings.model_fields}
    assert set(environment) <= names
    said: dict[str, Any] = {
        key.removeprefix("RATER_").lower(): SECRET.sub("x" * 20, value) for key, value in environment.items()
    }
    made = Settings(_env_file=None, **said)
    assert made.health_port == 8080


def test_what_waits_for_what() -> None:
    """Topics before the tariff book before the workers; and everything is there."""
    for service in SERVICES.values():
        for needed, how in service.get("depends_on", {}).items():
            assert needed in SERVICES
            kind = how["condition"]
            assert kind in {"service_healthy", "service_completed_successfully", "service_started"}
            assert kind != "service_healthy" or "healthcheck" in SERVICES[needed]
    assert "topics" in SERVICES["setup"]["depends_on"]
    for name in WORKERS:
        assert SERVICES[name]["depends_on"]["setup"]["condition"] == "service_completed_successfully"


def test_only_loopback_is_open() -> None:
    """No port is published to the network, and ours run without privileges on a read-only file system."""
    for service in SERVICES.values():
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:")
    for name in OURS:
        assert SERVICES[name]["read_only"] is True
        assert SERVICES[name]["cap_drop"] == ["ALL"]


def test_kafka_is_pinned_and_whole() -> None:
    """The image discards its defaults when a variable is given, so all that it needs is said, and fits together."""
    kafka = SERVICES["kafka"]
    assert kafka["image"] == "apache/kafka:4.1.0"
    env = kafka["environment"]
    listeners = dict(part.split("://") for part in env["KAFKA_LISTENERS"].split(","))
    advertised = dict(part.split("://") for part in env["KAFKA_ADVERTISED_LISTENERS"].split(","))
    protocols = dict(part.split(":") for part in env["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"].split(","))
    assert set(protocols) == set(listeners)
    assert set(advertised) == set(listeners) - {env["KAFKA_CONTROLLER_LISTENER_NAMES"]}
    assert env["KAFKA_INTER_BROKER_LISTENER_NAME"] in advertised
    assert advertised["INTERNAL"] == SERVICES[WORKERS[0]]["environment"]["RATER_BOOTSTRAP_SERVERS"]
    assert env["KAFKA_CONTROLLER_QUORUM_VOTERS"] == f"{env['KAFKA_NODE_ID']}@kafka{listeners['CONTROLLER']}"
    replication = [value for name, value in env.items() if name.endswith(("REPLICATION_FACTOR", "MIN_ISR"))]
    assert replication == ["1"] * 5
    assert kafka["volumes"] == [f"kafka:{env['KAFKA_LOG_DIRS']}"]
    assert "kafka" in COMPOSE["volumes"]


def test_the_image_is_small_and_unprivileged() -> None:
    """Two stages, pinned dependencies with hashes, a user without rights, a health check, and no build tools left."""
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    stages = [line for line in lines if line.startswith("FROM ")]
    assert len(stages) == 2
    assert all("slim" in stage for stage in stages)
    final = lines[lines.index(stages[1]) :]
    assert "USER rater" in final
    assert any(line.startswith("HEALTHCHECK") for line in final)
    assert not any("pip install" in line for line in final)
    packages = [line for line in final if "apt-get" in line]
    assert packages[0].startswith('RUN test -z "$PDF" ||'), "only who asks for PDF has its packages"
    assert len(packages) == 2
    assert any("--require-hashes" in line for line in lines)


def test_the_runtime_lock_has_no_tools_of_ours() -> None:
    """What the image installs is what the rater needs to run: no test tools, no demo, no registry's name."""
    lock = (ROOT / "requirements-runtime.lock").read_text()
    for name in ("pytest", "mypy", "ruff", "hypothesis", "confluent-kafka"):
        assert f"\n{name}==" not in f"\n{lock}"
    assert "\naiokafka==" in lock
    assert "://" not in lock


def test_every_image_is_pinned() -> None:
    """By a version; ours is built here."""
    for service in SERVICES.values():
        name, _, tag = service["image"].partition(":")
        assert tag == "local" if name == "rater" else re.fullmatch(r"v?\d+(\.\d+)+", tag)


def test_no_secret_is_written_down() -> None:
    """They come from outside, and nothing starts without them."""
    for service in SERVICES.values():
        for key, value in service.get("environment", {}).items():
            if key == "RATER_DOOR_TOKENS":
                continue  # entries have hashes of tokens, and no token; the door does not start without one
            if re.search("PASSWORD|TOKEN|DATABASE_URL", key) and not key.endswith("__FILE"):
                assert SECRET.search(value), key
    assert COMPOSE["secrets"] == {"console_token": {"environment": "RATER_CONSOLE_TOKEN"}}


def test_what_is_mounted_is_there() -> None:
    """Files of this repository, read only; all else are volumes."""
    for service in SERVICES.values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("./"):
                assert (ROOT / source).exists()
                assert volume.endswith(":ro")
            else:
                assert source in COMPOSE["volumes"]
