"""What holds for all tests."""

from __future__ import annotations

from hypothesis import settings

# How long an example takes says nothing here: tests run beside each other, on machines that others use too.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
