"""Questions to brokers of which one may be gone."""

from __future__ import annotations

import pytest
from aiokafka.errors import KafkaConnectionError, NodeNotReadyError, TopicAuthorizationFailedError

from rater.stream import admin


async def test_a_broker_that_is_gone_is_no_answer() -> None:
    """The question is asked again until a broker is there that answers it."""
    gone: list[Exception] = [NodeNotReadyError("1"), KafkaConnectionError("2")]

    async def ask() -> str:
        if gone:
            raise gone.pop()
        return "answer"

    assert await admin._answer(ask) == "answer"
    assert gone == []


async def test_a_refusal_is_an_answer() -> None:
    """What asking again would not mend is told at once."""
    asked = []

    async def ask() -> str:
        asked.append(1)
        raise TopicAuthorizationFailedError("calls")

    with pytest.raises(TopicAuthorizationFailedError):
        await admin._answer(ask)
    assert len(asked) == 1


async def test_nobody_is_asked_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """When no broker answers in time, the last error is told."""
    monkeypatch.setattr(admin, "ASKED_FOR", 0.0)

    async def ask() -> str:
        raise NodeNotReadyError("1")

    with pytest.raises(NodeNotReadyError):
        await admin._answer(ask)
