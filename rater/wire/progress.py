"""How far the log is rated, for whoever follows it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rater.wire.fields import Count, Message
from rater.wire.tariff_book import CLOSED

OutcomeName = Annotated[str, Field(pattern=r"^[a-z]+(:[a-z-]+)?$", max_length=64)]
"""What became of a record: `charged`, `rejected:wrong-shape`."""


class Progress(Message):
    """Up to where a partition of the log is rated: the offset of the first record that is not, and how many records
    had each outcome since the log's start. The latest one holds."""

    type: Literal["progress/1"]
    partition: Count
    next_offset: Count
    outcomes: Annotated[dict[OutcomeName, Count], Field(max_length=100, json_schema_extra=CLOSED)]
