"""``flopbench export``: laws to take along, as code and as data."""
