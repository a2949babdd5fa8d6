"""Being told, without a Kafka: thresholds, order, attempts, signatures."""
