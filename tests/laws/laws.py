"""The laws of rating.md that are in force, each a property of any log.

Voids, late subscriptions (history) and manual adjustments are not rated yet; their laws join `LAWS` when they are.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from decimal import Decimal
from fractions import Fraction
from itertools import cycle, islice

from rater.processor.replay import Replay
from rater.processor.rows import TABLES
from rater.processor.step import make_step
from rater.seam.model import LogRecord, Output
from rater.tools.log_file import read_log, to_line
from rater.tools.rate_file import rate_lines
from tests.laws import life
from tests.laws.model import Model, rated
from tests.laws.worlds import STAMP, Line, World, event_of, records
from tests.support.logs import Event, bodies

Law = Callable[[World], None]


def rate(lines: Iterable[Line]) -> tuple[Replay, list[Output]]:
    """The log in one batch."""
    replay = Replay(make_step())
    return replay, list(replay.feed(0, records(lines)).outputs)


def charges_of(lines: Iterable[Line]) -> list[Event]:
    return bodies(rate(lines)[1], "charges")


def state_of(replay: Replay) -> object:
    """All that is kept of a log, as it is written to the changelogs."""
    rows = {
        (partition, table.name): {key: table.encode(row) for key, row in sorted(kept.tables[table.name].items())}
        for partition, kept in replay.rows.items()
        for table in TABLES
    }
    return replay.heads, rows


def sums_of(charges: Iterable[Event], *kinds: str) -> dict[tuple[str, str], Fraction]:
    """(account, period) -> what its charges of these kinds add up to."""
    sums: dict[tuple[str, str], Fraction] = defaultdict(Fraction)
    for charge in charges:
        sums[charge["account"], charge["period"]] += Fraction(charge["amount"]) * (charge["kind"] in kinds)
    return dict(sums)


def conservation(world: World) -> None:
    """A period's usage charges sum to R(price(final usage)) of its segments, and it owes its fees once."""
    charges, (_, due) = charges_of(world.log), rated(world.log, STAMP)
    assert sums_of(charges, "usage") == {place: sums.usage for place, sums in due.items()}
    assert sums_of(charges, "fee") == {place: sums.fee for place, sums in due.items()}


def agrees_with_the_model(world: World) -> None:
    """Each record has the outcome that the model says, and each period as many charges."""
    outcomes, due = rated(world.log, STAMP)
    replay, found, outputs = Replay(make_step()), list[str](), list[Output]()
    for record in records(world.log):
        before = Counter(replay.outcomes())
        outputs += replay.feed(0, [record]).outputs
        found += list(Counter(replay.outcomes()) - before)
    assert found == outcomes
    counted = Counter((charge["account"], charge["period"]) for charge in bodies(outputs, "charges"))
    assert counted == {place: sums.charges for place, sums in due.items()}


def idempotence(world: World) -> None:
    """Records delivered again, at once or much later, change no charge."""
    twice = [line for line in world.log for _ in range(2)] + world.log
    assert charges_of(twice) == charges_of(world.log)


def order(world: World) -> None:
    """Any order of the calls gives the same totals of the periods."""
    shuffled = random.Random(world.seed).sample(world.calls, len(world.calls))
    other = world._replace(calls=shuffled)
    assert sums_of(charges_of(other.clean), "usage", "fee") == sums_of(charges_of(world.clean), "usage", "fee")


def isolation(world: World) -> None:
    """An account's charges do not depend on other accounts."""
    charges = charges_of(world.log)
    for account in world.accounts:
        alone = [line for line in world.log if event_of(line).get("account") in {None, account}]
        assert charges_of(alone) == [charge for charge in charges if charge["account"] == account]


def replay(world: World) -> None:
    """The same log gives the same bytes, of outputs and of rows."""
    (one, first), (other, second) = rate(world.log), rate(world.log)
    assert first == second
    assert state_of(one) == state_of(other)


def batching(world: World) -> None:
    """Any split into batches gives the same bytes, also when the rows come back from the changelogs in between."""
    whole, outputs = rate(world.log)
    other, split, left = Replay(make_step()), list[Output](), iter(records(world.log))
    for size in cycle(world.sizes):
        batch = list(islice(left, size))
        if not batch:
            break
        split += other.feed(0, batch).outputs
        for table in TABLES:
            rows = other.rows[0].tables[table.name]
            rows.update({key: table.decode(table.encode(row)) for key, row in rows.items()})
    assert split == outputs
    assert state_of(other) == state_of(whole)


def file(world: World) -> None:
    """The log as an exported file gives the bytes of the log itself; here it lies twice, in two partitions."""
    places = [0] * len(world.log) + [1] * len(world.log)
    random.Random(world.seed).shuffle(places)
    logs = {partition: iter(records(world.log)) for partition in (0, 1)}
    placed = [(partition, next(logs[partition])) for partition in places]
    direct, outputs = Replay(make_step(), partitions=2), list[Output]()
    for partition, record in placed:
        outputs += direct.feed(partition, [record]).outputs
    taken: list[Output] = []
    lines = read_log(lambda: [to_line(partition, 2, record) for partition, record in placed]).lines
    rating = rate_lines(lines, book=None, bare=False, take=taken.append)
    assert taken == outputs
    assert rating.outcomes == direct.outcomes()
    assert sum(account.charges for account in rating.accounts.values()) == len(bodies(outputs, "charges"))


def totality(world: World) -> None:
    """No bytes whatever raise, or meet an error in the rules; each record has its outcome, and the stream goes on."""
    rng = random.Random(world.seed)
    torn = []
    for key, value in world.log:
        whole, at = value or b"", rng.randrange(1 + len(value or b""))
        part = rng.randbytes(rng.randrange(6))
        torn.append(Line(rng.choice([key, part, None]), whole[:at] + part + whole[at + rng.randrange(6) :]))
    stamps = (rng.choice([STAMP, rng.randrange(-(2**63), 2**63)]) for _ in torn)
    bad = [LogRecord(offset, stamp, *line) for offset, (line, stamp) in enumerate(zip(torn, stamps, strict=True))]
    log = Replay(make_step(), partitions=2)
    log.feed(0, bad)
    log.feed(0, records(world.log, first=len(bad)))
    assert "rejected:internal-error" not in log.outcomes()
    assert sum(log.outcomes().values()) == len(bad) + len(world.log)


def monotonic(world: World) -> None:
    """More usage never lowers the total, volume bands excepted."""
    plans = {event["subscription_id"]: event["plan"] for event in world.control if "plan" in event}
    plans |= world.control[0]["book"]["plans"]
    for charge in charges_of(world.log):
        volume = "volume" in str(plans[charge["plan"].partition("@")[0]])
        assert volume or Decimal(charge["amount"]) >= 0


def period(world: World) -> None:
    """Each charged call is in exactly one period, that of its start; and a period's charges count 1, 2, 3."""
    model, charges = Model(), charges_of(world.log)
    for line in world.log:
        model.outcome(*line, STAMP)
    due = [
        (account, model.calendar(account).name_at(call["started_at"]), call["call_id"])
        for account, calls in model.calls.items()
        for call in calls
    ]
    assert Counter((c["account"], c["period"], c["call"]["call_id"]) for c in charges if "call" in c) == Counter(due)
    counts: Counter[tuple[str, str]] = Counter()
    for charge in charges:
        place = charge["account"], charge["period"]
        counts[place] += 1
        assert charge["seq"] == counts[place]
        assert charge["charge_id"] == f"{place[0]}:{place[1]}:{counts[place]}"


def explanation(world: World) -> None:
    """The lines of a charge sum to its amount, and the charges of a period to its running total."""
    totals: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for charge in charges_of(world.log):
        amount = Decimal(charge["amount"])
        assert sum((Decimal(line["amount"]) for line in charge["lines"]), Decimal(0)) == amount
        totals[charge["account"], charge["period"]] += amount
        assert Decimal(charge["period_total"]) == totals[charge["account"], charge["period"]]


def outcomes(world: World) -> None:
    """Outcomes add up to the records, and to what came out."""
    replay, outputs = rate(world.log)
    counts = replay.outcomes()
    assert sum(counts.values()) == len(world.log)
    assert counts.get("charged", 0) == sum("call" in charge for charge in bodies(outputs, "charges"))
    said = Counter(f"rejected:{body['reason']}" for body in bodies(outputs, "rejected"))
    assert said == {outcome: count for outcome, count in counts.items() if outcome.startswith("rejected:")}


LAWS: list[Law] = [
    conservation,
    agrees_with_the_model,
    idempotence,
    order,
    isolation,
    replay,
    batching,
    file,
    totality,
    monotonic,
    period,
    explanation,
    outcomes,
    life.void,
    life.history,
    life.closing,
]
