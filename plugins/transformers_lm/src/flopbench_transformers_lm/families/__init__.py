"""From a config to a decoder of blocks, by family of models.

Sources are each family's report and the names of its config's fields. A value that no closed
form covers raises `NotCoveredError`; nothing is guessed.
"""

from collections.abc import Mapping

from flopbench_transformers_lm.families.dense import DENSE
from flopbench_transformers_lm.families.gemma import GEMMA
from flopbench_transformers_lm.families.latent import LATENT
from flopbench_transformers_lm.families.moe import MOE
from flopbench_transformers_lm.families.parallel import PARALLEL
from flopbench_transformers_lm.families.parts import Family
from flopbench_transformers_lm.families.plain import PLAIN

FAMILIES: Mapping[str, Family] = {
    **DENSE,
    **GEMMA,
    **LATENT,
    **MOE,
    **PARALLEL,
    **PLAIN,
}
"""Functions that build a decoder from a config, by model type."""


def source_of(family: Family) -> str:
    """Return the family's name and its source, from the first line of its docstring."""
    return (family.__doc__ or "").split("\n")[0].partition(": ")[0].rstrip(".")
