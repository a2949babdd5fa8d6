"""The command `rater` on another clock: `python -m tests.availability.clock FILE worker`.

FILE says by how many nanoseconds the time of the ticks that a worker writes differs from the operating system's; it is
read for each of them. Nothing else in a worker asks what time it is.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from types import SimpleNamespace

from rater.engine import engine, partition_worker


def main() -> None:
    """Take the file's name out of the words, and run the command."""
    offset = Path(sys.argv.pop(1))

    def shifted() -> int:
        return time.time_ns() + int(offset.read_text())

    partition_worker.time_ns = shifted  # type: ignore[attr-defined]
    engine.time = SimpleNamespace(time_ns=shifted)  # type: ignore[attr-defined, assignment]
    from rater.cli import main as rater  # noqa: PLC0415 - after the clock is set

    rater()


if __name__ == "__main__":
    main()
