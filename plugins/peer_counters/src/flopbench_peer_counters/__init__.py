"""Other FLOP counters for flopbench, each under the convention that its source has."""
