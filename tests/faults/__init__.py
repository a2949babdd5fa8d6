"""Everything that can die, dies, by a seed, while calls are rated; then the books must hold (`make test-faults`)."""
