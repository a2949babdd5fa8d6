"""What a time may look like is said by us, not by the version of Python: the same log gives the same bytes on each."""

from __future__ import annotations

import sys

import orjson
import pytest

from rater.wire.parse import Invalid, parse
from tests.support.logs import tick

TAKEN = (
    "2026-11-01T08:00:00Z",
    "2026-11-01T08:00:00+08:00",
    "2026-11-01T08:00:00.123456789-00:30",
    "2026-11-01T23:59:59+23:59",
    "1970-01-01T00:00:00Z",
)
REFUSED = (
    "2026-11-01T24:00:00Z",
    "2026-11-01T08:60:00Z",
    "2026-11-01T23:59:60Z",
    "2026-11-01T08:00:00+24:00",
    "2026-11-01T08:00:00+08:60",
    "2026-11-01t08:00:00z",
    "2026-11-01 08:00:00Z",
    "2026-11-01T08:00Z",
    "20261101T080000Z",
    "2026-W45-1T08:00:00Z",
    "2026-305T08:00:00Z",
    "2026-11-01T08:00:00,5Z",
    "2026-11-01T08:00:00+0800",
    "2026-11-01T08:00:00+08:00:30",
    "2026-02-30T08:00:00Z",
    "\u0662026-11-01T08:00:00Z",
    "1969-12-31T23:59:59Z",
)


@pytest.mark.parametrize("text", TAKEN)
def test_rfc_3339_with_an_offset_is_taken(text: str) -> None:
    """With up to nine digits behind the second."""
    assert not isinstance(parse(orjson.dumps(tick(text))), Invalid)


@pytest.mark.parametrize("text", REFUSED)
def test_all_else_is_refused_on_every_python(text: str) -> None:
    """Also what some version of `datetime.fromisoformat` reads."""
    found = parse(orjson.dumps(tick(text)))
    assert isinstance(found, Invalid)
    assert found.reason == "wrong-shape"


def test_the_suite_runs_on_a_python_that_is_promised() -> None:
    """`requires-python` says 3.11 to 3.13, and `make test-pythons` runs them."""
    assert (3, 11) <= sys.version_info[:2] <= (3, 13)
