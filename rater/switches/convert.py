"""THE conversion: a record of a switch and its profile -> a call, a reason to skip it, or a reason for rejecting it.

The intake, `rater import`, the door and `rater switches try` call `convert`. It is pure, and no bytes make it raise.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any, NamedTuple
from urllib.parse import quote

import orjson
from pydantic import ValidationError

from rater.rating.instant import instant
from rater.rating.limits import CALL_ID, RAW_BYTES
from rater.switches.formats import FORMATS
from rater.switches.profile import Profile
from rater.switches.raw import Leg, NotACall, PassedOver, RawCall, Skipped, Unreadable
from rater.switches.times import moment_of
from rater.wire.events import CallEnded
from rater.wire.parse import Invalid, parse, refusal

PRINTABLE_ASCII = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) != "%")
FINGERPRINT = 8
"""Bytes."""


class Converted(NamedTuple):
    """A call that a record says."""

    call: CallEnded
    value: bytes
    """`call-ended/1` as JSON."""
    fingerprint: bytes
    """Of what the switch says, whatever the profile: times, numbers as written, disposition."""
    ambiguous: bool = False
    """Whether a local time of it did not exist, or existed twice."""


Conversion = Converted | Skipped | NotACall


def convert(profile: Profile, data: bytes | None) -> Conversion:
    """What a record of the profile's switch is. Raises nothing but MemoryError."""
    try:
        if not data:
            return NotACall("not-json", "the record has no value")
        if len(data) > RAW_BYTES:
            return NotACall("record-too-large", f"a record of a switch has at most {RAW_BYTES // 1024} KiB")
        if profile.spec.format == "call-ended":
            return _canonical(profile, data)
        return _read(profile, data)
    except Unreadable as why:
        return NotACall(why.reason, why.detail)
    except PassedOver as why:
        return Skipped(why.reason)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - a record that a format fails on must not stop the intake
        return NotACall("internal-error", f"{type(error).__name__} in the format {profile.spec.format}")


def _canonical(profile: Profile, data: bytes) -> Conversion:
    """An event that is a call already: of this source, and of nothing else."""
    event = parse(data)
    if isinstance(event, Invalid):
        return NotACall(event.reason, event.detail)
    if not isinstance(event, CallEnded):
        return NotACall("unknown-type", "a switch says calls (call-ended/1), and nothing else")
    if event.source != profile.source:
        return NotACall("wrong-source", "the call's source is not the one of its profile")
    said = (instant(event.started_at), event.answered_at and instant(event.answered_at), instant(event.ended_at))
    mark = _fingerprint(*said, event.disposition, event.caller, event.callee)
    return Converted(event, event.to_json(), mark)


def _read(profile: Profile, data: bytes) -> Conversion:
    raw = FORMATS[profile.spec.format].read(data, profile)
    if any(rule.find(raw.fields) is not None for rule in profile.skip):
        return Skipped("by-profile")
    account = profile.account_of(raw.fields)
    if not _billed(profile.spec.legs.bill, raw.leg, account):
        return Skipped("other-leg")
    if account is None:
        return NotACall("no-account", "no rule of the profile finds an account in the record")
    return _call(profile, raw, account)


def _billed(bill: str, leg: Leg | None, account: str | None) -> bool:
    """Whether the record is of a leg that is billed; where the switch knows no legs it is."""
    if leg is None or bill == "all":
        return True
    if bill == "with-account":
        return account is not None or leg == "originating"
    return bill == leg


def _call(profile: Profile, raw: RawCall, account: str) -> Conversion:
    direction = profile.direction_of(raw.fields)
    if direction is None:
        return NotACall("no-direction", "no field that the profile names says the direction of the call")
    words: dict[str, Any] = {
        "type": "call-ended/1",
        "account": account,
        "source": profile.source,
        "call_id": call_id_of(raw.ident),
        "caller": profile.number(raw.caller.strip()),
        "callee": profile.number(raw.callee.strip()),
        "direction": direction,
        "started_at": moment_of(raw.started),
        "ended_at": moment_of(raw.ended),
        "disposition": raw.disposition,
    }
    if raw.answered is not None:
        words["answered_at"] = moment_of(raw.answered)
    labels = {name: found for name, rule in profile.labels.items() if (found := rule.find(raw.fields)) is not None}
    if labels:
        words["labels"] = labels
    try:
        call = CallEnded.model_validate_json(_json(words))
    except ValidationError as error:
        invalid = refusal(CallEnded, error.errors(include_url=False))
        return NotACall(invalid.reason, invalid.detail)
    mark = _fingerprint(raw.started, raw.answered, raw.ended, raw.disposition, raw.caller, raw.callee)
    return Converted(call, call.to_json(), mark, raw.ambiguous)


def _json(words: dict[str, Any]) -> bytes:
    return orjson.dumps(words)


def call_id_of(ident: str) -> str:
    """A switch's id of a call as `call_id` takes it: signs it does not take are escaped, a long one ends in a hash."""
    plain = quote(ident, PRINTABLE_ASCII)
    if len(plain) <= CALL_ID:
        return plain
    return f"{plain[: CALL_ID - 33]}-{blake2b(plain.encode(), digest_size=16).hexdigest()}"


def _fingerprint(*said: object) -> bytes:
    return blake2b(repr(said).encode(errors="backslashreplace"), digest_size=FINGERPRINT).digest()
