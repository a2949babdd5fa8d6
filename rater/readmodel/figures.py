"""Amounts, durations and instants as people read them."""

from __future__ import annotations

from datetime import datetime, tzinfo
from decimal import Decimal


def money(amount: str | Decimal) -> str:
    """An amount with its thousands marked."""
    return f"{Decimal(amount):,}"


def talk(seconds: int) -> str:
    """Minutes and seconds."""
    return f"{seconds // 60}:{seconds % 60:02}"


def local(at: str | None, zone: tzinfo) -> str:
    """An instant in a zone, to the second; nothing for none."""
    return "" if at is None else datetime.fromisoformat(at).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")
