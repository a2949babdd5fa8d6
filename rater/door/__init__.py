"""The door: calls, records of switches, subscriptions, adjustments, voids and tariff books over HTTP, into the log."""
