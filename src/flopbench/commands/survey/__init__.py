"""``flopbench survey``: a row for each config file of a folder."""
