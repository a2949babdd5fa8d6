"""Logs: lines or JSON, and no phone numbers in them."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import datetime

import pytest

from rater.app import logs

SPOKEN = "a call of +8613912345678 to 02887654321, at calls/3/1234567890, 1730000000.123, 2026-11-24T04:38:54.123456Z"


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level


@pytest.mark.parametrize("as_json", [False, True])
def test_numbers_of_phones_are_masked(capsys: pytest.CaptureFixture[str], as_json: bool) -> None:  # noqa: FBT001
    """In messages, in fields, and in the errors of libraries; places and times stay."""
    logs.set_up(as_json=as_json)
    logger = logging.getLogger("rater.test")
    logger.info(SPOKEN)
    number = SPOKEN.split()[3]
    try:
        datetime.fromisoformat(number)
    except ValueError:
        logger.exception("failed for %s", "8613912345678")
    said = capsys.readouterr().err
    assert "12345678" not in said.replace("1234567890", "")
    assert "************78" in said
    assert "02887654321" not in said
    assert "calls/3/1234567890" in said
    assert "2026-11-24T04:38:54.123456Z" in said
    assert "ValueError" in said
    if as_json:
        assert all(json.loads(line)["level"] in {"info", "error"} for line in said.splitlines())
