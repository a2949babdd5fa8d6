"""What people did about a rejected record, for whoever lists them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rater.wire.fields import Instant, Message, Note

RecordPlace = Annotated[str, Field(pattern=r"^[^/]+/[0-9]+/[0-9]+$", max_length=320)]
"""Topic, partition and offset of a record: `calls/3/10482`."""
Actor = Annotated[str, Field(pattern=r"^[!-~]([ -~]{0,62}[!-~])?$", max_length=64)]
"""Who did it: the name of a token, or of a user."""
Action = Literal["redriven", "dropped"]


class RejectionResolved(Message):
    """A rejected record was sent again, to the place `to`, or dropped for a `reason`.

    `first` is the place of the record's first rejection, under which it is one item however often it is rejected;
    `rejection` is where the rejection stands that this resolves. The latest one of an item holds.
    """

    type: Literal["rejection-resolved/1"]
    first: RecordPlace
    rejection: RecordPlace
    action: Action
    at: Instant
    actor: Actor
    to: RecordPlace | None = None
    reason: Note | None = None
