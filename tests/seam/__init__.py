"""The engine over an in-memory Kafka: ended, cancelled and failed at every await."""
