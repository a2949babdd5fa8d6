"""Amounts, durations and instants as people read them, and cells as spreadsheets do."""

from __future__ import annotations

import re
from datetime import datetime, tzinfo
from decimal import Decimal


def money(amount: str | Decimal) -> str:
    """An amount or a rate, with its thousands marked."""
    return f"{Decimal(amount):,f}"


def units(quantity: str) -> str:
    """Minutes, calls and other units with their thousands marked."""
    return f"{Decimal(quantity):,f}"


def signed(amount: str | Decimal) -> str:
    """A change: with its sign, and its thousands marked."""
    change = Decimal(amount)
    return f"{change:+,f}" if change else f"{change:,f}"


def masked_number(number: str) -> str:
    """A phone number without its middle: `+86138****04`; of a short one only its ends are shown."""
    digits = number.strip()
    head = 6 if len(digits) >= 11 else 3 if len(digits) >= 7 else 1
    return f"{digits[:head]}****{digits[-2:]}" if len(digits) > head + 2 else "****"


def talk(seconds: int) -> str:
    """Minutes and seconds."""
    return f"{seconds // 60}:{seconds % 60:02}"


def local(at: str | None, zone: tzinfo) -> str:
    """An instant in a zone, to the second; nothing for none."""
    return "" if at is None else datetime.fromisoformat(at).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")


FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")


def cell(value: object) -> str:
    """A cell of CSV: a spreadsheet must not take it for a formula. A negative amount is a number and stays one."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(FORMULA) and not _NUMBER.fullmatch(text) else text
