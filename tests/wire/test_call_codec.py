"""The quick reading of calls is the model's reading, or none: over mutated bytes, not well-formed events alone."""

from __future__ import annotations

import inspect
import os
import textwrap
from collections.abc import Callable
from random import Random

import orjson
import pytest

from rater.rating.instant import instant
from rater.rating.units import ANSWERED_BY
from rater.wire import call_codec
from rater.wire.call_codec import CallWords, CommonCall, CommonCallReader, is_account, started_text
from rater.wire.events import CallEnded
from rater.wire.parse import parse
from tests.support.logs import Event, call

MUTATIONS = int(os.environ.get("RATER_TEST_MUTATIONS", "300000"))

BASE: Event = {
    "type": "call-ended/1",
    "account": "A000123",
    "source": "pbx-1",
    "call_id": "c-1",
    "caller": "+86101",
    "callee": "+86102",
    "direction": "outbound",
    "started_at": "2026-11-01T08:00:00.123+08:00",
    "answered_at": "2026-11-01T08:00:07.001+08:00",
    "ended_at": "2026-11-01T08:01:54.001+08:00",
    "disposition": "answered",
}
IN_UTC = {
    "started_at": "2026-11-01T00:00:00.123Z",
    "answered_at": "2026-11-01T00:00:07.001Z",
    "ended_at": "2026-11-01T00:01:54.001Z",
}
"""As JavaScript writes times."""
TIME_FIELDS = ("started_at", "answered_at", "ended_at")
UNANSWERED = {name: value for name, value in BASE.items() if name != "answered_at"} | {"disposition": "busy"}
TIMES = (
    """
2026-11-01t08:00:00.000+08:00
2026-11-01T00:00:00.000z
2026-11-01 08:00:00.000+08:00
2026-11-01T08:00+08:00
2026-11-01T08:00:60.000+08:00
2026-11-01T24:00:00.000+08:00
2026-11-01T08:00:00.000+0800
2026-W44-7T08:00:00Z
2026-11-01T08:00:00,500+08:00
2026-11-01T08:00:00+08:00
2026-11-01T08:00:00.5+08:00
2026-11-01T08:00:00.123456+08:00
2026-11-01T08:00:00.1234560+08:00
2026-11-01T08:00:00.1234567+08:00
2026-11-01T07:59:59.9999999+08:00
2026-11-01T08:00:00.000+08:00:30
2026-11-01T08:00:00.000-00:00
2026-11-01T08:00:00.000+00:00
2026-11-01T00:00:00Z
2026-11-01T08:00:00.000+23:59
2026-11-01T08:00:00.000+24:00
2026-11-01T08:00:00.000+23:60
2026-11-01T08:00:00.000
2026-11-01T08:00:00.123Z
2026-11-01T08:00:00.1Z
2026-11-01T08:00:00.12Z
2026-11-01T08:00:00.123456Z
2026-11-01T08:00:00.123Z+
2026-11-01T08:00:00.123ZZ
2026-11-01T08:00:00.123Z08:00
2026-11-01T08:00:00Z08:00
1969-12-31T23:59:59.000Z
1970-01-01T00:00:00.000+08:00
2999-12-31T23:59:59.000+00:00
3000-01-01T00:00:00.000+00:00
2026-02-30T00:00:00.000+08:00
\uff12026-11-01T08:00:00.000+08:00
""".encode()
    .decode("unicode-escape")
    .split("\n")[1:-1]
)
TIMES += ["2026-11-01T08:00:00.000+08:00\n", "2026-11-01T08:00:00.000+08:00 "]
PIECES = rb"""\ " \u0041 Z t +0800 -00:00 .1234567 { } , null""".split()
PIECES += rb"""\" \/ "account":"A000123", "caller":5, "x":1, "answered_at":null, "\u0061ccount":"B",""".split()
PIECES += rb""" "answered_by":"fax", "answered_by":null, "answered_by":"person",""".split()
PIECES += rb""" "labels":{}, "labels":null, "labels":{"route":"x"}, "q":"1",""".split()
PIECES += [b"\x00", b"\xff", b"\xed\xa0\x80", b"\n", b" ", b"\x7f", b"\xc2\x85", b"\xe2\x80\x8b", "\u00c9".encode()]


def content(call: CallEnded) -> tuple[object, ...]:
    """All that the rest of the step looks at."""
    answered = None if call.answered_at is None else instant(call.answered_at)
    texts = (call.account, call.source, call.call_id, call.caller, call.callee, call.direction, call.disposition)
    return (
        *texts,
        call.answered_by,
        call.labels or {},
        instant(call.started_at),
        answered,
        instant(call.ended_at),
        call.started_at.isoformat(),
    )


def quick(found: CommonCall) -> tuple[object, ...]:
    words, started, answered, ended, as_is = found
    if as_is:
        assert all(
            sign not in text for sign in '"\\' for text in (words.source, words.call_id, words.caller, words.callee)
        )
    texts = (words.account, words.source, words.call_id, words.caller, words.callee, words.direction, words.disposition)
    return (*texts, words.answered_by, words.labels or {}, started, answered, ended, started_text(words))


def agree(reader: CommonCallReader, value: bytes) -> bool:
    """Whether the quick reading took the value; if so, the model reads the same. The account is the key's business."""
    found = reader.read(value)
    if found is None:
        return False
    model = parse(value)
    if is_account(found[0].account.encode()) is None:
        assert not isinstance(model, CallEnded), value
        return False  # no row has such a key
    assert isinstance(model, CallEnded), value
    assert quick(found) == content(model), value
    return True


def mutated(rng: Random, value: bytes) -> bytes:
    """One to three changes of bytes: one replaced, left out, put in, copied to another place; a digit for a digit."""
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        at = rng.randrange(len(value))
        change = rng.randrange(8)
        if change == 0:
            value = value[:at] + bytes([rng.randrange(256)]) + value[at + 1 :]
        elif change == 1:
            value = value[:at] + value[at + rng.randrange(1, 4) :]
        elif change == 2:
            value = value[:at] + rng.choice(PIECES) + value[at:]
        elif change == 3:
            end = at + rng.randrange(1, 40)
            to = rng.randrange(len(value))
            value = value[:to] + value[at:end] + value[to:]
        elif change > 4 and (digits := [n for n, sign in enumerate(value) if 48 <= sign < 58]):
            at = rng.choice(digits)
            value = value[:at] + b"%d" % rng.randrange(10) + value[at + 1 :]
        else:
            value = value[:at] + rng.choice(b'0123456789TZ+-:."').to_bytes(1, "big") + value[at + 1 :]
    return value or b"{}"


def fuzz(reader: CommonCallReader, count: int, seed: int = 1) -> int:
    """How many of so many mutated values the quick reading took."""
    rng = Random(seed)
    bases = [
        orjson.dumps(base)
        for base in (
            BASE,
            UNANSWERED,
            call("A", 1),
            call("A", 2, None),
            BASE | dict.fromkeys(TIME_FIELDS, "2026-11-01T08:00:00.123456+08:00"),
            BASE | dict.fromkeys(TIME_FIELDS, "2026-11-01T08:00:00Z"),
            BASE | IN_UTC,
            BASE | {"answered_by": "machine"},
            BASE | {"labels": {"route": "ct-2", "agent": "7"}, "answered_by": "person"},
            UNANSWERED | {"labels": {"route": "ct-2"}},
        )
    ]
    bases.append(orjson.dumps({**UNANSWERED, "answered_at": None}))
    return sum(agree(reader, mutated(rng, rng.choice(bases))) for _ in range(count))


def test_mutated_calls_are_read_alike() -> None:
    """What the quick reading takes the model takes, with the same content; and it takes enough to mean something."""
    assert fuzz(CommonCallReader(), MUTATIONS) > MUTATIONS // 20


def test_calls_as_switches_write_them_are_common() -> None:
    """Milliseconds or none; an offset or `Z`; answered or not; null or left out."""
    reader = CommonCallReader()
    for base in (
        BASE,
        BASE | IN_UTC,
        BASE | dict.fromkeys(TIME_FIELDS, "2026-11-01T08:00:00Z"),
        UNANSWERED,
        {**UNANSWERED, "answered_at": None},
        *(BASE | {"answered_by": by} for by in ANSWERED_BY),
        *(base | {"labels": labels} for base in (BASE, UNANSWERED) for labels in ({"route": "ct 2"}, {})),
    ):
        assert agree(reader, orjson.dumps(base))


@pytest.mark.parametrize("name", ["started_at", "answered_at", "ended_at"])
@pytest.mark.parametrize("text", TIMES)
def test_times_in_any_form(name: str, text: str) -> None:
    """Only the canonical form is read quickly; before and after such a minute is known."""
    reader = CommonCallReader()
    for value in (BASE | {name: text}, BASE | {"started_at": text, "answered_at": text, "ended_at": text}) * 2:
        agree(reader, orjson.dumps(value))


def test_it_has_the_fields_of_the_model() -> None:
    """A new field of `CallEnded` is one of it too, or every call would be read slowly."""
    assert set(CallWords.__struct_fields__) == set(CallEnded.model_fields)


READ = CommonCallReader.read
BUGS: dict[str, tuple[Callable[..., object], str, str]] = {
    "a field twice is read": (READ, "or (quotes != _QUOTES and not says_more(words, quotes, 0)):", ":"),
    "who answered may be said twice": (READ, "not says_more(words, quotes, 0)", "quotes < _QUOTES"),
    "labels may be said twice": (READ, "not says_more(words, quotes, 4)", "quotes < _QUOTES - 4"),
    "a field twice is read, unanswered": (READ, "quotes != _QUOTES - 4 and quotes != _QUOTES - 2", "False"),
    "any length is taken": (READ, " or ended - started > _LONGEST", ""),
    "any disposition has a time": (READ, 'words.disposition != "answered" or', ""),
    "answered needs no time": (READ, 'if words.disposition == "answered":', "if False:"),
    "any text is taken": (READ, "texts.isascii()", "True"),
    "control characters are taken": (READ, "and texts.isprintable()", ""),
    "call ids may be empty": (READ, "0 < len(call_id)", "0 <= len(call_id)"),
    "call ids may have spaces": (READ, 'and " " not in call_id', ""),
    "any offset is canonical": (CommonCallReader._instant, "_CANONICAL(text) is None", "False"),
    "any second is one": (READ, "_SECONDS[text[17:20]]", "_SECONDS.get(text[17:20], 0)"),
    "any answer is one": (READ, "_SECONDS[answered_at[17:20]]", "_SECONDS.get(answered_at[17:20], 7_000_000)"),
    "any number is short enough": (READ, "len(caller) > PHONE_NUMBER or ", ""),
}


@pytest.mark.parametrize("bug", BUGS)
def test_a_mistake_in_the_reader_is_caught(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each check of the reader is needed."""
    function, piece, instead = BUGS[bug]
    source = textwrap.dedent(inspect.getsource(function))
    assert source.count(piece) == 1, piece
    made: dict[str, Callable[..., object]] = {}
    exec(source.replace(piece, instead), vars(call_codec), made)  # noqa: S102
    monkeypatch.setattr(CommonCallReader, function.__name__, made[function.__name__])

    def all_of_it() -> None:
        reader = CommonCallReader()
        longer = {"ended_at": "2026-11-03T08:01:54.001+08:00"}
        for change in (
            longer,
            {"caller": "\u200b"},
            {"call_id": ""},
            {"call_id": "a b"},
            {"call_id": "\u00e9"},
            {"callee": "\x7f"},
            {"caller": "1" * 65},
        ):
            agree(reader, orjson.dumps(BASE | change))
        agree(reader, orjson.dumps(BASE | {"disposition": "busy"}))
        agree(reader, orjson.dumps(UNANSWERED | {"disposition": "answered"}))
        for offset in ("+08:00", "+09:00", "+24:00", "-00:00"):
            agree(reader, orjson.dumps(BASE))
            agree(reader, orjson.dumps(BASE | {"answered_at": "2026-11-01T08:00:61.001+08:00"}))
            agree(reader, orjson.dumps(BASE | dict.fromkeys(TIME_FIELDS, f"2026-11-01T08:00:00.000{offset}")))
        fuzz(reader, 40_000)

    with pytest.raises((AssertionError, KeyError, TypeError, ValueError)):
        all_of_it()
