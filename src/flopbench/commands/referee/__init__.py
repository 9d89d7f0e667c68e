"""``flopbench referee``: everybody's formula of FLOPs, and what it differs by."""
