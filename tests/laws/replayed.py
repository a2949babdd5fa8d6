"""Rates an exported log from its input and writes a digest of all that came out: `python -m tests.laws.replayed`.

The name of a bug as an argument plants it first.
"""

from __future__ import annotations

import sys
from hashlib import sha256

import pytest

from rater.tools.log_file import read_log
from rater.tools.rate_file import rate_lines
from tests.laws import planted


def digest(log: bytes) -> str:
    """A digest of the outputs of an exported log, to the last header."""
    found = sha256()
    rating = rate_lines(
        read_log(log.splitlines).lines, book=None, bare=False, take=lambda output: found.update(repr(output).encode())
    )
    found.update(repr(rating.outcomes).encode())
    return found.hexdigest()


if __name__ == "__main__":
    with pytest.MonkeyPatch.context() as patch:
        for name in sys.argv[1:]:
            getattr(planted, name)(patch)
        sys.stdout.write(digest(sys.stdin.buffer.read()))
