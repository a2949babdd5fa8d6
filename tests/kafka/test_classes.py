"""A book with very many prefixes on a real Kafka: published, rated by, restarted with, and audited."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from tests.support.rated import charges_of, records_in_log, until_all_rated, until_rated
from tests.support.reading import values
from tests.support.workers import Rater

SHIPPED = Path(__file__).parents[2] / "rater" / "wire" / "shipped.yaml"
PREFIXES = 15_000
CALLS = 4_000

CLASSES = """
holidays: [2026-10-01]
classes:
  - {name: mobile-night, numbers: [mobile], hours: ["Mon-Sun 20:00-08:00"], within: mobile}
  - {name: mobile, numbers: [mobile]}
  - {name: far, numbers: [far]}
plans:
  by-class:
    meters:
      - {name: mobile, unit: minutes, classes: [mobile], allowance: 20, rate: "0.25"}
      - {name: far, unit: minutes, classes: [far], rate: "1.20"}
    minutes: {rate: "0.10"}
"""


def large_book(text: str, prefixes: int = PREFIXES) -> str:
    """The next version of a book, with classes of many prefixes, and a plan by class for whoever has none."""
    far = ", ".join(f"'+{number}'" for number in range(9_900_000, 9_900_000 + prefixes))
    sets = f"prefixes: {{mobile: ['+8613', '+8615', '+8617', '+8618', '+8619'], far: [{far}]}}"
    lines = [line for line in text.splitlines() if not line.startswith(("version:", "default_plan:"))]
    return "\n".join(("version: 2", "default_plan: by-class", sets, *lines)).replace("\nplans:\n", CLASSES)


async def test_a_book_with_many_prefixes_is_rated_by(ready: Rater) -> None:
    """A worker that rates by it is killed; the next one goes on by it, and the audit proves every byte."""
    (ready.folder / "large.yaml").write_text(large_book(SHIPPED.read_text()))
    ready.run("tariffs", "publish", "large.yaml")
    doomed = ready.worker()
    ready.run("simulate", "--calls", CALLS, "--accounts", 50, "--seed", 3)
    await until_rated(ready, await records_in_log(ready) // 2)
    doomed.kill()
    ready.worker()
    ready.run("simulate", "--calls", CALLS, "--accounts", 50, "--seed", 4)
    found = await until_all_rated(ready)
    # The second simulation numbers its calls as the first did: an account that has both has a conflict.
    assert found["charged"] + found["rejected:conflict"] == 2 * CALLS
    assert found["charged"] > 1.9 * CALLS
    charges = [json.loads(value) for part in values(await charges_of(ready)).values() for value in part]
    classes = Counter(charge["call"].get("class") for charge in charges if "call" in charge)
    assert set(classes) >= {None, "mobile", "mobile-night"}
    audit = json.loads(ready.run("audit", "--json"))
    assert audit["residue"] == {"CNY": "0.00"}
