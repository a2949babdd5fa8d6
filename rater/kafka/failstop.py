"""Fail-stop: an infrastructure error or a hang ends the process at once; a supervisor starts it again.

Nothing is tidied up on the way out, on purpose: whatever was in flight is an open transaction, which the next owner's
`InitProducerId` aborts. Carrying on after an unknown outcome is the one thing that could charge a call twice.

Source: exactly_once.md, "Fail-stop has two halves".
"""

from __future__ import annotations

import logging
import os
import threading
import time
import traceback
from enum import IntEnum
from typing import NoReturn

from rater.seam.errors import RaterError

logger = logging.getLogger(__name__)

TICK = 0.5
"""Seconds between two looks of the watchdog."""


class Exit(IntEnum):
    """How a worker ends when it does not end well (the words of sysexits.h)."""

    CRASHED = 70
    """An exception of the infrastructure, or of the step itself."""
    HUNG = 71
    """The watchdog saw something take too long."""
    FENCED = 75
    """Another worker owns a partition that this one wrote to; restarting is right."""
    REFUSED = 78
    """Starting would not be safe; the message names what to do."""


ADVICE = {
    Exit.FENCED: "Another worker has taken its partitions over. That is right after a pause, and nothing is charged"
    " twice; where it happens again and again, two workers have the same RATER_INSTANCE_ID.\n",
}
"""What to do about a status, where its reason alone does not say it."""


class Refused(RaterError):  # noqa: N818 - it is a decision, not a fault
    """The engine will not start on what it found; the message says what, and the command that mends it."""


def die(reason: str, error: BaseException | None = None, status: Exit = Exit.CRASHED) -> NoReturn:
    """End the process now, from any thread, with `reason` on standard error."""
    text = f"rater ends ({status.name.lower()}, exit status {int(status)}): {reason}\n{ADVICE.get(status, '')}"
    if isinstance(error, Refused):
        text += f"{error}\n"
    elif error is not None:
        text += "".join(traceback.format_exception(error))
    try:
        os.write(2, text.encode(errors="replace"))
    finally:
        os._exit(status)


def status_of(error: BaseException) -> Exit:
    """The exit status for an error: fenced and refused have their own, all else is a crash."""
    if isinstance(error, Refused):
        return Exit.REFUSED
    names = {type(e).__name__ for e in _chain(error)}
    # aiokafka raises either name, and an AssertionError about FATAL_ERROR when it is used after it was fenced.
    if names & {"ProducerFenced", "InvalidProducerEpoch"}:
        return Exit.FENCED
    return Exit.CRASHED


def _chain(error: BaseException) -> list[BaseException]:
    """The error, what caused it, and what an exception group holds."""
    found: list[BaseException] = []
    todo: list[BaseException | None] = [error]
    while todo:
        this = todo.pop()
        if this is None or this in found:
            continue
        found.append(this)
        todo += [this.__cause__, this.__context__]
        if isinstance(this, BaseExceptionGroup):
            todo += this.exceptions
    return found


class Watchdog(threading.Thread):
    """A thread that ends the process when something armed is not disarmed in time.

    Time is counted in the thread's own looks, not by the clock: a process that was frozen as a whole (SIGSTOP, a
    suspended machine) must wake up to its fence, not to a watchdog that thinks it hung.
    """

    def __init__(self) -> None:
        super().__init__(name="watchdog", daemon=True)
        self._armed: dict[str, list[float]] = {}

    def arm(self, what: str, seconds: float) -> None:
        """From now on `what` has `seconds` until the process ends; arming again starts anew."""
        self._armed[what] = [seconds / TICK, seconds]

    def disarm(self, what: str) -> None:
        """`what` is done."""
        self._armed.pop(what, None)

    def look(self) -> None:
        """Count one tick for everything armed, and end the process for what has none left."""
        for what, entry in list(self._armed.items()):
            entry[0] -= 1
            if entry[0] < 0 and self._armed.get(what) is entry:
                die(f"{what}: no end after {entry[1]:g} s", status=Exit.HUNG)

    def run(self) -> None:
        """Look every `TICK` seconds, forever."""
        while True:
            time.sleep(TICK)
            self.look()
