"""The alert rules by Prometheus' own tool: each fires where it should, and none where all is well."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

RULES = Path(__file__).parents[2] / "ops" / "prometheus"


@pytest.mark.parametrize(
    "words",
    [
        ("check", "rules", "rules.yml"),
        ("test", "rules", "rules_test.yml"),
        ("check", "config", "--syntax-only", "prometheus.yml"),
    ],
)
def test_promtool_says_so(words: tuple[str, ...]) -> None:
    """The files are right, and the rules do what their tests say."""
    tool = shutil.which("promtool")
    assert tool is not None, "the alert rules are tested by promtool: apt-get install prometheus"
    done = subprocess.run([tool, *words], cwd=RULES, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
