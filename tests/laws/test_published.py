"""What did not mean to change a byte did not."""

from __future__ import annotations

import pytest

from rater.processor import opening
from tests.laws.published import SEEDS, digests, known
from tests.support.mutate import plant


@pytest.mark.parametrize("seed", SEEDS)
def test_every_byte_that_a_life_publishes_is_the_one_it_was(seed: int) -> None:
    """Charges, closings, rejections with their texts, spend, alerts, rows and head (`tests/laws/published.py`)."""
    assert digests(seed) == known()[str(seed)]


def test_one_word_that_changes_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The digests cover the texts of rejections too."""
    plant(monkeypatch, opening.no_plan, "subscription has ended", "subscription had ended")
    assert any(digests(seed) != known()[str(seed)] for seed in SEEDS)
