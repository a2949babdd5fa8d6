"""One command, `rater`, with verbs."""
