"""transformers' causal language models for flopbench."""
