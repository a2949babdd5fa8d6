"""What is replaced in Faust, part by part: its app, transport, recovery and tables."""
