"""The same job on other frameworks, exactly once: what the rater is measured against."""
