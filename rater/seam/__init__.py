"""What engine and application know of each other: records in, effects out, rows, heads, the step's signature."""
