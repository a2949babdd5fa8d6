"""Records in, effects out: the step, one file an event, and the rows and messages that it makes. Pure."""
