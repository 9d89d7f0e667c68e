"""Causal language models of transformers for flopbench."""
