"""Make the peers ready to run, in build/peers of the checkout: by Maven, and in an environment of its own."""

from __future__ import annotations

import shutil
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).parent
BUILD = HERE.parents[1] / "build" / "peers"


class NotBuilt(Exception):  # noqa: N818 - it says what is missing
    """A peer cannot be made here; the message says why."""


def kafka_streams() -> str:
    """The class path of the peer on Kafka Streams. Raises `NotBuilt`."""
    sources, out = HERE / "kstreams", BUILD / "kstreams"
    newest = max(file.stat().st_mtime for file in sources.rglob("*.*"))
    done = out / "done"
    if not done.exists() or done.stat().st_mtime < newest:
        if shutil.which("mvn") is None or shutil.which("javac") is None:
            raise NotBuilt("Kafka Streams needs a JDK of 17 or newer and Maven; or run with --without kafka-streams")
        pom = ["mvn", "-q", "-B", "-f", str(sources / "pom.xml"), f"-Dout={out}"]
        _run([*pom, "package", "dependency:copy-dependencies", f"-DoutputDirectory={out / 'libs'}"])
        done.touch()
    return f"{out / 'classes'}:{out / 'libs'}/*"


def quix() -> str:
    """The interpreter that has Quix Streams. Raises `NotBuilt`."""
    lock, folder = HERE / "requirements.lock", BUILD / "quix"
    python, done = folder / "bin" / "python", folder / "done"
    if not done.exists() or done.stat().st_mtime < lock.stat().st_mtime:
        venv.create(folder, clear=True, with_pip=True)
        _run([str(python), "-m", "pip", "install", "-q", "--require-hashes", "-r", str(lock)])
        done.touch()
    return str(python)


def _run(command: list[str]) -> None:
    print(f"making ready: {command[0]} ...", file=sys.stderr)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotBuilt(f"{' '.join(command)} failed:\n{(done.stdout + done.stderr)[-2000:]}")
