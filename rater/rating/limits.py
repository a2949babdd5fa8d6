"""Every limit of the rater on the size or number of things, once.

The models, the step, the columns of the read model and the settings of the topics all take their limits from here, so
no two of them can disagree. What passes a limit is rejected with a reason (`rater.wire.reasons`); it never ends a
worker. Sizes are in bytes where they say so, else in characters; all text with a pattern is ASCII.
"""

from __future__ import annotations

from typing import Final

KIB: Final = 1024

# What one record and what it does may measure.
RECORD_BYTES: Final = 64 * KIB
"""Key and value of a record of the log together."""
RAW_BYTES: Final = 256 * KIB
"""A record as a switch writes it, before the intake makes a call of it."""
BOOK_BYTES: Final = 448 * KIB
"""A record with a tariff book, which alone may be larger: with its classes it still fits a row and an output."""
ROW_BYTES: Final = 512 * KIB
"""A row or an output: each fits one batch of every topic, and so every transaction fits the broker."""

# Texts.
ACCOUNT_ID: Final = 64
CALL_ID: Final = 255
SOURCE: Final = 64
PERIOD_NAME: Final = 10
VERSIONED_PLAN_ID: Final = 74
"""A plan's id, `@` and a version of up to nine digits."""
CHARGE_ID: Final = 96
"""account:period:seq, the seq of up to 20 digits."""
ALERT_ID: Final = 160
"""account:period:mark."""
PHONE_NUMBER: Final = 64
"""A caller or callee, as the switch writes it."""
LABEL: Final = 64
"""The text of a label."""
LABELS: Final = 8
"""Labels of a call."""
NOTE: Final = 500
"""A reason that a person gives."""
DETAIL: Final = 500
"""Why a record was rejected, in a line."""

# What an account may have.
CHANGES_PER_PERIOD: Final = 100
"""Subscriptions that start in one period: each can be a segment with meters of its own."""
CHANGES: Final = 400
"""Subscriptions of an account whose periods are not forgotten yet."""
CALLS_RERATED: Final = 1_000_000
"""Charges of a period whose calls one late subscription may have looked at again."""

# What a message may have.
LINES: Final = 200
"""Lines of a charge; where there would be more, there is one line a meter, without a rate."""
READ_LINES: Final = 1_000
"""Lines of a charge, and segments of a closed period, that a reader takes: earlier versions wrote more than we do."""

# What one tick may do.
TICK_CHANGES: Final = 10_000
"""Row changes of a tick that does not say how many it may make."""

# What is remembered.
MIN_REMEMBER_DAYS: Final = 31
"""Days that calls are remembered after their period closes, at least: longer than any two calendars can differ."""
AHEAD_DAYS: Final = 400
"""Days that an event without a timestamp, or an operator's tick, may be ahead of all before it."""

# Files.
LINE_BYTES: Final = 4 * 1024 * 1024
"""A line of a log file: a record of Kafka's largest size in base64 fits well."""
SORTED_BYTES: Final = 1024 * 1024 * 1024
"""An exported log whose lines are out of order is sorted in memory up to this size."""
PARTITIONS: Final = 1000
"""Partitions of a log (N)."""
