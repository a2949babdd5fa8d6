"""Rows put together by hand are the JSON that a library would write, and come back as they were."""

from __future__ import annotations

from decimal import Decimal

import orjson
from hypothesis import given
from hypothesis import strategies as st

from rater.processor.rows import (
    ROW_FORMAT,
    TABLES,
    USAGE,
    RememberedCall,
    decode_call,
    encode_call,
    labels_hash,
    quoted,
)
from rater.rating.names import PeriodName, PlanId
from rater.rating.units import ANSWERED_BY, OTHER
from rater.rating.usage import Segment, Usage
from tests.support.plans import counts

INSTANTS = st.integers(0, 2**55)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=128)
MONEY = st.decimals(-(10**12), 10**12, places=9)
CODEC = {table.name: table for table in TABLES}[USAGE]


@given(TEXTS)
def test_quoted_is_json(text: str) -> None:
    """Whatever the text, it is read back as it was, and is valid UTF-8."""
    assert orjson.loads(quoted(text).encode()) == text


@given(
    st.builds(
        RememberedCall,
        st.just("2026-11"),
        INSTANTS,
        st.none() | INSTANTS,
        INSTANTS,
        TEXTS.map(lambda _: "inbound"),
        st.sampled_from(["answered", "no-answer"]),
        TEXTS,
        TEXTS,
        st.booleans(),
        st.sampled_from([OTHER, "mobile", "false"]),
        st.sampled_from(ANSWERED_BY),
        st.dictionaries(st.sampled_from(["route", "agent"]), TEXTS).map(labels_hash),
    )
)
def test_a_call_comes_back_as_it_was(call: RememberedCall) -> None:
    """Numbers of any characters included."""
    assert decode_call(encode_call(call)) == call


@given(
    st.lists(
        st.builds(
            lambda days, at, plan, own, cost, *units: Segment(at, plan, own, counts(*units), cost, *days),
            st.just((0, 0, 0)) | st.tuples(st.integers(0, 31), st.integers(28, 31), INSTANTS),
            INSTANTS,
            st.just("p-1@2"),
            st.booleans(),
            MONEY,
            INSTANTS,
            INSTANTS,
            st.just(0) | INSTANTS,
        ),
        max_size=4,
    ),
    MONEY,
)
def test_usage_comes_back_as_it_was(segments: list[Segment], money: Decimal) -> None:
    """To the last decimal place, with any number of segments."""
    usage = Usage(PeriodName("2026-11-15"), 1, 2, tuple(segments), 7, money, -money, Decimal("0E-9"), 3, 2)
    again = CODEC.decode(CODEC.encode(usage))
    assert again == usage
    assert str(again.total) == str(usage.total)


def test_rows_are_encoded_as_their_format_says() -> None:
    """What is in people's changelogs: whoever changes these bytes raises ROW_FORMAT, or old rows are misread."""
    call = RememberedCall(PeriodName("2026-11"), 1, None, 3, "outbound", "busy", "+86\u00e9", 'a"b')
    segment = Segment(1, PlanId("p@1"), inline=True, counts=counts(60, 2), cost=Decimal("0.20"))
    usage = Usage(PeriodName("2026-11"), 1, 9, (segment,), 4, Decimal("0.20"), Decimal("0.00"), Decimal(0), 2, 1)
    assert ROW_FORMAT == 5
    assert encode_call(call).decode() == '["2026-11",1,null,3,"outbound","busy","+86\u00e9","a\\"b",false]'
    assert CODEC.encode(usage) == b'["2026-11",1,9,[[1,"p@1",1,60,2,"0.20"]],4,"0.20","0.00","0",2,1]'
