"""What an audit found: figures, and everything that is off, each with its place."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, NamedTuple

from rater.rating.money import ZERO, plain

FindingKind = Literal[
    "missing",
    "repeated",
    "no-cause",
    "changed",
    "gap",
    "no-outcome",
    "state",
    "lost",
    "forward",
    "internal-error",
    "books",
]
UNCHANGED = 100
"""Findings that are listed one by one; all are counted."""


class Finding(NamedTuple):
    """Something that is off."""

    kind: FindingKind
    place: str
    """`charges/3/10482`, or where in the log its cause stands."""
    what: str


def add(sums: dict[str, Decimal], currency: str, amount: Decimal) -> None:
    """Add an amount to the sum of its currency."""
    sums[currency] = sums.get(currency, ZERO) + amount


@dataclass(slots=True)
class Report:
    """An audit's result so far."""

    partitions: int = 0
    records: int = 0
    """Of the log, up to where the workers had come."""
    waiting: int = 0
    """Records behind that, which are not rated yet."""
    outcomes: Counter[str] = field(default_factory=Counter)
    """As the workers counted them."""
    charges: int = 0
    rejected: int = 0
    alerts: int = 0
    closed: int = 0
    """Periods that were closed."""
    charged: dict[str, Decimal] = field(default_factory=dict)
    """Currency -> sum of the published charges."""
    due: dict[str, Decimal] = field(default_factory=dict)
    """Currency -> what the final usage costs, with fees and manual adjustments."""
    findings: list[Finding] = field(default_factory=list)
    """The first ones, in the order of partitions and places."""
    counts: Counter[FindingKind] = field(default_factory=Counter)
    unproven: list[str] = field(default_factory=list)
    """What could not be proved, and from where on it can be."""

    def add_finding(self, kind: FindingKind, place: str, what: str, times: int = 1) -> None:
        """Note that something is off."""
        self.counts[kind] += times
        if len(self.findings) < UNCHANGED:
            self.findings.append(Finding(kind, place, what))

    def residues(self) -> dict[str, Decimal]:
        """Currency -> what was charged beyond what is due."""
        names = sorted({*self.charged, *self.due})
        return {name: self.charged.get(name, ZERO) - self.due.get(name, ZERO) for name in names}

    @property
    def off(self) -> bool:
        """Whether anything is wrong."""
        return bool(self.counts) or any(self.residues().values())

    @property
    def status(self) -> int:
        """The exit status: 1 something is off, 3 not all could be proved, 0 all is proved."""
        return 1 if self.off else 3 if self.unproven else 0

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON."""
        return {
            "status": self.status,
            "partitions": self.partitions,
            "records": self.records,
            "waiting": self.waiting,
            "outcomes": dict(sorted(self.outcomes.items())),
            "charges": self.charges,
            "rejected": self.rejected,
            "alerts": self.alerts,
            "closed": self.closed,
            "charged": {name: plain(amount) for name, amount in sorted(self.charged.items())},
            "due": {name: plain(amount) for name, amount in sorted(self.due.items())},
            "residue": {name: plain(amount) for name, amount in self.residues().items()},
            "off": dict(sorted(self.counts.items())),
            "findings": [finding._asdict() for finding in self.findings],
            "unproven": self.unproven,
        }
