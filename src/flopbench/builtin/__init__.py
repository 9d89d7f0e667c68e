"""What flopbench ships: plugins like any other, registered through the same hooks."""
