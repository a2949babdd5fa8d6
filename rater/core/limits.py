"""Every limit of the rater on the size or number of things, once.

The models, the step, the columns of the read model and the settings of the topics all take their limits from here, so
no two of them can disagree. What passes a limit is rejected with a reason (`rater.events.reasons`); it never ends a
worker. Sizes are in bytes where they say so, else in characters; all text with a pattern is ASCII.
"""

from __future__ import annotations

from typing import Final

KIB: Final = 1024

# What one record and what it does may measure.
RECORD_BYTES: Final = 64 * KIB
"""Key and value of a record of the log together."""
ROW_BYTES: Final = 512 * KIB
"""A row or an output: each fits one batch of every topic, and so every transaction fits the broker."""

# Texts.
ACCOUNT_ID: Final = 64
CALL_ID: Final = 255
SOURCE: Final = 64
