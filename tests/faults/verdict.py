"""Do the books hold after all that? By the audit, by the verifier that knows no rules, and by counting the calls."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from typing import Any, NamedTuple

from rater.audit import verify
from tests.support.reading import Log, values
from tests.support.workers import Rater


class Verdict(NamedTuple):
    """What came out."""

    calls: int
    charges: int
    lost: int
    """Calls without a charge."""
    repeated: int
    """Calls with more than one."""
    audit: dict[str, Any]
    """What `rater audit --json` said."""
    verifier: str
    """What the standalone verifier said."""
    wrong: list[str]
    """Everything that is wrong, in words; empty when the books hold."""

    @property
    def residue(self) -> str:
        """Of the one currency that there is."""
        return " ".join(self.audit["residue"].values())


def judge(rater: Rater, charges: Log, calls: int) -> Verdict:
    """Look at everything; `calls` were simulated."""
    seen = Counter(
        charge["call"]["call_id"]
        for partition in values(charges).values()
        for charge in map(json.loads, partition)
        if charge.get("kind") == "usage"
    )
    due = {f"sim-{number:09d}" for number in range(calls)}
    lost = len(due - seen.keys())
    repeated = sum(count > 1 for count in seen.values())
    audit = _audited(rater)
    status, told = _verified(charges)
    checks = {
        f"{lost} calls were lost": lost == 0,
        f"{repeated} calls were charged more than once": repeated == 0,
        f"{len(seen.keys() - due)} calls were charged that nobody made": seen.keys() <= due,
        f"the audit: status {audit['status']}, {audit['off']}, {audit['findings'][:5]}": audit["status"] == 0,
        "outcomes do not add up to the records": sum(audit["outcomes"].values()) == audit["records"],
        f"{audit['waiting']} records were not rated": audit["waiting"] == 0,
        f"the verifier: {told}": status == 0,
    }
    wrong = [told for told, holds in checks.items() if not holds]
    return Verdict(calls, sum(map(len, charges.values())), lost, repeated, audit, told, wrong)


def _audited(rater: Rater) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(rater.run("audit", "--json", status=None))
    return said


def _verified(charges: Log) -> tuple[int, str]:
    lines = b"\n".join(value for partition in values(charges).values() for value in partition)
    done = subprocess.run([sys.executable, "-I", verify.__file__], input=lines, capture_output=True, check=False)
    return done.returncode, done.stdout.decode().strip()[-2000:]
