"""The streaming call rater: every call-ended event charged exactly once."""

__version__ = "0.1.0"
