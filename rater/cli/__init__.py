"""One command, `rater`, with verbs: a file a verb. Heavy libraries are imported inside the verbs, so help is quick."""

from rater.cli.root import main

__all__ = ["main"]
