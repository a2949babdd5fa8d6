"""Fail-stop: what ends the process, and with which status."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from rater.kafka.failstop import TICK, Exit, Refused, Watchdog, status_of
from tests.support.scripted import Died


class ProducerFenced(Exception):  # noqa: N818 - aiokafka's name
    pass


def _caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ProducerFenced(), Exit.FENCED),
        (ExceptionGroup("g", [ExceptionGroup("h", [ValueError(), ProducerFenced()])]), Exit.FENCED),
        (_caused(AssertionError("FATAL_ERROR"), ProducerFenced()), Exit.FENCED),
        (Refused("no"), Exit.REFUSED),
        (ValueError(), Exit.CRASHED),
    ],
)
def test_status_tells_why(error: BaseException, status: Exit) -> None:
    """A fence is found wherever it hides: in groups, causes and contexts."""
    assert status_of(error) is status


def test_the_watchdog_counts_its_own_looks(deaths: list[Died]) -> None:
    """A deadline is so many looks away, whatever the clock says: a frozen process wakes up to its fence."""
    watchdog = Watchdog()
    watchdog.arm("thing", 3 * TICK)
    for _ in range(3):
        watchdog.look()
    assert deaths == []
    with pytest.raises(Died):
        watchdog.look()
    assert (deaths[0].status, "thing" in deaths[0].reason) == (Exit.HUNG, True)


def test_what_is_disarmed_or_armed_anew_lives_on(deaths: list[Died]) -> None:
    """Progress resets a deadline, the end of the work removes it."""
    watchdog = Watchdog()
    watchdog.arm("a", 2 * TICK)
    watchdog.arm("b", 2 * TICK)
    for _ in range(2):
        watchdog.look()
    watchdog.disarm("a")
    watchdog.arm("b", 2 * TICK)
    watchdog.look()
    watchdog.look()
    assert deaths == []


def test_die_ends_the_process_with_reason_and_status() -> None:
    """The last words go to standard error, with the traceback; a refusal has its message and no traceback."""
    code = (
        "from rater.kafka.failstop import die, Refused, status_of\n"
        "import sys\n"
        "e = Refused('run: rater topics create') if sys.argv[1] == 'r' else ValueError('boom')\n"
        "try: raise e\n"
        "except Exception as error: die('because', error, status_of(error))\n"
    )

    def ended(what: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", code, what], capture_output=True, text=True, check=False, env=dict(os.environ)
        )

    crashed, refused = ended("c"), ended("r")
    assert (crashed.returncode, refused.returncode) == (Exit.CRASHED, Exit.REFUSED)
    assert "because" in crashed.stderr
    assert "ValueError: boom" in crashed.stderr
    assert "run: rater topics create" in refused.stderr
    assert "Traceback" not in refused.stderr
