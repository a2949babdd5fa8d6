"""Hostile bytes: whatever stands in a record or a tariff file, it is answered, soon, and in little memory."""
