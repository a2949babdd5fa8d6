"""What somebody should have been told, and could not be."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from rater.rating import limits
from rater.wire.fields import AccountId, Count, Instant, Message, StrictModel


class ToldMessage(StrictModel):
    """What a webhook gets: `data` is the message that it tells of, as it came."""

    id: Annotated[str, Field(max_length=400)]
    type: Literal["alert.raised", "period.closed", "record.rejected", "charge.created", "threshold.reached"]
    timestamp: Instant
    account: AccountId | None
    text: Annotated[str, Field(max_length=4000)]
    data: Annotated[dict[str, Any], Field(max_length=100)]


class UndeliveredMessage(Message):
    """A message that `rater notify` gave up for a target after so many attempts, and what went wrong with the last."""

    type: Literal["undelivered/1"]
    target: Annotated[str, Field(max_length=40)]
    attempts: Count
    wrong: Annotated[str, Field(max_length=limits.DETAIL)]
    message: ToldMessage
