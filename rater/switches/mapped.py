"""CSV and JSON of any switch, by what the profile says of its fields."""

from __future__ import annotations

from collections.abc import Mapping

from rater.switches.asterisk import DISPOSITIONS, row_of
from rater.switches.profile import Profile
from rater.switches.profile_words import DurationWords, FieldName, FieldNames, duration_of
from rater.switches.raw import RawCall, Unreadable
from rater.switches.record_text import flat, json_of, needed
from rater.switches.timed import together
from rater.switches.times import TimeRead, microseconds
from rater.wire.fields import Disposition

WORDS: dict[str, Disposition] = {word: word for word in ("answered", "no-answer", "busy", "failed", "cancelled")}


def read_csv(data: bytes, profile: Profile) -> RawCall:
    """A line of CSV. Raises `PassedOver` for an empty line or the header, and `Unreadable`."""
    return _call(row_of(data, profile, {}), profile)


def read_json(data: bytes, profile: Profile) -> RawCall:
    """A JSON object. Raises `Unreadable`."""
    return _call(flat(json_of(data)), profile)


def _call(fields: Mapping[str, str], profile: Profile) -> RawCall:
    words = profile.spec.fields
    answer, talk = _time(fields, words.answer, profile), _duration(fields, words.talk)
    disposition = _disposition(fields, profile, answered=answer is not None or bool(talk))
    found = together(
        _time(fields, words.start, profile),
        answer,
        _time(fields, words.end, profile),
        duration=_duration(fields, words.duration),
        talk=talk,
        answered=disposition == "answered",
    )
    return RawCall(
        ident=_identity(fields, words.id, words.start, profile),
        fields=fields,
        caller=fields.get(words.caller or "", ""),
        callee=fields.get(words.callee or "", ""),
        started=found.started,
        answered=found.answered,
        ended=found.ended,
        disposition=disposition,
        ambiguous=found.ambiguous,
    )


def _time(fields: Mapping[str, str], name: FieldName | None, profile: Profile) -> TimeRead | None:
    return None if name is None else profile.times.read(fields.get(name, "").strip(), name)


def _duration(fields: Mapping[str, str], said: FieldName | DurationWords | None) -> int | None:
    found = duration_of(said)
    text = "" if found is None else fields.get(found[0], "").strip()
    return microseconds(text, found[1], found[0]) if found is not None and text else None


def _disposition(fields: Mapping[str, str], profile: Profile, *, answered: bool) -> Disposition:
    """By its field; without one a call was answered that has an answer, or was talked in."""
    name = profile.spec.fields.disposition
    if name is None:
        return "answered" if answered else "no-answer"
    text = needed(fields, name)
    found = profile.disposition_of(text) or WORDS.get(text.lower()) or DISPOSITIONS.get(text.upper())
    if found is None:
        raise Unreadable("wrong-shape", f"{name}: none that is known; the profile may say it under dispositions")
    return found


def _identity(fields: Mapping[str, str], said: FieldNames | None, start: FieldName | None, profile: Profile) -> str:
    """The fields of the id; and the start, unless the profile says that ids are unique: many switches repeat them."""
    names = (said,) if isinstance(said, str) else said or ()
    parts = [needed(fields, name) for name in names]
    if not profile.spec.unique_ids and start is not None:
        parts.append("".join(sign for sign in needed(fields, start) if sign.isalnum()))
    return "/".join(parts)
