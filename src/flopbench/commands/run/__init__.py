"""``flopbench run``: price, count, reconcile, report."""
