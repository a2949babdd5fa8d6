"""What is done to whom, and when: a pure function of the seed and of how long it may take."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import cycle
from typing import Literal, NamedTuple

Kind = Literal[
    "kill-worker",
    "term-worker",
    "freeze-worker",
    "join-worker",
    "leave-worker",
    "kill-broker",
    "kill-leader",
    "kill-coordinator",
    "slow-broker",
    "drop-connections",
    "garbage",
    "refuse-writes",
    "refuse-batches",
    "corrections",
]

ROUND: tuple[Kind, ...] = (
    *("kill-worker",) * 5,
    "term-worker",
    *("freeze-worker",) * 2,
    "join-worker",
    "leave-worker",
    "join-worker",
    "leave-worker",
    "kill-broker",
    "kill-leader",
    "kill-coordinator",
    "slow-broker",
    "drop-connections",
    "garbage",
    "refuse-writes",
    "refuse-batches",
    *("corrections",) * 2,
)
"""What each round has, in an order of the seed: workers join before they leave."""

LASTS: dict[Kind, tuple[float, float]] = {
    "freeze-worker": (9.0, 11.0),  # past the session timeout of 6 s
    "kill-broker": (2.0, 5.0),
    "kill-leader": (2.0, 5.0),
    "kill-coordinator": (2.0, 5.0),
    "slow-broker": (3.0, 5.0),
    "refuse-writes": (6.0, 9.0),
    "refuse-batches": (2.0, 4.0),
}
"""Seconds until it is mended, from and to; what is not here needs no mending."""


class Fault(NamedTuple):
    """One thing that is done."""

    pause: float
    """Seconds after the one before it was done and mended."""
    kind: Kind
    pick: float
    """Which of those that there are, from 0 to 1."""
    lasts: float
    """Seconds until it is mended."""


def plan(seed: int, rounds: int = 1) -> list[Fault]:
    """The faults of so many rounds."""
    rng = random.Random(seed)
    return [fault for _ in range(rounds) for fault in _round(rng)]


def _round(rng: random.Random) -> list[Fault]:
    kinds = rng.sample(ROUND, len(ROUND))
    # The n-th to join or leave, in turn: the number of workers stays within one of what it was.
    turns: Iterator[Kind] = cycle(("join-worker", "leave-worker"))
    moves = {"join-worker", "leave-worker"}
    ordered = [next(turns) if kind in moves else kind for kind in kinds]
    return [
        Fault(round(rng.uniform(0.3, 2.0), 2), kind, rng.random(), round(rng.uniform(*LASTS.get(kind, (0, 0))), 2))
        for kind in ordered
    ]
