"""From an earlier version to this one on a system that runs: `make test-upgrade`, or `python -m tests.upgrade`."""
