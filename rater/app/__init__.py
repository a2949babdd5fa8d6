"""The process: the worker's wiring, its health, metrics and logging."""
