"""From what a switch writes of a call to `call-ended`: one file a format, pure, told by a profile what means what."""
