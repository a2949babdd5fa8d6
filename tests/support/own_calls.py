"""Calls that their switch, own-1, says as the rater does (examples/switches/call-ended)."""

from __future__ import annotations

import json


def call(number: int, account: str = "new") -> bytes:
    """`call-ended/1` of 55 s of talk, as JSON."""
    words = {
        "type": "call-ended/1",
        "account": account,
        "source": "own-1",
        "call_id": f"c-{number}",
        "caller": "100",
        "callee": "200",
        "direction": "outbound",
        "disposition": "answered",
        "started_at": "2026-11-02T08:00:00Z",
        "answered_at": "2026-11-02T08:00:05Z",
        "ended_at": "2026-11-02T08:01:00Z",
    }
    return json.dumps(words).encode()
