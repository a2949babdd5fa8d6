"""A log moved: exported, and imported into empty systems of as many partitions and more, the charges proved equal."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from rater.seam.partitions import partition_of
from tests.support.own_calls import call
from tests.support.rated import Raw, charges_of, until_all_rated, write
from tests.support.reading import values
from tests.support.workers import Rater, Worker, until

CALLS = int(os.environ.get("RATER_TEST_MOVED", "4000"))
SYSTEMS = count(1)
SHIPPED = Path(__file__).parents[2] / "rater" / "wire" / "shipped.yaml"


def elsewhere(rater: Rater, partitions: int) -> Rater:
    """Another system on the same broker; its workers end with the first one's."""
    prefix = f"{rater.settings['topic_prefix']}m{next(SYSTEMS)}-"
    made = Rater(rater.settings | {"topic_prefix": prefix, "partitions": str(partitions)}, rater.folder)
    made.workers = rater.workers
    return made


async def of_accounts(rater: Rater) -> dict[str, list[bytes]]:
    """The charges of each account, in order."""
    found: defaultdict[str, list[bytes]] = defaultdict(list)
    for part in values(await charges_of(rater)).values():
        for value in part:
            found[json.loads(value)["account"]].append(value)
    return found


def tick(at: datetime, changes: int = 20) -> bytes:
    words = {"type": "clock-ticked/1", "at": at.isoformat(), "operator": True, "changes": changes}
    return json.dumps(words).encode()


def subscribed(account: str, at: datetime) -> Raw:
    """Dated ahead: what it changes falls due by ticks."""
    words = {"type": "account-subscribed/1", "account": account, "subscription_id": f"ahead-{account}"}
    value = json.dumps(words | {"plan": "per-call", "from": at.isoformat()}).encode()
    return Raw(partition_of(account.encode(), 4), account.encode(), value)


@pytest.fixture
async def exported(ready: Rater) -> Rater:
    """A log with everything that makes a move hard, rated, and exported to the file log.jsonl."""
    now = datetime.now(UTC)
    ready.worker()
    ready.run("simulate", "--calls", CALLS, "--accounts", 60, "--seed", 5)
    await write(ready, [subscribed(f"A{n:06d}", now + timedelta(days=40)) for n in range(12)])
    # ticks that are ahead in some partitions and lag in one; with little work each, so that some is left
    later = [Raw(p, None, tick(now + timedelta(days=35 if p else 2, seconds=n))) for n in range(6) for p in range(4)]
    await write(ready, later)
    book = SHIPPED.read_text().replace("version: 1\n", "version: 2\n")
    (ready.folder / "book.yaml").write_text(book)
    ready.run("tariffs", "publish", "book.yaml", "--yes")
    # calls in wrong partitions, which are forwarded; voids; and rubbish
    await write(ready, [Raw(n % 4, b"A000007", call(n, "A000007")) for n in range(40)])
    await write(ready, [Raw(1, b"x", b"{"), Raw(3, b"A000001", call(1, "A000002"))])
    ready.run("void", "A000007", "own-1", "c-3", "--reason", "test", "--no-wait")
    # Ticks that lag in the last partition, and leave no work: what is left at a log's end is done where it goes on.
    last = [
        Raw(p, None, tick(now + timedelta(days=75 if p < 3 else 36, seconds=n), 10_000))
        for n in range(2 + CALLS // 8000)
        for p in range(4)
    ]
    await write(ready, last)
    ready.run("simulate", "--calls", CALLS // 4, "--accounts", 60, "--seed", 6, "--no-subscribe")
    found = await until_all_rated(ready)
    assert found["forwarded"] > 10
    ready.run("export", "--out", "log.jsonl")
    return ready


@pytest.mark.parametrize("partitions", [4, 8, 16])
async def test_every_account_has_the_charges_that_it_had(exported: Rater, partitions: int) -> None:
    """Byte for byte, in their order; the audit proves the new system by itself; no worker comes in before the end."""
    moved = elsewhere(exported, partitions)
    moved.run("topics", "create")
    said = json.loads(moved.run("import", "log.jsonl", "--json", status=None))
    assert said["partitions"] == [4, partitions]
    moved.worker()
    rated = await until_all_rated(moved)
    assert "forwarded" not in rated
    assert await of_accounts(moved) == await of_accounts(exported)
    if partitions == 4:
        assert values(await charges_of(moved)) == values(await charges_of(exported))
    audit = json.loads(moved.run("audit", "--json"))
    assert audit["residue"] == {"CNY": "0.00"}
    moved.run("import", "log.jsonl", status=78)  # it is done, and the log is not empty


async def test_another_number_is_refused(exported: Rater) -> None:
    """Until whoever does it accepts that accounts differ; which do is told, and is so."""
    moved = elsewhere(exported, 6)
    moved.run("topics", "create")
    assert "--accept-differences" in moved.run("import", "log.jsonl", status=78)
    said = json.loads(moved.run("import", "log.jsonl", "--accept-differences", "--json", status=None))
    moved.worker()
    await until_all_rated(moved)
    before, after = await of_accounts(exported), await of_accounts(moved)
    assert said["accounts_that_differ"] == sorted(one for one in {*before, *after} if before.get(one) != after.get(one))
    assert said["accounts_that_differ"] != []


async def test_an_import_that_is_killed_goes_on(exported: Rater) -> None:
    """Killed in the middle; no worker starts and no setting is mended meanwhile; begun again, it is the same log."""
    moved = elsewhere(exported, 8)
    moved.run("topics", "create")
    doomed = Worker(moved.environment(), moved.folder / "import.log", "log.jsonl", verb="import")
    moved.workers.append(doomed)
    until(lambda: _begun(moved), "some of it is there")
    doomed.kill()
    if not _is_sealed(moved):
        assert "message.timestamp.type" in moved.run("worker", status=78)
        assert "being imported" in moved.run("topics", "create", status=78)
        other = (moved.folder / "log.jsonl").read_bytes().replace(b'"value":"', b'"value":"AAAA', 1)
        (moved.folder / "other.jsonl").write_bytes(other)
        assert "another file" in moved.run("import", "other.jsonl", status=78)
    moved.run("import", "log.jsonl", status=0 if not _is_sealed(moved) else 78)
    moved.worker()
    await until_all_rated(moved)
    assert await of_accounts(moved) == await of_accounts(exported)


def _begun(rater: Rater) -> bool:
    from asyncio import run  # noqa: PLC0415
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415

    from tests.support.reading import end_of  # noqa: PLC0415

    topic = f"{rater.settings['topic_prefix']}calls"
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: run(end_of(rater.settings["bootstrap_servers"], topic))).result() > 0


def _is_sealed(rater: Rater) -> bool:
    return "as it should be" in rater.run("topics", "create", "--dry-run", status=None)
