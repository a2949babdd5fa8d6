"""What the rater is measured against; each is a process: `python -m benchmarks.baselines.NAME ADDRESS PREFIX`."""
