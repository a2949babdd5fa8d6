"""Kinds of ids that look alike, told apart by type: a plan's id is no period's name, no row's key an account's.

Made where a text is known to be one: at the edge (`rater.wire` checks the pattern) or by the function that composes it.
"""

from __future__ import annotations

from typing import NewType

AccountKey = NewType("AccountKey", bytes)
"""An account's id as bytes: the key of its records, and of its row."""

UsageKey = NewType("UsageKey", bytes)
"""The key of an account's period in the table `usage`, which also names the group of its calls and adjustments."""

PlanId = NewType("PlanId", str)
"""A version of a plan, `hybrid-200@1`."""

PeriodName = NewType("PeriodName", str)
"""A period of an account, `2026-11` or `2026-11-15`."""
