"""What operations run: the alert rules, the dashboard and the runbook fit each other and the metrics that there are."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import yaml

from rater.app.metrics import INTAKE
from rater.app.metrics import exposition as of_worker
from rater.console.metrics import exposition as of_console
from rater.door.metrics import DoorMetrics
from rater.engine.batches import Tally
from rater.readmodel.follower import Live
from rater.seam.model import Head
from tests.console.readmodel import busy_log, opened
from tests.test_compose import SERVICES

OPS = Path(__file__).parents[1] / "ops"
GROUPS = yaml.safe_load((OPS / "prometheus/rules.yml").read_text())["groups"]
RULES: list[dict[str, Any]] = [rule for group in GROUPS for rule in group["rules"]]
DASHBOARD = json.loads((OPS / "grafana/dashboards/rater.json").read_text())
CONFIG = yaml.safe_load((OPS / "prometheus/prometheus.yml").read_text())
OWN = {"up"}
"""Metrics that Prometheus makes itself."""


def metrics() -> set[str]:
    """The names of all samples that a worker and a console tell."""
    tally = Tally()
    tally.add(3, 0.1, 0.2)
    unit = SimpleNamespace(head=Head(5, 4, {"charged": 3}), tally=tally)
    engine = SimpleNamespace(
        units={0: unit}, held={"usage": {0: {b"a": 1}}}, ready=True, restored=(1, 2), held_back=lambda: {0: 3}
    )
    live = Live()
    live.log_ends = {0: 7}
    with opened(busy_log()) as store:
        said = of_worker(engine) + of_worker(engine, INTAKE) + of_console(live, store)
        door = DoorMetrics()
        door.requests.labels("calls", "202").inc()
        said += door.exposition()
    return {re.split(r"[{ ]", line)[0] for line in said.decode().splitlines() if not line.startswith("#")}


def asked(expression: str) -> set[str]:
    """The metrics that an expression names."""
    return {name for name in re.findall(r"\b((?:rater|process)_\w+|up)\b", expression) if name != "rater_console_token"}


def test_every_metric_that_is_asked_for_is_told() -> None:
    """A rule or panel over a metric that nobody tells would never fire, or stay empty."""
    known = metrics() | OWN
    for rule in RULES:
        expression = re.sub(r'"[^"]*"', "", rule["expr"])
        assert asked(expression), rule["alert"]
        assert asked(expression) <= known, (rule["alert"], asked(expression) - known)
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            assert asked(target["expr"]), panel["title"]
            assert asked(target["expr"]) <= known, panel["title"]


def test_every_alert_is_in_the_runbook() -> None:
    """With a part of its own, which the alert leads to; and the runbook tells of no other."""
    headings = re.findall(r"^## (Rater\w+)$", (OPS / "RUNBOOK.md").read_text(), re.MULTILINE)
    assert headings == sorted(headings, key=[rule["alert"] for rule in RULES].index)
    assert {rule["alert"] for rule in RULES} == set(headings)
    for rule in RULES:
        assert rule["annotations"]["runbook"] == f"ops/RUNBOOK.md#{rule['alert'].lower()}"
        assert rule["labels"]["severity"] in {"page", "ticket"}


def test_prometheus_asks_what_compose_runs() -> None:
    """Each worker at its health port, and the console at its own, with its token."""
    targets = {job["job_name"]: job["static_configs"][0]["targets"] for job in CONFIG["scrape_configs"]}
    workers = [name for name, service in SERVICES.items() if service.get("command") == ["worker"]]
    assert targets["rater-worker"] == [
        f"{name}:{SERVICES[name]['environment']['RATER_HEALTH_PORT']}" for name in workers
    ]
    assert targets["rater-intake"] == ["intake:8080"]
    assert targets["rater-door"] == ["door:8080"]
    assert targets["rater-console"] == ["console:8300"]
    (job,) = [job for job in CONFIG["scrape_configs"] if job["job_name"] == "rater-console"]
    assert job["authorization"]["credentials_file"] == "/run/secrets/console_token"
    assert SERVICES["prometheus"]["secrets"] == ["console_token"]


def test_the_dashboard_finds_its_source() -> None:
    """By the name under which it is provisioned."""
    sources = yaml.safe_load((OPS / "grafana/provisioning/datasources/prometheus.yml").read_text())["datasources"]
    assert {panel["datasource"]["uid"] for panel in DASHBOARD["panels"]} == {source["uid"] for source in sources}
    idents = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(idents) == len(set(idents))
