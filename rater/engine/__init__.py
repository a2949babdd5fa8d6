"""The exactly-once engine on Faust. It knows nothing of calls or money."""
