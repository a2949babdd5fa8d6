"""Where rules, messages and engine meet: the step function, the worker, settings."""
