"""``flopbench new``: a plugin to start from."""
