"""Other FLOP counters for flopbench, each with the convention that its source code follows."""
