"""The rules of rating. Pure: no I/O, no clock, no Kafka, no pydantic."""
