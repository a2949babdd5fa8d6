"""From the records of a switch's topic to calls in the log: the step that the intake's engine runs, and its rows."""
