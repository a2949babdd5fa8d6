"""Simulated calls as switches write them, one function a format; the profiles of examples/switches read them.

None of this is the conversion's code: what a record says is written from the call, after the switch's documentation.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, Final, NamedTuple

import orjson

from rater.switches.profile_words import FormatName

SHANGHAI: Final = timezone(timedelta(hours=8))
"""The zone of the example profiles; it has had no change of clocks since 1991."""


class SimulatedCall(NamedTuple):
    """A call as the simulated switch has it; times are aware."""

    ident: str
    account: str
    caller: str
    callee: str
    inbound: bool
    started: datetime
    answered: datetime | None
    ended: datetime
    disposition: str
    other_leg_of: str = ""
    """The ident of the caller's leg, where this is the leg that the switch called."""

    @property
    def context(self) -> str:
        """Where the call came in."""
        return "from-trunk" if self.inbound else "from-internal"

    @property
    def whole(self) -> int:
        """Whole seconds from start to end."""
        return max(0, round((self.ended - self.started).total_seconds()))

    @property
    def talk(self) -> int:
        """Whole seconds of talk time."""
        return 0 if self.answered is None else round((self.ended - self.answered).total_seconds())


CAUSES = {
    "answered": "NORMAL_CLEARING",
    "no-answer": "NO_ANSWER",
    "busy": "USER_BUSY",
    "failed": "NORMAL_TEMPORARY_FAILURE",
    "cancelled": "ORIGINATOR_CANCEL",
}
ASTERISK = {
    "answered": "ANSWERED",
    "no-answer": "NO ANSWER",
    "busy": "BUSY",
    "failed": "FAILED",
    "cancelled": "NO ANSWER",
}
SIP = {"no-answer": "408", "busy": "486", "failed": "503", "cancelled": "487"}


def _us(when: datetime | None) -> str:
    return "0" if when is None else str(round(when.timestamp() * 1_000_000))


def _local(when: datetime | None) -> str:
    return "" if when is None else when.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")


def _row(values: list[object], delimiter: str = ",") -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="").writerow(values)
    return text.getvalue().encode()


def freeswitch_json(call: SimulatedCall) -> bytes:
    """A record of mod_json_cdr."""
    variables = {
        "uuid": call.ident,
        "direction": "outbound" if call.other_leg_of else "inbound",
        **_times(call),
        "hangup_cause": CAUSES[call.disposition],
        **({"accountcode": call.account} if call.account else {}),
        **({"originator": call.other_leg_of} if call.other_leg_of else {}),
    }
    profile = {"caller_id_number": call.caller, "destination_number": call.callee, "context": call.context}
    return orjson.dumps({"switchname": "sim", "variables": variables, "callflow": [{"caller_profile": profile}]})


def _times(call: SimulatedCall) -> dict[str, str]:
    named = (("start", call.started), ("answer", call.answered), ("end", call.ended))
    return {f"{name}_uepoch": _us(when) for name, when in named}


def freeswitch_event(call: SimulatedCall) -> bytes:
    """An event of mod_event_kafka."""
    words = {
        "Event-Name": "CHANNEL_HANGUP_COMPLETE",
        "Unique-ID": call.ident,
        "Call-Direction": "outbound" if call.other_leg_of else "inbound",
        "Hangup-Cause": CAUSES[call.disposition],
        "Caller-Caller-ID-Number": call.caller,
        "Caller-Destination-Number": call.callee,
        "Caller-Context": call.context,
        **{f"variable_{name}": text for name, text in _times(call).items()},
        **({"variable_accountcode": call.account} if call.account else {}),
        **({"Other-Leg-Unique-ID": call.other_leg_of} if call.other_leg_of else {}),
    }
    return orjson.dumps(words)


def asterisk_csv(call: SimulatedCall) -> bytes:
    """A line of Master.csv with uniqueid and userfield."""
    clid = f'"Agent {call.caller[-3:]}" <{call.caller}>'
    times = [_local(call.started), _local(call.answered), _local(call.ended)]
    dialled = ["SIP/out", "Dial", f"SIP/out/{call.callee},60"]
    named = [call.account, call.caller, call.callee, call.context, clid, f"SIP/sim-{call.ident}", *dialled]
    return _row([*named, *times, call.whole, call.talk, ASTERISK[call.disposition], "DOCUMENTATION", call.ident, ""])


def asterisk_json(call: SimulatedCall) -> bytes:
    """JSON with the columns of Master.csv, and a sequence."""
    return orjson.dumps({**_columns(call), "sequence": 1})


def _columns(call: SimulatedCall) -> dict[str, Any]:
    def offset(when: datetime | None) -> str | None:
        return None if when is None else when.astimezone(SHANGHAI).isoformat(timespec="seconds")

    return {
        "accountcode": call.account,
        "src": call.caller,
        "dst": call.callee,
        "dcontext": call.context,
        "channel": f"PJSIP/sim-{call.ident}",
        "uniqueid": call.ident,
        "disposition": ASTERISK[call.disposition],
        "start": offset(call.started),
        "answer": offset(call.answered),
        "end": offset(call.ended),
        "duration": call.whole,
        "billsec": call.talk,
    }


def asterisk_ami(call: SimulatedCall) -> bytes:
    """An event Cdr of the Manager Interface."""
    lines = {
        "Event": "Cdr",
        "AccountCode": call.account,
        "Source": call.caller,
        "Destination": call.callee,
        "DestinationContext": call.context,
        "Channel": f"SIP/sim-{call.ident}",
        "UniqueID": call.ident,
        "StartTime": _local(call.started),
        "AnswerTime": _local(call.answered),
        "EndTime": _local(call.ended),
        "Duration": call.whole,
        "BillableSeconds": call.talk,
        "Disposition": ASTERISK[call.disposition],
    }
    return "".join(f"{name}: {text}\r\n" for name, text in lines.items()).encode()


def opensips_acc(call: SimulatedCall) -> bytes:
    """A row of acc with the columns of the example profile."""
    code = "200" if call.answered else SIP[call.disposition]
    setup = 0 if call.answered is None else call.whole - call.talk
    talk: list[object] = [call.talk, call.talk * 1000, setup] if call.answered else ["", "", ""]
    row: list[object] = [1, "INVITE", "a", "b", call.ident, code, "", _local(call.answered or call.ended), *talk,
                         _local(call.started), call.account, call.caller, call.callee, call.context]  # fmt: skip
    return _row(row)


def kamailio_acc(call: SimulatedCall) -> bytes:
    """A row of cdrs, or of an INVITE that failed, as JSON."""
    words: dict[str, Any] = {"callid": call.ident, "src_user": call.caller, "dst_user": call.callee}
    words |= {"account": call.account, "context": call.context}
    if call.answered is None:
        words |= {"method": "INVITE", "sip_code": SIP[call.disposition], "time": _local(call.ended)}
    else:
        words |= {"start_time": _local(call.answered), "end_time": _local(call.ended), "duration": f"{call.talk}.000"}
    return orjson.dumps(words)


def mapped_csv(call: SimulatedCall) -> bytes:
    """A line of the example's own CSV."""
    words = {"answered": "OK", "no-answer": "RNA", "busy": "BUSY", "failed": "ERR", "cancelled": "cancelled"}
    begin = call.started.astimezone(SHANGHAI).strftime("%d/%m/%Y %H:%M:%S")
    way, result = ("in" if call.inbound else "out"), words[call.disposition]
    row: list[object] = [
        call.ident,
        call.account,
        call.caller,
        call.callee,
        way,
        begin,
        call.whole,
        call.talk * 1000,
        result,
    ]
    return _row(row, ";")


def mapped_json(call: SimulatedCall) -> bytes:
    """An object of the example's own JSON."""

    def ms(when: datetime) -> int:
        return round(when.timestamp() * 1000)

    words = {"call": {"id": call.ident, "from": call.caller, "to": call.callee}, "customer": call.account}
    times = {"begin": ms(call.started), "finish": ms(call.ended)}
    return orjson.dumps({**words, **times, **({} if call.answered is None else {"pickup": ms(call.answered)})})


def canonical(call: SimulatedCall) -> bytes:
    """A `call-ended` of the example's source."""
    words = {
        "type": "call-ended/1",
        "account": call.account,
        "source": "own-1",
        "call_id": call.ident,
        "caller": call.caller,
        "callee": call.callee,
        "direction": "inbound" if call.inbound else "outbound",
        "started_at": call.started.isoformat(),
        "ended_at": call.ended.isoformat(),
        "disposition": call.disposition,
    }
    return orjson.dumps({**words, **({} if call.answered is None else {"answered_at": call.answered.isoformat()})})


class RawFormat(NamedTuple):
    """How a simulated switch writes."""

    source: str
    """That the example's profile names."""
    write: Callable[[SimulatedCall], bytes]
    broken: str
    """The reason for which a record is rejected that is cut off in the middle."""
    legs: bool = False
    """Whether it writes a record of each leg."""
    exact: bool = True
    """Whether a call keeps its times to the millisecond."""
    ends: bytes = b"\n"
    """What stands behind a record in a file."""
    nobody: str = "no-account"
    """The reason for which a record is rejected that names no account."""


RAW_FORMATS: Final[Mapping[FormatName, RawFormat]] = {
    "freeswitch-json": RawFormat("fs-1", freeswitch_json, "not-json", legs=True),
    "freeswitch-event": RawFormat("fs-2", freeswitch_event, "not-json", legs=True),
    "asterisk-csv": RawFormat("ast-1", asterisk_csv, "wrong-shape", exact=False),
    "asterisk-json": RawFormat("ast-2", asterisk_json, "not-json", exact=False),
    "asterisk-ami": RawFormat("ast-3", asterisk_ami, "wrong-shape", exact=False, ends=b"\r\n\r\n"),
    "opensips-acc": RawFormat("sips-1", opensips_acc, "wrong-shape", exact=False),
    "kamailio-acc": RawFormat("kam-1", kamailio_acc, "not-json", exact=False),
    "csv": RawFormat("any-1", mapped_csv, "wrong-shape", exact=False),
    "json": RawFormat("any-2", mapped_json, "not-json"),
    "call-ended": RawFormat("own-1", canonical, "not-json", nobody="wrong-shape"),
}
