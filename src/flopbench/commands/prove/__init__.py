"""``flopbench prove``: equal for every size, not for some sizes."""
