"""``flopbench list``: what there is, and which keys it takes."""
