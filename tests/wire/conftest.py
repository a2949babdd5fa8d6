"""A call as the switch writes it, for the tests of the contracts."""

from __future__ import annotations

import json
from typing import Any

import pytest


@pytest.fixture
def call() -> dict[str, Any]:
    """The call of contracts.md, as JSON."""
    return {
        "type": "call-ended/1",
        "account": "A000123",
        "source": "pbx-1",
        "call_id": "c-0000001",
        "caller": "+861012345678",
        "callee": "+861087654321",
        "direction": "outbound",
        "started_at": "2026-11-01T08:00:00.123+08:00",
        "answered_at": "2026-11-01T08:00:07.001+08:00",
        "ended_at": "2026-11-01T08:01:54.001+08:00",
        "disposition": "answered",
    }


@pytest.fixture
def call_bytes(call: dict[str, Any]) -> bytes:
    """The same as compact JSON, `type` first: what the fast path takes."""
    return json.dumps(call, separators=(",", ":")).encode()
