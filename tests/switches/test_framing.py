"""Where the records of a file begin and end."""

from __future__ import annotations

import io

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rater.rating.limits import RAW_BYTES
from rater.switches.formats import Framing
from rater.switches.framing import frames


def split(data: bytes, framing: Framing, delimiter: str = ",") -> list[bytes]:
    return [one.data for one in frames(io.BytesIO(data), framing, delimiter=delimiter)]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"a,b\r\nc,d\r\n\r\ne,f", [b"a,b", b"c,d", b"e,f"]),
        (b'a,"b\nc"\nd,e\n', [b'a,"b\nc"', b"d,e"]),
        (b'a,"say ""hi""\nthere"\nd,e\n', [b'a,"say ""hi""\nthere"', b"d,e"]),
        (b'a,5" pipe\nd,e\n', [b'a,5" pipe', b"d,e"]),  # a quote within a field opens none
        (b'{"a": 1}\n{"a": 2}\n', [b'{"a": 1}', b'{"a": 2}']),
        (b'a,"cut off\n"c",d\ne,f\n', [b'a,"cut off', b'"c",d', b"e,f"]),
    ],
)
def test_lines_of_csv(data: bytes, expected: list[bytes]) -> None:
    """Two columns a line; one that is cut off within quotes takes no other with it."""
    assert [one.data for one in frames(io.BytesIO(data), "csv", columns=(2,))] == expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'{"a":1}\n\n{"a":2}\n', [b'{"a":1}', b'{"a":2}']),
        (b'{\n "a": {\n  "b": 1\n }\n}\n{"c": 2}\n', [b'{\n "a": {\n  "b": 1\n }\n}', b'{"c": 2}']),
        (b'[{"a": 1},\n {"b": "}"}]', [b'{"a":1}', b'{"b":"}"}']),
        (b'{"a": "{"}\n{"b": 1}\n', [b'{"a": "{"}', b'{"b": 1}']),
        (b'{"a": \n{"b": 1}\n', [b'{"a":', b'{"b": 1}']),  # a line that was cut off takes no other with it
        (b'{"a": 1,\n{"a": 2,\n{"a": 3}\n', [b'{"a": 1,', b'{"a": 2,', b'{"a": 3}']),
        (b"rubbish\n{}\n", [b"rubbish", b"{}"]),
        (b"cdr=%7B%7D\ncdr=%7B%7D\n", [b"cdr=%7B%7D", b"cdr=%7B%7D"]),
        (b"", []),
    ],
)
def test_json(data: bytes, expected: list[bytes]) -> None:
    assert split(data, "json") == expected


def test_blocks() -> None:
    assert split(b"\nEvent: Cdr\r\nA: 1\r\n\r\n\r\nEvent: Cdr\r\nA: 2", "blocks") == [
        b"Event: Cdr\r\nA: 1\r\n",
        b"Event: Cdr\r\nA: 2",
    ]


@pytest.mark.parametrize("framing", ["csv", "json"])
def test_a_line_without_end_costs_what_a_record_may_have(framing: Framing) -> None:
    first, second = split(b"x" * (4 * RAW_BYTES) + b"\ny\n", framing)
    assert RAW_BYTES < len(first) <= RAW_BYTES + 2
    assert second == b"y"


@given(
    st.lists(
        st.dictionaries(st.text(max_size=5), st.text(max_size=9) | st.integers(-(2**63), 2**63), max_size=3), max_size=6
    ),
    st.booleans(),
)
def test_every_object_is_one_record(objects: list[dict[str, object]], pretty: bool) -> None:  # noqa: FBT001
    option = orjson.OPT_INDENT_2 if pretty else 0
    data = b"".join(orjson.dumps(one, option=option) + b"\n" for one in objects)
    assert [orjson.loads(one) for one in split(data, "json")] == objects


@given(st.lists(st.sampled_from([b"a,b\n", b'"x\ny",1\n', b'"q""q",2\n', b"\n"]), max_size=12), st.integers(0, 3))
def test_it_goes_on_from_any_place(parts: list[bytes], at: int) -> None:
    """From the end of any record on come the records that come behind it."""
    data = b"".join(parts)
    whole = list(frames(io.BytesIO(data), "csv"))
    if at < len(whole):
        end = whole[at].end
        rest = list(frames(io.BytesIO(data[end:]), "csv", start=end))
        assert rest == whole[at + 1 :]
