"""Benchmarks: ratios measured in one run beside a named baseline, since machines are noisy."""
