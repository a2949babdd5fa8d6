"""The command as a user runs it, in this process, with an environment of its own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from rater.cli.root import app
from tests.support.command import Rater


@pytest.fixture
def rater(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Rater:
    """Run `rater` with arguments, optional input and RATER_* settings, in an empty folder."""
    for name in [name for name in os.environ if name.startswith("RATER_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)

    def run(*words: object, given: str | bytes | None = None, **settings: object) -> Result:
        env = {f"RATER_{name.upper()}": str(value) for name, value in settings.items()}
        return CliRunner(env=env).invoke(app, [str(word) for word in words], input=given)

    return run
