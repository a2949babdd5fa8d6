"""FreeSWITCH: mod_json_cdr (as JSON, or as it is posted in a form) and mod_event_kafka.

Source: mod_json_cdr.c and switch_ivr_generate_json_cdr (variables, callflow, times in microseconds), mod_event_kafka.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, unquote_to_bytes

from rater.switches.profile import Profile
from rater.switches.raw import Leg, PassedOver, RawCall, Unreadable
from rater.switches.record_text import flat, json_of, needed
from rater.switches.timed import together
from rater.switches.times import TimeRead, microseconds
from rater.wire.fields import Disposition

HANGUP = "CHANNEL_HANGUP_COMPLETE"
"""The event that has everything of a call."""
CAUSES: dict[str, Disposition] = {
    "USER_BUSY": "busy",
    "NO_ANSWER": "no-answer",
    "NO_USER_RESPONSE": "no-answer",
    "ALLOTTED_TIMEOUT": "no-answer",
    "PROGRESS_TIMEOUT": "no-answer",
    "NORMAL_CLEARING": "no-answer",
    "ORIGINATOR_CANCEL": "cancelled",
    "LOSE_RACE": "cancelled",
    "PICKED_OFF": "cancelled",
}
"""What the hang-up cause of a call that was not answered means; any other: it failed."""


def read_json(data: bytes, profile: Profile) -> RawCall:
    """A record of mod_json_cdr. Raises `Unreadable`."""
    words = json_of(_posted(data))
    variables = words.get("variables")
    if not isinstance(variables, dict):
        raise Unreadable("wrong-shape", "variables: is missing; is this a record of mod_json_cdr?")
    named = {str(name): unquote(str(value)) for name, value in variables.items() if not isinstance(value, dict | list)}
    flow = words.get("callflow")
    latest = flow[0] if isinstance(flow, list) and flow and isinstance(flow[0], dict) else {}
    caller = {name: unquote(text) for name, text in flat(_object(latest, "caller_profile")).items()}
    times = {f"times.{name}": text for name, text in flat(_object(latest, "times")).items()}
    return _call({**caller, **times, **named}, profile, ("uuid",))


def _object(words: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = words.get(name)
    return found if isinstance(found, dict) else {}


def _posted(data: bytes) -> bytes:
    """The JSON in what mod_json_cdr posts: `cdr=` and the JSON, encoded for URLs or in base64; or the JSON alone."""
    body = data.strip()
    if not body.startswith(b"cdr="):
        return body
    posted = unquote_to_bytes(body[4:].partition(b"&")[0])
    if posted[:1] == b"{":
        return posted
    try:
        return b64decode(posted, validate=True)
    except binascii.Error as error:
        raise Unreadable("not-json", "cdr: neither JSON nor base64") from error


def read_event(data: bytes, profile: Profile) -> RawCall:
    """An event of mod_event_kafka. Raises `PassedOver` for events other than the last of a call, and `Unreadable`."""
    fields = flat(json_of(data))
    if fields.get("Event-Name", HANGUP) != HANGUP:
        raise PassedOver("other-event")
    named = {name.removeprefix("variable_"): text for name, text in fields.items()}
    spoken = {
        "caller_id_number": fields.get("Caller-Caller-ID-Number", ""),
        "destination_number": fields.get("Caller-Destination-Number", ""),
        "context": fields.get("Caller-Context", ""),
        "direction": fields.get("Call-Direction", ""),
        "hangup_cause": fields.get("Hangup-Cause", ""),
        "times.created_time": fields.get("Caller-Channel-Created-Time", ""),
        "times.answered_time": fields.get("Caller-Channel-Answered-Time", ""),
        "times.hangup_time": fields.get("Caller-Channel-Hangup-Time", ""),
    }
    return _call({**spoken, **named}, profile, ("Unique-ID", "uuid"))


def _call(fields: Mapping[str, str], profile: Profile, ids: tuple[str, ...]) -> RawCall:
    words = profile.spec.fields
    answer = _time(fields, "answer", "times.answered_time")
    times = together(
        _time(fields, "start", "times.created_time"),
        answer,
        _time(fields, "end", "times.hangup_time"),
        answered=answer is not None,
    )
    return RawCall(
        ident=needed(fields, *ids),
        fields=fields,
        caller=_number(fields, words.caller, "caller_id_number", "sip_from_user"),
        callee=_number(fields, words.callee, "destination_number", "sip_to_user"),
        started=times.started,
        answered=times.answered,
        ended=times.ended,
        disposition="answered" if answer else CAUSES.get(fields.get("hangup_cause", ""), "failed"),
        leg=_leg(fields),
    )


def _number(fields: Mapping[str, str], told: str | None, *names: str) -> str:
    return next((text for name in ((told,) if told else names) if (text := fields.get(name, ""))), "")


def _time(fields: Mapping[str, str], name: str, flow: str) -> TimeRead | None:
    """In microseconds where the switch gives them, else in seconds; `0` is never."""
    for field, unit in ((f"{name}_uepoch", 1), (flow, 1), (f"{name}_epoch", 1_000_000)):
        if text := fields.get(field, ""):
            at = microseconds(text, unit, field)
            return TimeRead(at) if at else None
    return None


def _leg(fields: Mapping[str, str]) -> Leg:
    """A channel that the switch opened on behalf of another one is the leg that it called."""
    of_another = any(fields.get(name) for name in ("originator", "originating_leg_uuid", "Other-Leg-Unique-ID"))
    return "terminating" if fields.get("direction") == "outbound" and of_another else "originating"
