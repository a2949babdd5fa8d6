"""The command `rater` on a real Kafka, and workers as processes: waited for, stopped, killed, frozen, cleaned up."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import chdir
from pathlib import Path

from typer.testing import CliRunner

from rater.cli.root import app
from tests.support.broker import tail

READY = r"ready: rating partitions \[(?P<partitions>[\d, ]*)\]"
TELLS = "ready: telling "
SERVES = re.compile(r"console: (http://[^ ]+)/ ")
DOOR = re.compile(r"door: (http://[^ ]+)/ ")
ROOT = Path(__file__).parents[2]
PATIENCE = 180.0
"""Seconds until a test gives up on something; what is awaited takes a second or ten, on a busy machine a minute."""


class GaveUp(AssertionError):  # noqa: N818 - it says what happened
    """Something did not come about; the message has the worker's log."""


def until(holds: Callable[[], bool], what: str, seconds: float = PATIENCE, every: float = 0.05) -> None:
    """Look again and again until `holds` says so; raises `TimeoutError` after `seconds`."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds:g} s: {what}")
        time.sleep(every)


def numbers(text: str) -> list[int]:
    """The numbers of a list as logs print it, without its brackets."""
    return [int(word) for word in text.split(",") if word.strip()]


class Worker:
    """A `rater worker`, or another verb that goes on forever, as a process. What it says goes to the file `log`."""

    def __init__(
        self, env: Mapping[str, str], log: Path, *words: str, program: Sequence[str] = ("rater",), verb: str = "worker"
    ) -> None:
        self.log = log
        self._let_go = False
        # A program of the tests finds them where these stand.
        env = {**env, "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), env.get("PYTHONPATH")]))}
        with log.open("wb") as out:
            # In a folder without anybody's .env, and in a session of its own: Ctrl-C is for the tests.
            self._process = subprocess.Popen(
                [sys.executable, "-m", *program, verb, *words],
                env=env,
                cwd=log.parent,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    def text(self) -> str:
        """All that it said so far."""
        return self.log.read_text(errors="replace")

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def alive(self) -> bool:
        """Whether the process is there, frozen or not. Raises nothing."""
        return self._process.poll() is None

    def must_live(self) -> None:
        """Raises `GaveUp` with what it said, if the process ended and no test made it or waited for it."""
        if not self._let_go and not self.alive():
            raise GaveUp(f"{self.log.name}: ended with status {self._process.returncode}\n{tail(self.log)}")

    def rates(self) -> set[int] | None:
        """The partitions that it rates, as it said last; None before it was ready."""
        found = [match["partitions"] for match in re.finditer(READY, self.text())]
        return set(numbers(found[-1])) if found else None

    def until_ready(self) -> None:
        """Wait until it has said that it is ready."""
        self.until(lambda: self.rates() is not None, "is ready")

    def until_rates(self, partitions: set[int]) -> None:
        """Wait until it rates exactly these partitions."""
        self.until(lambda: self.rates() == partitions, f"rates {sorted(partitions)}")

    def until_tells(self, targets: int = 1) -> None:
        """Wait until `rater notify` has committed the first position of so many targets: from now on none is missed."""
        self.until(lambda: self.text().count(TELLS) >= targets, "tells its targets")

    def until(self, holds: Callable[[], bool], what: str) -> None:
        """Wait for something of this worker, which must not end meanwhile."""

        def look() -> bool:
            if holds():
                return True
            self.must_live()
            return False

        try:
            until(look, f"{self.log.name} {what}")
        except TimeoutError as error:
            raise GaveUp(f"{error}\n{tail(self.log)}") from None

    def stop(self) -> int:
        """SIGTERM: please end. Gives the exit status."""
        self.terminate()
        return self.wait()

    def terminate(self) -> None:
        """SIGTERM: please end."""
        self._let_go = True
        self._process.terminate()

    def wait(self) -> int:
        """Wait until it ends by itself; gives the exit status."""
        self._let_go = True
        try:
            return self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise GaveUp(f"{self.log.name}: does not end\n{tail(self.log)}") from None

    def kill(self) -> None:
        """SIGKILL: gone, with whatever was in flight. A frozen process goes too."""
        self._let_go = True
        self._process.kill()
        self._process.wait()

    def freeze(self) -> None:
        """SIGSTOP: there, but not running, as on a machine that is suspended."""
        self._process.send_signal(signal.SIGSTOP)

    def wake(self) -> None:
        """SIGCONT: running again, not knowing that it was not."""
        self._process.send_signal(signal.SIGCONT)


class Rater:
    """The command on one Kafka with one set of settings (names without `RATER_`), in a folder of its own."""

    def __init__(self, settings: Mapping[str, str], folder: Path) -> None:
        self.settings, self.folder = dict(settings), folder
        self.program: Sequence[str] = ("rater",)
        """What workers run: a module, and words before its verb."""
        self.workers: list[Worker] = []
        self._running: set[subprocess.Popen[str]] = set()

    def run(self, *words: object, status: int | None = 0, timeout: float | None = 4 * PATIENCE) -> str:
        """Run `rater` with these words; gives what it said on both its outputs. Its exit status must be as told.

        None takes any status, and standard output alone.
        """
        process = subprocess.Popen(
            [sys.executable, "-m", "rater", *map(str, words)],
            env=self.environment(),
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if status is not None else None,
            text=True,
        )
        self._running.add(process)
        try:
            said, _ = process.communicate(timeout=timeout)
        finally:
            process.kill()  # nothing, if it has ended
            process.wait()
            self._running.discard(process)
        assert status in {None, process.returncode}, f"rater {' '.join(map(str, words))}: {process.returncode}\n{said}"
        return said

    def run_here(self, *words: object) -> str:
        """The same in this process, which has imported it all; for what no test is about. Gives what it said."""
        outside = {name: None for name in os.environ if name.startswith("RATER_")}
        runner, said = CliRunner(env={**outside, **self._own()}), [str(word) for word in words]
        with chdir(self.folder), ThreadPoolExecutor(1) as thread:  # which has no event loop yet
            done = thread.submit(runner.invoke, app, said).result()
        assert done.exit_code == 0, f"rater {' '.join(map(str, words))}: {done.exit_code}\n{done.output}"
        return done.output

    def worker(self, *words: str, ready: bool = True, **settings: object) -> Worker:
        """Start a worker, with settings that only it has, and wait until it is ready."""
        worker = Worker(
            self.environment(settings),
            self.folder / f"worker-{len(self.workers) + 1}.log",
            *words,
            program=self.program,
        )
        self.workers.append(worker)
        if ready:
            worker.until_ready()
        return worker

    def intake(self, profile: Path, **settings: object) -> Worker:
        """Start the intake of a switch and wait until it is ready."""
        log = self.folder / f"intake-{len(self.workers) + 1}.log"
        intake = Worker(self.environment(settings), log, str(profile), verb="intake")
        self.workers.append(intake)
        intake.until_ready()
        return intake

    def door(self, *profiles: Path, **settings: object) -> tuple[Worker, str]:
        """Start a door and wait until it serves; gives its address too."""
        log = self.folder / f"door-{len(self.workers) + 1}.log"
        words = [word for profile in profiles for word in ("--profile", str(profile))]
        door = Worker(self.environment({"door_port": 0, **settings}), log, "serve", *words, verb="door")
        self.workers.append(door)
        door.until(lambda: DOOR.search(door.text()) is not None, "serves")
        found = DOOR.search(door.text())
        assert found is not None
        return door, found[1]

    def console(self, **settings: object) -> tuple[Worker, str]:
        """Start a console and wait until it serves what there is; gives its address too."""
        log = self.folder / f"console-{len(self.workers) + 1}.log"
        console = Worker(self.environment({"console_port": 0, **settings}), log, verb="console")
        self.workers.append(console)
        console.until(lambda: SERVES.search(console.text()) is not None, "serves")
        console.until(lambda: "the read model is up to date" in console.text(), "has read all")
        found = SERVES.search(console.text())
        assert found is not None
        return console, found[1]

    def must_live(self) -> None:
        """Raises `GaveUp` if a worker ended that nobody ended."""
        for worker in self.workers:
            worker.must_live()

    def clean_up(self) -> None:
        """End the workers, and whatever else of ours is still running."""
        for process in list(self._running):
            process.kill()
        for worker in self.workers:
            worker.kill()

    def logs(self) -> str:
        """The last lines of every worker, for who looks into a failure."""
        return "\n".join(f"{worker.log.name}:\n{tail(worker.log)}" for worker in self.workers)

    def environment(self, settings: Mapping[str, object] | None = None) -> dict[str, str]:
        """The variables of a command: nothing of whoever runs the tests, and settings that only it has."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("RATER_")}
        return {**inherited, **self._own(settings)}

    def _own(self, settings: Mapping[str, object] | None = None) -> dict[str, str]:
        ours = {**self.settings, **(settings or {})}
        return {f"RATER_{name.upper()}": str(value) for name, value in ours.items()}
