"""Kafka without Faust: settings, topic names, readers and writers of the log, and how an error ends a process."""
