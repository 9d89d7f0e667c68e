"""``flopbench sweep``: many workloads, priced at once and counted once per shape."""
