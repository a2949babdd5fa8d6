"""The proof: the log replayed through the step, against what was published."""
