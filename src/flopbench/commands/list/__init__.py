"""``flopbench list``: what is available, and which keys it takes."""
