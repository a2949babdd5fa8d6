"""Trying a target out."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

from rater.notify.messages import Notification
from rater.notify.notify_file import TargetWords
from rater.notify.senders import sender_of


async def try_out(target: TargetWords) -> str | None:
    """Send a message that says that it is a test; what went wrong, or None."""
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    data = {"kind": "spend", "name": "test", "period": at[:7], "total": "0", "limit": "0", "currency": "TEST"}
    async with sender_of(target) as sender:
        return (await sender.send(Notification(f"test:{uuid4()}", "threshold.reached", at, "TEST", data))).wrong
