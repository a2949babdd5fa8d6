"""The structs that are written have their models' members, in the models' JSON."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from rater.wire import result_codec as codec
from rater.wire.charge_line import ChargeLine
from rater.wire.results import Charge, ConnectRate, Forecast, RatedCall, Spend


@pytest.mark.parametrize(
    ("struct", "model"),
    [
        (codec.CallMember, RatedCall),
        (codec.LineMember, ChargeLine),
        (codec.ChargeMessage, Charge),
        (codec.SpendMessage, Spend),
        (codec.ForecastMember, Forecast),
        (codec.ConnectRateMember, ConnectRate),
    ],
)
def test_a_struct_has_the_members_of_its_model(struct: Any, model: type[BaseModel]) -> None:
    """A member that is new in one of them is new in the other."""
    assert set(struct.__struct_fields__) == set(model.model_fields) - {"type"}


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_texts_are_written_as_ever(text: str) -> None:
    """Bytes of messages stay: the audit compares them with those of earlier versions."""
    assert codec.encode(text) == orjson.dumps(text)
