"""Honest days at full size on a real Kafka: midnight, the first of the month, closing and forgetting, with calls."""
