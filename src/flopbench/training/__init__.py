"""Training as a transform of operations: what their backward, and recomputation, cost."""
