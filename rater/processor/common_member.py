"""The member `call` of the charge of a common call that has more to say than most (`rater.processor.common_call`)."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from rater.rating.book import Connected
from rater.rating.units import UNKNOWN
from rater.wire.call_codec import CallWords, started_text
from rater.wire.result_codec import CallMember


def other_member(
    words: CallWords,
    meaning: Connected | None,
    is_connected: bool,  # noqa: FBT001 - in the order of the members
    talk: int,
    billed: int,
    call_class: str | UnsetType,
) -> CallMember:
    """The member of a call with a class, with who answered it, or under a plan's own meaning of connected."""
    by = words.answered_by or UNKNOWN
    why_not = None
    if meaning is not None and words.answered_at is not None and not is_connected:
        why_not = meaning.why_not(talk, by)
    return CallMember(
        *(words.source, words.call_id, started_text(words), words.direction, is_connected, talk, billed),
        call_class=call_class,
        answered_by=UNSET if by == UNKNOWN else by,
        not_connected=UNSET if why_not is None else why_not,
        labels=dict(sorted(words.labels.items())) if words.labels else UNSET,
    )
