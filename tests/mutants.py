"""The score of the mutation run (`make mutants`), module by module: of the mistakes planted, how many a test caught.

Run it as `python -m tests.mutants` where `mutmut run` left its results; `--survivors` names those that nothing caught.
Exit 1 if the rules or the step are below the bar.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "mutants" / "rater"
BAR = 90
"""Percent of the mutants tried that must be caught, for the rules together and for the step together."""

SURVIVED = {0, 5, 33}
"""Exit codes by which mutmut says that every test passed, or that no test reaches the function."""

ROOMS = {"rating": "the rules", "processor": "the step"}


class Score(NamedTuple):
    """One module: how many mutants were tried, and the names of those that no test caught."""

    module: str
    tried: int
    survivors: tuple[str, ...]

    @property
    def percent(self) -> float:
        """Of those tried, how many were caught."""
        return 100 * (1 - len(self.survivors) / self.tried) if self.tried else 100.0


def scores(results: Path = RESULTS) -> list[Score]:
    """What mutmut found, a module each; mutants that were not tried are left out."""
    found = []
    for file in sorted(results.rglob("*.meta")):
        codes: dict[str, int | None] = json.loads(file.read_text("utf-8"))["exit_code_by_key"]
        tried = {name: code for name, code in codes.items() if code is not None}
        lost = tuple(name for name, code in tried.items() if code in SURVIVED)
        if tried:
            found.append(Score(file.relative_to(results).as_posix().removesuffix(".py.meta"), len(tried), lost))
    return found


def together(room: str, found: list[Score]) -> Score:
    """The scores of a room's modules as one."""
    ours = [one for one in found if one.module.startswith(f"{room}/")]
    return Score(ROOMS[room], sum(one.tried for one in ours), sum((one.survivors for one in ours), ()))


def table(found: list[Score]) -> str:
    """The scores as a table, Markdown too."""
    rows = [f"| {one.module} | {one.tried:,} | {len(one.survivors):,} | {one.percent:.1f} % |" for one in found]
    return "\n".join(("| module | mutants | not caught | score |", "|---|--:|--:|--:|", *rows))


def main(arguments: list[str]) -> int:
    """Print the table; 0 if both rooms reach the bar, 1 if not, 2 if there are no results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--survivors", action="store_true", help="name each mutant that no test caught")
    chosen = parser.parse_args(arguments)
    found = scores()
    if not found:
        sys.stderr.write("no results here; run `make mutants`\n")
        return 2
    rooms = [together(room, found) for room in ROOMS]
    sys.stdout.write(table([*found, *rooms]) + "\n")
    if chosen.survivors:
        sys.stdout.write("\n".join(("", *(name for one in found for name in one.survivors), "")))
    sys.stdout.write("\n`mutmut show NAME` prints one; python -m tests.mutants --survivors names them.\n")
    return int(any(one.percent < BAR for one in rooms))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
