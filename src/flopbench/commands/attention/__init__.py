"""``flopbench attention``: one attention, in every mode and by kernels."""
