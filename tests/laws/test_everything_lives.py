"""Lives with all there is at once: plans of every kind, classes, labels, items, late books; against the model."""

from __future__ import annotations

import os

import pytest

from tests.laws.common import records, same
from tests.laws.lives import life_of_everything
from tests.laws.test_connected_lives import rates_agree
from tests.laws.test_lives import agrees

LIVES = int(os.environ.get("RATER_TEST_LIVES", "40"))


@pytest.mark.parametrize("seed", range(LIVES))
def test_a_life_comes_to_what_the_model_says(seed: int) -> None:
    """Each outcome, each period's total, and the connect rates of open periods."""
    told = life_of_everything(seed, 160)
    agrees(told)
    rates_agree(told)


def test_common_calls_change_nothing_of_it() -> None:
    """On and off, with spend and its forecasts."""
    assert sum(same(records(life_of_everything(seed)), seed)["common"] for seed in range(20)) > 100
