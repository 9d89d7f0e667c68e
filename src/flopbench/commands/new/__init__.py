"""``flopbench new``: write a plugin to start from."""
