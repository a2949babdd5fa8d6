"""OpenSIPS and Kamailio: rows that their module acc writes of whole calls, as JSON or as CSV.

Source: OpenSIPS acc with `do_accounting("db", "cdr")` (time, duration, ms_duration, setuptime, created); Kamailio acc
with `cdr_enable` (start_time, end_time, duration) and rows of failed transactions (sip_code, time).
"""

from __future__ import annotations

from collections.abc import Mapping

from rater.switches.asterisk import row_of
from rater.switches.profile import Profile
from rater.switches.raw import PassedOver, RawCall, Unreadable
from rater.switches.record_text import flat, json_of, needed
from rater.switches.timed import together
from rater.switches.times import TimeRead, microseconds
from rater.wire.fields import Disposition

OPENSIPS: dict[int, tuple[str, ...]] = {
    12: ("id", "method", "from_tag", "to_tag", "callid", "sip_code", "sip_reason", "time",
         "duration", "ms_duration", "setuptime", "created"),
}  # fmt: skip
KAMAILIO: dict[int, tuple[str, ...]] = {4: ("id", "start_time", "end_time", "duration")}
NOT_ANSWERED: dict[str, Disposition] = {
    "408": "no-answer",
    "480": "no-answer",
    "486": "busy",
    "600": "busy",
    "487": "cancelled",
    "603": "failed",
}
"""SIP's final answer -> disposition; any other: it failed."""


def read_opensips(data: bytes, profile: Profile) -> RawCall:
    """A row of a call, or of an INVITE that failed. Raises `PassedOver` for other transactions, and `Unreadable`."""
    fields = _fields(data, profile, OPENSIPS)
    code = _invite(fields)
    time = profile.times.read(fields.get("time", ""), "time")
    if code >= "3":
        return _failed(fields, profile, time)
    talk = _duration(fields, "ms_duration", 1_000)
    talk = _duration(fields, "duration", 1_000_000) if talk is None else talk
    if talk is None or time is None:
        raise Unreadable("no-end", 'a row without a duration: account whole calls, do_accounting("db", "cdr")')
    setup = _duration(fields, "setuptime", 1_000_000) or 0
    return _answered(fields, profile, TimeRead(time.at - setup, ambiguous=time.ambiguous), time, talk)


def read_kamailio(data: bytes, profile: Profile) -> RawCall:
    """A row of a call, or of an INVITE that failed. Raises `PassedOver` for other transactions, and `Unreadable`."""
    fields = _fields(data, profile, KAMAILIO)
    if _invite(fields) >= "3":
        return _failed(fields, profile, profile.times.read(fields.get("time", ""), "time"))
    start = profile.times.read(fields.get("start_time", ""), "start_time")
    end = profile.times.read(fields.get("end_time", ""), "end_time")
    talk = _duration(fields, "duration", 1_000_000)
    if start is None or (end is None and talk is None):
        raise Unreadable("no-end", "a row without start_time and duration: account whole calls, cdr_enable=1")
    if talk is None and end is not None:
        talk = end.at - start.at
    return _answered(fields, profile, start, start, talk or 0)


def _fields(data: bytes, profile: Profile, layouts: Mapping[int, tuple[str, ...]]) -> Mapping[str, str]:
    return flat(json_of(data)) if data.lstrip()[:1] == b"{" else row_of(data, profile, layouts)


def _invite(fields: Mapping[str, str]) -> str:
    """The SIP code of an INVITE; a row that names no method is of a call."""
    if fields.get("method", "INVITE") != "INVITE":
        raise PassedOver("other-event")
    return fields.get("sip_code", "") or "200"


def _duration(fields: Mapping[str, str], name: str, unit: int) -> int | None:
    text = fields.get(name, "").strip()
    return microseconds(text, unit, name) if text else None


def _answered(fields: Mapping[str, str], profile: Profile, start: TimeRead, answer: TimeRead, talk: int) -> RawCall:
    times = together(start, answer, TimeRead(answer.at + talk), answered=True)
    ambiguous = start.ambiguous or answer.ambiguous
    return _call(fields, profile, "answered", (times.started, times.answered, times.ended), ambiguous=ambiguous)


def _failed(fields: Mapping[str, str], profile: Profile, time: TimeRead | None) -> RawCall:
    """A call that was not answered began and ended when its row was written."""
    if time is None:
        raise Unreadable("wrong-shape", "time: is missing or empty")
    disposition = NOT_ANSWERED.get(fields.get("sip_code", ""), "failed")
    return _call(fields, profile, disposition, (time.at, None, time.at), ambiguous=time.ambiguous)


def _call(
    fields: Mapping[str, str],
    profile: Profile,
    disposition: Disposition,
    times: tuple[int, int | None, int],
    *,
    ambiguous: bool,
) -> RawCall:
    words = profile.spec.fields
    started, answered, ended = times
    return RawCall(
        ident=needed(fields, "callid", "call_id", "id"),
        fields=fields,
        caller=fields.get(words.caller or "src_user", ""),
        callee=fields.get(words.callee or "dst_user", ""),
        started=started,
        answered=answered,
        ended=ended,
        disposition=disposition,
        ambiguous=ambiguous,
    )
