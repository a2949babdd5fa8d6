"""What the intake remembers of a record that became a call, under its identity.

A row is 8 bytes of the call's fingerprint, 4 bytes of the day it came (days since 1970, big-endian), and its account:
it stays the call's account, whatever later profiles say of a repeated record.
"""

from __future__ import annotations

from typing import Final

from rater.seam.model import TableSpec
from rater.switches.convert import FINGERPRINT

RECORDS: Final = "records"
_DAY = 4


def record_row(fingerprint: bytes, day: int, account: str) -> bytes:
    """A row."""
    return fingerprint + day.to_bytes(_DAY, "big") + account.encode()


def fingerprint_of(row: bytes) -> bytes:
    """Of what the switch said of the call."""
    return row[:FINGERPRINT]


def account_of(row: bytes) -> str:
    """Whose call it is."""
    return row[FINGERPRINT + _DAY :].decode()


def day_group(day: int) -> bytes:
    """The name of the rows of a day."""
    return day.to_bytes(_DAY, "big")


TABLES: Final = (TableSpec(RECORDS, bytes, bytes, group=lambda _, row: row[FINGERPRINT : FINGERPRINT + _DAY]),)
INTAKE_FORMAT: Final = 1
"""Of the rows, as the heads say it."""
