"""``flopbench explain``: where the FLOPs are, as a tree of components."""
