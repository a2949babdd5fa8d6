"""What stands beside a running system: the demo, a simulated switch, rating a file, a back-test, log files."""
