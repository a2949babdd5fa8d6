"""A simulated switch with every fault: what comes of each record is what its truth file says, in every format."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from rater.switches.profile_words import FORMAT_NAMES, FormatName
from rater.tools.raw_records import RAW_FORMATS

EXAMPLES = Path(__file__).parents[2] / "examples" / "switches"
FAULTS = (
    *("--duplicates", 0.05, "--garbage", 0.04, "--clock-steps", 0.1, "--late", 0.1, "--shuffle", 30),
    *("--start", "2026-10-05T00:00:00+08:00", "--seed", 7),
)


@pytest.mark.parametrize("name", FORMAT_NAMES)
def test_what_comes_of_its_records_is_the_truth(rater: Any, tmp_path: Path, name: FormatName) -> None:
    """Outcome by outcome; and each call has the account and the talk time that it had at the switch."""
    legs = ("--two-legs",) if RAW_FORMATS[name].legs else ()
    made = rater("simulate", "--calls", 400, "--accounts", 9, "--format", name, "--out", "raw", "--truth", "truth",
                 *legs, *FAULTS)  # fmt: skip
    assert made.exit_code == 0, made.stderr
    truth = [json.loads(line) for line in (tmp_path / "truth").read_bytes().splitlines()]
    steps = Counter(line["becomes"] for line in truth)
    shown = rater("switches", "try", EXAMPLES / name / "profile.yaml", "raw", "--records", 10_000, "--json")
    assert shown.exit_code == 0, shown.stderr
    calls = {}
    for line in shown.stdout.splitlines():
        record = json.loads(line)
        if record["becomes"] == "call":
            calls[_ident(record["call"]["call_id"])] = record["call"]
    told = rater("import", "raw", "--profile", EXAMPLES / name / "profile.yaml", "--dry-run", "--json")
    found = Counter(json.loads(told.stdout)["outcomes"])
    if name == "call-ended":  # it is no switch's record but the event: an end before its start is refused as it is
        assert found.total() == steps.total()
        return
    assert found == steps
    expected = {line["ident"]: line for line in truth if line["becomes"] == "call"}
    assert calls.keys() == expected.keys()
    for ident, line in expected.items():
        assert calls[ident]["account"] == line["account"]
        assert ("answered_at" in calls[ident]) == (line["talk_seconds"] is not None)


def _ident(call_id: str) -> str:
    """The switch's part of a call's id: Asterisk's has the channel and the start behind it."""
    return call_id.partition("/")[0].removesuffix("20261005") if "/" in call_id else call_id


def test_faults_need_a_format(rater: Any) -> None:
    refused = rater("simulate", "--garbage", 0.1, "--out", "x")
    assert refused.exit_code == 2
    assert "--format" in refused.stderr
    assert rater("simulate", "--format", "csv", "--two-legs", "--out", "x").exit_code == 2
    assert rater("simulate", "--format", "morse", "--out", "x").exit_code == 2
