"""The common call, read quickly: a subset of what the model `CallEnded` takes, with the same content.

What is not surely the model's reading is None, and read by the model (`rater.wire.parse`): values with a field twice,
times that are not in a canonical form, texts outside printable ASCII. The account is not looked at here: where there is
a row of it, it was looked at before, and for any other `is_account` tells.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Literal, get_args, get_origin

import msgspec

from rater.rating.instant import SECOND, Instant, instant
from rater.rating.limits import CALL_ID, LABEL, LABELS, PHONE_NUMBER
from rater.rating.units import AnsweredBy, Direction
from rater.wire.events import LONGEST_CALL, CallEnded
from rater.wire.fields import ACCOUNT_ID, LABEL_NAME

if TYPE_CHECKING:

    class CallWords(msgspec.Struct):
        """The fields of a call as they are written."""

        type: str
        account: str
        source: str
        call_id: str
        caller: str
        callee: str
        direction: Direction
        started_at: str
        ended_at: str
        disposition: str
        answered_at: str | None
        answered_by: AnsweredBy | None
        labels: dict[str, str] | None

else:

    def _field(name: str) -> tuple:
        """A field of the model: its literals as they are, all else as text, which is checked below."""
        field = CallEnded.model_fields[name]
        kinds = (field.annotation, *get_args(field.annotation))
        kind = next((one for one in kinds if get_origin(one) is Literal), dict[str, str] if name == "labels" else str)
        return (name, kind) if field.is_required() else (name, kind | None, None)

    CallWords = msgspec.defstruct(
        "CallWords",
        sorted(map(_field, CallEnded.model_fields), key=len),  # those with a default come last
        forbid_unknown_fields=True,
        frozen=True,
        gc=False,
    )

_decode = msgspec.json.Decoder(CallWords).decode

_QUOTES = 4 * len(CallEnded.model_fields.keys() - {"answered_by", "labels"})
"""Of a value with all other fields: two for each name and two for each text."""
_LONGEST = LONGEST_CALL.total_seconds() * SECOND

_CANONICAL = re.compile(
    r"(?:19[7-9][0-9]|2[0-9]{3})-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?"
    r"(?:Z|(?!-00:00)[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
).fullmatch
"""What `isoformat` writes, or `Z`: with milliseconds (read quickly), with microseconds, or without a fraction."""

_WITH_MILLIS = len("2026-11-01T08:00:00.123+08:00")

is_account = re.compile(ACCOUNT_ID.removesuffix("$").encode()).fullmatch
"""Whether a key is an account's id: `AccountId`, as bytes."""

_LABEL = re.compile(LABEL_NAME).fullmatch
_LABELLED = re.compile(rf"[ !#-\[\]-~]{{1,{LABEL}}}").fullmatch
"""Printable ASCII without quotes and backslashes; the model takes more."""
_SOURCE = re.compile(r"[!-~]{1,64}").fullmatch

_MILLIS = {f"{n:03d}": n * 1000 for n in range(1000)}
_SECONDS = {f"{n:02d}.": n * SECOND for n in range(60)}

MOST_MINUTES = 16_384
MOST_SOURCES = 4_096


CommonCall = tuple[CallWords, Instant, Instant | None, Instant, bool]
"""A call that was read quickly: its words; its start, answer and end; whether no text of it needs escaping in JSON."""


class CommonCallReader:
    """Reads common calls; it remembers the minutes and the sources that it has seen."""

    __slots__ = ("_minutes", "_sources")

    def __init__(self) -> None:
        self._minutes: dict[str, Instant] = {}
        self._sources: set[str] = set()

    def read(self, value: bytes) -> CommonCall | None:  # noqa: C901 - each function called here costs a tenth of it
        """The call in a record's value, as the model would read it; None where the model itself must."""
        try:
            words = _decode(value)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return None
        answered_at, quotes = words.answered_at, value.count(b'"')
        if answered_at is None:
            # Left out, or null: a name and no text.
            if quotes != _QUOTES - 4 and quotes != _QUOTES - 2 and not says_more(words, quotes, 4):
                return None
            if words.disposition == "answered":
                return None
        elif words.disposition != "answered" or (quotes != _QUOTES and not says_more(words, quotes, 0)):
            return None
        call_id, caller, callee = words.call_id, words.caller, words.callee
        if words.source not in self._sources and not self._new_source(words.source):
            return None
        texts = call_id + caller + callee
        if not (texts.isascii() and texts.isprintable() and " " not in call_id and 0 < len(call_id) <= CALL_ID):
            return None
        if len(caller) > PHONE_NUMBER or len(callee) > PHONE_NUMBER:
            return None
        text, end = words.started_at, words.ended_at
        minutes, answered = self._minutes, None
        # A minute that is known, and digits that are in the tables: nothing else can be in such a text.
        try:
            started = minutes[text[:17] + text[23:]] + _SECONDS[text[17:20]] + _MILLIS[text[20:23]]
            ended = minutes[end[:17] + end[23:]] + _SECONDS[end[17:20]] + _MILLIS[end[20:23]]
            if answered_at is not None:
                minute = minutes[answered_at[:17] + answered_at[23:]]
                answered = minute + _SECONDS[answered_at[17:20]] + _MILLIS[answered_at[20:23]]
        except KeyError:
            try:
                started, ended = self._instant(text), self._instant(end)
                answered = None if answered_at is None else self._instant(answered_at)
            except ValueError:
                return None
        if not started <= (started if answered is None else answered) <= ended or ended - started > _LONGEST:
            return None
        return words, started, answered, ended, b"\\" not in value

    def _new_source(self, source: str) -> bool:
        if _SOURCE(source) is None:
            return False
        if len(self._sources) >= MOST_SOURCES:
            self._sources.clear()
        self._sources.add(source)
        return True

    def _instant(self, text: str) -> Instant:
        """The instant of a time in canonical form; with milliseconds its minute is known from now on.

        Raises ValueError for any other.
        """
        if _CANONICAL(text) is None:
            raise ValueError(text)
        at = instant(datetime.fromisoformat(text))
        if text[19] == "." and text[23:24] in {"Z", "+", "-"}:
            if len(self._minutes) >= MOST_MINUTES:
                self._minutes.clear()
            minute = at - _SECONDS[text[17:20]] - _MILLIS[text[20:23]]
            self._minutes[text[:17] + text[23:]] = minute
        return at


def says_more(words: CallWords, quotes: int, less: int) -> bool:
    """Whether a value has the quotes of a call that says who answered it, or labels, and each of its fields once.

    `less`: so many quotes fewer than all other fields make. Of an unanswered call those without `answered_at`: null is
    two more, which a field that is said twice makes too.
    """
    if words.answered_by is not None:
        quotes -= 4
    if words.labels is not None:
        quotes -= 2 + 4 * len(words.labels)
        if len(words.labels) > LABELS or not all(
            _LABEL(name) and _LABELLED(text) for name, text in words.labels.items()
        ):
            return False
    said_by_nobody = words.answered_by is not None and words.answered_at is None
    return not said_by_nobody and _QUOTES - quotes == less


def started_text(words: CallWords) -> str:
    """The start as messages write it, like `datetime.isoformat`: microseconds, or none where there are none."""
    text = words.started_at
    zone = text[23:]
    if zone == "Z":
        zone = "+00:00"
    elif len(text) != _WITH_MILLIS:
        return datetime.fromisoformat(text).isoformat()
    return text[:19] + zone if text[20:23] == "000" else f"{text[:23]}000{zone}"
