"""Planting a bug as somebody would write it: a piece of a function's source replaced, wherever the function is used."""

from __future__ import annotations

import inspect
import sys
import textwrap
from collections.abc import Callable
from typing import Any

import pytest


def plant(patch: pytest.MonkeyPatch, function: Callable[..., Any], piece: str, bug: str) -> None:
    """Replace `piece` in the function by `bug`; it must stand there exactly once."""
    source = textwrap.dedent(inspect.getsource(function))
    assert source.count(piece) == 1, f"{piece!r} stands {source.count(piece)} times in {function.__qualname__}"
    module = sys.modules[function.__module__]
    made: dict[str, Any] = {}
    exec(compile(source.replace(piece, bug), inspect.getfile(function), "exec"), vars(module), made)  # noqa: S102
    for known in list(sys.modules.values()):
        if getattr(known, "__name__", "").startswith("rater.") and vars(known).get(function.__name__) is function:
            patch.setattr(known, function.__name__, made[function.__name__])
