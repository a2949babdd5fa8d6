"""The command's other verbs: help, settings, tariff books, and errors that a user can mend."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from rater import __version__
from rater.cli.errors import REFUSED, UNAVAILABLE, UNDECIDED, UNWRITTEN, USAGE, message_for
from rater.cli.root import VERBS
from rater.kafka.failstop import Exit, Refused
from rater.kafka.settings import Settings
from tests.support.command import Rater, parses

NOWHERE = "127.0.0.1:1"


def command(*words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """The command as a process of its own."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("RATER_")}
    env |= {f"RATER_{name.upper()}": value for name, value in settings.items()}
    return subprocess.run(
        [sys.executable, "-m", "rater", *words], capture_output=True, text=True, env=env, check=False, timeout=60
    )


def test_help_is_quick_because_it_imports_little() -> None:
    """Asking for help loads neither Faust nor Kafka clients nor pydantic."""
    heavy = ("faust", "aiokafka", "pydantic")
    code = f"import sys; from rater.cli.root import app; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_verb_has_a_line_of_help(rater: Rater) -> None:
    """The overview lists all verbs."""
    shown = rater("--help").stdout
    for verb in ("worker", "topics", "tariffs", "subscribe", "export", "rate", "simulate", "demo", "settings"):
        assert f"│ {verb} " in shown


def test_settings_hide_secrets(rater: Rater) -> None:
    """A password is shown as set, never as it is; values, sources and meanings are shown."""
    Path(".env").write_text("RATER_PARTITIONS=7\n")
    for words in (["settings"], ["settings", "--json"]):
        shown = rater(*words, sasl_password="tops3cret", topic_prefix="eu-").stdout  # noqa: S106 - the point
        assert "tops3cret" not in shown
        assert "RATER_SASL_PASSWORD" in shown
    rows = {row["variable"]: row for row in json.loads(shown)}
    assert rows["RATER_SASL_PASSWORD"]["value"] == "********"
    assert (rows["RATER_TOPIC_PREFIX"]["value"], rows["RATER_TOPIC_PREFIX"]["source"]) == ("eu-", "environment")
    assert (rows["RATER_PARTITIONS"]["value"], rows["RATER_PARTITIONS"]["source"]) == ("7", ".env")
    assert all(row["meaning"] for row in rows.values())


def test_security_reaches_every_client() -> None:
    """TLS and SASL become aiokafka's options in one place."""
    secret = "tops3cret"  # noqa: S105
    made = Settings(_env_file=None, security_protocol="SASL_SSL", sasl_username="u", sasl_password=secret)
    options = made.client_options()
    assert options["security_protocol"] == "SASL_SSL"
    assert options["sasl_plain_password"] == secret
    assert options["ssl_context"].check_hostname
    assert "ssl_context" not in Settings(_env_file=None).client_options()
    assert secret not in repr(made)


def test_the_shipped_book_is_fine(rater: Rater) -> None:
    """`check` without a file checks the book that ships; `show` has its plans as people read them."""
    checked = rater("tariffs", "check")
    assert (checked.exit_code, "6 plans, no errors" in checked.stdout) == (0, True)
    shown = json.loads(rater("tariffs", "show", "hybrid-200", "--json").stdout)
    assert list(shown["plans"]) == ["hybrid-200"]
    assert "100 min included" in rater("tariffs", "show").stdout


def test_errors_of_a_book_name_line_and_column(rater: Rater) -> None:
    """A wrong book is told line by line, with status 1, and nothing is published."""
    Path("bad.yaml").write_text(
        "version: 1\ncurrency: CNY\ntime_zone: Asia/Shanghai\nplans:\n  p:\n    minutes: {alowance: 5, rate: -1}\n"
    )
    for verb in ("check", "publish"):
        result = rater("tariffs", verb, "bad.yaml")
        assert result.exit_code == 1
        assert "bad.yaml:6:15: plans.p.minutes.alowance" in result.stderr
        assert "allowance" in result.stderr
        assert "nothing was published" in result.stderr
        assert result.stdout == ""


def test_subscribe_asks_for_exactly_one_plan(rater: Rater) -> None:
    """A plan's name, a file, or the end: one of the three."""
    for words in ([], ["p", "--end"]):
        result = rater("subscribe", "A1", *words)
        assert (result.exit_code, "say one of" in result.stderr) == (2, True)


def test_subscribe_refuses_nonsense_before_it_talks_to_kafka(rater: Rater) -> None:
    """A wrong account, time or billing day is told with the field."""
    for words, field in (
        (["A 1", "p"], "account"),
        (["A1", "p", "--from", "2026-11-01"], "from"),
        (["A1", "p", "--billing-day", "31"], "billing_day"),
    ):
        result = rater("subscribe", *words)
        assert (result.exit_code, f"{field}:" in result.stderr) == (2, True)


@pytest.mark.parametrize(
    "words", [["topics", "create"], ["tariffs", "publish"], ["export"], ["subscribe", "A1", "p"], ["worker"]]
)
def test_an_unreachable_broker_is_told_with_the_setting(words: list[str]) -> None:
    """No traceback: which address, and which variable to set."""
    done = command(*words, bootstrap_servers=NOWHERE)
    assert done.returncode == 69
    assert "127.0.0.1" in done.stderr
    assert "RATER_BOOTSTRAP_SERVERS" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_setting_is_told_by_its_variable() -> None:
    """The message names the environment variable, not a field of ours."""
    done = command("topics", "create", partitions="many")
    assert (done.returncode, "RATER_PARTITIONS" in done.stderr, "Traceback" in done.stderr) == (2, True, False)


def test_security_that_cannot_work_is_told_before_kafka_is_asked(tmp_path: Path) -> None:
    """A password that is missing, a file that is not there, one that is no certificate: by their variables."""
    nonsense = tmp_path / "ca.pem"
    nonsense.write_text("nonsense")
    for variable, settings in (
        ("RATER_SASL_PASSWORD", {"security_protocol": "SASL_SSL", "sasl_username": "u"}),
        ("RATER_SSL_CAFILE", {"security_protocol": "SSL", "ssl_cafile": str(tmp_path / "none.pem")}),
        ("RATER_SSL_CAFILE", {"security_protocol": "SSL", "ssl_cafile": str(nonsense)}),
    ):
        done = command("topics", "create", **settings)
        assert (done.returncode, variable in done.stderr, "Traceback" in done.stderr) == (2, True, False)


def test_a_file_that_cannot_be_written_is_told() -> None:
    """Which file and why, without a traceback."""
    done = command("simulate", "--calls", "1", "--out", "/nowhere/e.jsonl")
    assert (done.returncode, done.stderr) == (2, "/nowhere/e.jsonl: No such file or directory\n")


def test_a_refusal_has_its_own_status_and_a_bug_its_traceback() -> None:
    """What starts unsafely ends with 78; what nobody can mend is not dressed up."""
    refused = message_for(Refused("run: rater topics create"))
    assert refused is not None
    assert (refused.status, refused.text) == (78, "run: rater topics create")
    assert message_for(KeyError("x")) is None


def test_the_help_says_what_each_exit_status_means(rater: Rater) -> None:
    """Those that the code has, and no other."""
    shown = " ".join(rater("--help").stdout.split())
    ours = {0, 1, USAGE, UNDECIDED, UNAVAILABLE, UNWRITTEN, REFUSED, *Exit}
    listed = shown[shown.index("Exit status: ") :]
    assert {int(number) for number in re.findall(r"\b\d+\b", listed)} == {int(status) for status in ours}


def test_it_tells_its_version() -> None:
    """For a report: the rater's own and Python's."""
    said = subprocess.run(
        [sys.executable, "-m", "rater", "--version"], capture_output=True, text=True, check=True
    ).stdout
    assert said.startswith(f"rater {__version__}, Python 3.")


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_an_example_that_is_one(rater: Rater, verb: str) -> None:
    """In its --help, and lawful; verbs stand in groups."""
    _, group, example = VERBS[verb]
    assert parses(shlex.split(example)[1:]), example
    said = " ".join(rater(verb, "--help").stdout.split())
    assert f"Example: {example}"[:40] in said
    assert group in rater("--help").stdout
