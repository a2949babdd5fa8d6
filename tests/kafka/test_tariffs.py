"""Publishing tariff books on a real Kafka: what is published never changes, and who tries is shown the difference."""

from __future__ import annotations

from pathlib import Path

from tests.support.rated import records_in_log, until_rated
from tests.support.workers import Rater

SHIPPED = Path(__file__).parents[2] / "rater" / "wire" / "shipped.yaml"


async def test_a_changed_plan_is_refused_with_its_difference(ready: Rater) -> None:
    """Without a later effective instant nothing is written; with it, the change is the plan's next version."""
    ready.worker()
    before = await records_in_log(ready)
    await until_rated(ready, before)
    text = SHIPPED.read_text()
    first = text.splitlines()[[line.startswith("version:") for line in text.splitlines()].index(True)]
    dearer = text.replace(first, "version: 2").replace('"2.50"', '"2.70"')
    (ready.folder / "dearer.yaml").write_text(dearer)
    told = ready.run("tariffs", "publish", "dearer.yaml", status=1)
    assert "plan-changed: plan hybrid-200: published plans never change" in told
    assert '-        "2.50"' in told
    assert '+        "2.70"' in told
    assert await records_in_log(ready) == before
    dated = dearer.replace("  hybrid-200:\n", '  hybrid-200:\n    effective: "2030-01-01T00:00:00+08:00"\n')
    (ready.folder / "dated.yaml").write_text(dated)
    assert "version 2" in ready.run("tariffs", "publish", "dated.yaml")
    assert await records_in_log(ready) == before + 4
    found = await until_rated(ready, before + 4)
    assert found == {"applied": before + 4}
    assert "stale-book" in ready.run("tariffs", "publish", "dearer.yaml", status=1)
