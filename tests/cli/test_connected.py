"""What `rater explain` says of a call that was answered and is not connected under its plan."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.command import Rater
from tests.support.logs import book, call, published, subscribed

PLAN = {"minutes": {"rate": "0.10"}, "connected": {"min_talk": 6, "answered_by": ["person", "unknown"]}}


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", "not connected: free (answered by a machine)"), ("zh", "未接通：免费（由语音信箱应答）")],
)
def test_explain_says_why_a_call_is_free(rater: Rater, language: str, said: str) -> None:
    """By rate and explain, as a stranger types them."""
    events = [published(book({"p": PLAN})), subscribed("A", "p"), call("A", 1, 60, answered_by="machine")]
    Path("log.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
    rater("rate", "log.jsonl", "--out", "charges.jsonl")
    told = rater("explain", "A:2026-11:1", "--charges", "charges.jsonl", "--language", language).stdout
    assert said in told
