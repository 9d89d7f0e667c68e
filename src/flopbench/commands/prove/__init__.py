"""``flopbench prove``: equal for every size, not only for some."""
