"""The step beside an earlier version's, in turn, on the fixed mix and on each plan alone: `make bench-step`.

Each is a process of its own, run so many times one after the other, for machines are noisy; what counts is the ratio.
The earlier version is checked out of this repository's history. Both must put out the same.
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import subprocess
import sys
import tempfile
from itertools import chain
from pathlib import Path
from statistics import median

from benchmarks import mix
from tests.support.checkout import ROOT, checkout

BASELINE = "96be77d"
KINDS: dict[str, tuple[str | None, bool]] = {
    "the mix": (None, True),
    "hybrid-200": ("hybrid-200", False),
    "per-minute (volume)": ("per-minute", False),
    "per second": ("per-second", False),
    "graduated 30/6": ("graduated", False),
    "hybrid-200, all capped": ("hybrid-200", True),
}


def run(tree: Path, file: Path) -> dict[str, float | str]:
    """Microseconds of CPU a call of one run, in its best batch: what is above that is the machine's noise."""
    command = [sys.executable, str(ROOT / "benchmarks" / "step_runner.py"), str(file)]
    env = os.environ | {"PYTHONPATH": str(tree)}
    found = json.loads(subprocess.run(command, env=env, check=True, capture_output=True, text=True).stdout)
    whole = [step + encoding for step, encoding in zip(found["step"], found["encoding"], strict=True)]
    return {"whole": min(whole), "digest": found["digest"]}


def compare(tree: Path, file: Path, repeats: int) -> tuple[list[float], list[float], list[float]]:
    """Ours and theirs by run, and the ratios of runs that stood side by side. Raises where they differ in output."""
    ours, theirs = [], []
    for _ in range(repeats):
        old, new = run(tree, file), run(ROOT, file)
        if old["digest"] != new["digest"]:
            message = "they put out different charges"
            raise SystemExit(message)
        theirs.append(float(old["whole"]))
        ours.append(float(new["whole"]))
    return ours, theirs, [new / old for new, old in zip(ours, theirs, strict=True)]


def main() -> None:
    """Print a line a kind of plan."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--repeats", type=int, default=3)
    options.add_argument("--baseline", default=BASELINE, help="a commit of this repository")
    chosen = options.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="rater-bench-") as folder,
        checkout(chosen.baseline, Path(folder) / "tree") as tree,
    ):
        file = Path(folder) / "mix.pickle"
        print(f"{'us of CPU a call, step and encoding of rows':50} {'ours':>8} {chosen.baseline:>9} {'ratio':>6}")
        for name, (plan, capped) in KINDS.items():
            before = mix.records(chain(mix.control(plan, capped=capped), mix.calls(0)))
            file.write_bytes(pickle.dumps((before, mix.records(mix.calls(1), len(before)))))
            ours, theirs, ratios = compare(tree, file, chosen.repeats)
            print(f"{name:50} {median(ours):8.1f} {median(theirs):9.1f} {median(ratios):6.2f}", flush=True)


if __name__ == "__main__":
    main()
