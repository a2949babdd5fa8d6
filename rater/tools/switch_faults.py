"""What may go wrong at a simulated switch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """What goes wrong, as shares of the calls (0 to 1)."""

    two_legs: bool = False
    duplicates: float = 0.0
    garbage: float = 0.0
    """Records that are cut off, or name no account, in equal parts."""
    clock_steps: float = 0.0
    """Calls that were not answered whose end lies 1 s before their start."""
    late: float = 0.0
    """Records that come at the very end, as from a file that was found later."""
    shuffle: float = 0.0
    """Seconds, of the simulated time, within which records are out of order."""
    wrong_keys: bool = False
    """Keys, and partitions, have nothing to do with the record; else as librdkafka does it, by the channel."""
