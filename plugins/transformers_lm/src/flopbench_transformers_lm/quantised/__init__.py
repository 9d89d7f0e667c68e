"""Quantised checkpoints: what ``quantization_config`` says of how weights are stored."""

from flopbench_transformers_lm.quantised.decoders import stored
from flopbench_transformers_lm.quantised.methods import read
from flopbench_transformers_lm.quantised.told import unpriced

__all__ = ["read", "stored", "unpriced"]
