"""``flopbench compare``: models side by side."""
