"""What the tests share: brokers, workers, feeds, readers."""
