"""Patterns of a profile: RE2, which reads each text once whatever the pattern, so that none makes the intake slow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import re2

LONGEST = 500
"""Characters of a pattern."""
_MEMORY = 1 << 20
"""Bytes that a compiled pattern may take."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled pattern and the group of it that is wanted (0: all that matched)."""

    compiled: Any
    group: int

    def find(self, text: str) -> str | None:
        """What the group matched, anywhere in the text; None where nothing did."""
        found = self.compiled.search(text)
        return None if found is None else found.group(self.group)


def compiled(pattern: str, group: int | None) -> Pattern:
    """The pattern; without a group said, its first one, or all of it where it has none.

    Raises ValueError with what is wrong: backward references and looking around are not in RE2.
    """
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MEMORY
    try:
        made = re2.compile(pattern, options)
    except re2.error as error:
        why = error.args[0]
        text = why.decode(errors="replace") if isinstance(why, bytes) else str(why)
        raise ValueError(f"no pattern of RE2: {text}") from error
    wanted = min(1, made.groups) if group is None else group
    if wanted > made.groups:
        raise ValueError(f"the pattern has {made.groups} groups, and no group {wanted}")
    return Pattern(made, wanted)
