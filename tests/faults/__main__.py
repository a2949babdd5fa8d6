"""`python -m tests.faults --seed 1`: one run; `--minutes` for longer ones. Exit status 1 when the books do not hold."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.faults.plan import Fault, plan
from tests.faults.planted import BUGS, plan_for
from tests.faults.run import Result, run
from tests.support.broker import NoKafka
from tests.support.workers import GaveUp

ROUND_MINUTES = 2.0
"""What a round takes, about."""


def main() -> int:
    """Run and tell; gives the exit status."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seed", type=int, default=int(time.time()))
    options.add_argument("--minutes", type=float, default=ROUND_MINUTES)
    options.add_argument("--calls", type=int, help="by default 130,000 a minute")
    options.add_argument("--rate", type=float, default=2000, help="calls a second")
    options.add_argument("--planted", choices=BUGS, help="plant this bug in the workers: then the run must fail")
    options.add_argument("--plan", action="store_true", help="print the plan and do nothing")
    chosen = options.parse_args()
    logging.disable()  # clients tell of every broker that is away
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as by Ctrl-C: brokers and workers end with us
    if chosen.planted:
        return planted(chosen.planted, chosen.rate)
    faults = plan(chosen.seed, max(1, round(chosen.minutes / ROUND_MINUTES)))
    print(f"seed {chosen.seed}: {len(faults)} faults", flush=True)
    if chosen.plan:
        print(*(f"{f.pause:5.2f} s later  {f.kind:17} {f.pick:.2f}  {f.lasts:g} s" for f in faults), sep="\n")
        return 0
    calls = chosen.calls or int(chosen.minutes * 130_000)
    with tempfile.TemporaryDirectory(prefix="rater-faults-", ignore_cleanup_errors=True) as folder:
        try:
            result = run(faults, calls, chosen.rate, Path(folder), lambda line: print(line, flush=True))
        except (GaveUp, NoKafka) as error:
            print(f"{_last_words(Path(folder))}\nFAILED with seed {chosen.seed}: {error}")
            return 1
        if result.verdict.wrong:
            print(_last_words(Path(folder)))
        tell(chosen.seed, faults, result)  # last, for the end of a long log is what is read
    return 1 if result.verdict.wrong else 0


ATTEMPTS = 3
"""Runs until a planted bug counts as survived: some show only when a fault meets the one moment that they open."""


def planted(name: str, rate: float) -> int:
    """Run with a bug in the workers; gives 0 if it was caught."""
    wrong: list[str] = []
    for attempt in range(ATTEMPTS):
        wrong = found_wrong(name, rate, attempt)
        if wrong:
            break
        print(f"{name}: not caught by run {attempt + 1} of {ATTEMPTS}", flush=True)
    print(f"{name}: {'caught' if wrong else 'SURVIVED'}: {'; '.join(wrong)[:300]}", flush=True)
    return 0 if wrong else 1


def found_wrong(name: str, rate: float, attempt: int) -> list[str]:
    """What one run finds wrong with workers that have the bug."""
    faults = plan_for(name, attempt)
    with tempfile.TemporaryDirectory(prefix="rater-faults-", ignore_cleanup_errors=True) as folder:
        try:
            seconds = sum(fault.pause + fault.lasts for fault in faults) + 15
            result = run(faults, int(seconds * rate), rate, Path(folder), lambda _: None, name)
            wrong = result.verdict.wrong
        except GaveUp as error:
            wrong = [str(error).splitlines()[0]]
        ran = any("ready: rating" in log.read_text(errors="replace") for log in Path(folder).glob("worker-*.log"))
    return wrong if ran else []  # a worker that never ran shows nothing


def tell(seed: int, faults: list[Fault], result: Result) -> None:
    """The tables."""
    console, verdict = Console(width=120), result.verdict
    table = Table(title="Faults, and the longest that a partition then stood still", title_justify="left")
    table.add_column("at, s", justify="right")
    table.add_column("fault")
    table.add_column("to whom")
    table.add_column("stood, s", justify="right")
    for at, fault, whom, stood in result.done:
        table.add_row(f"{at:.1f}", fault.kind, whom, f"{stood:.1f}")
    console.print(table)
    figures = Table(title=f"Seed {seed}", title_justify="left", show_header=False)
    figures.add_column("")
    figures.add_column("", justify="right")
    counts = Counter(fault.kind for fault in faults)
    for name, value in {
        "faults": ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items())),
        "workers ended": ", ".join(f"{count} with {status}" for status, count in sorted(result.ended.items())),
        "calls": f"{verdict.calls:,}",
        "charges": f"{verdict.charges:,}",
        "lost": f"{verdict.lost:,}",
        "repeated": f"{verdict.repeated:,}",
        "residue": verdict.residue,
        "outcomes": ", ".join(f"{count:,} {name}" for name, count in verdict.audit["outcomes"].items()),
        "the audit": "proved" if verdict.audit["status"] == 0 else "NOT PROVED",
        "the verifier": verdict.verifier.splitlines()[-1],
    }.items():
        figures.add_row(name, value)
    console.print(figures)
    for line in verdict.wrong:
        console.print(f"[bold red]WRONG:[/] {line}")
    console.print("[bold green]The books hold.[/]" if not verdict.wrong else "[bold red]The books do not hold.[/]")


def _last_words(folder: Path) -> str:
    return "\n".join(
        f"== {log.name}\n" + "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        for log in sorted(folder.glob("worker-*.log"))[-8:]
    )


if __name__ == "__main__":
    sys.exit(main())
