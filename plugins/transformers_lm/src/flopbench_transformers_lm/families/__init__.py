"""From a config to a decoder of blocks, by family of models.

Sources are each family's report and the names of its config's fields. A value that no closed
form covers raises `NotCoveredError`; nothing is guessed.
"""

from collections.abc import Mapping

from flopbench_transformers_lm.config import LmConfig
from flopbench_transformers_lm.families.dense import DENSE
from flopbench_transformers_lm.families.gemma import GEMMA
from flopbench_transformers_lm.families.latent import LATENT
from flopbench_transformers_lm.families.linear import LINEAR
from flopbench_transformers_lm.families.moe import MOE
from flopbench_transformers_lm.families.multimodal import MULTIMODAL
from flopbench_transformers_lm.families.parallel import PARALLEL
from flopbench_transformers_lm.families.parts import Family
from flopbench_transformers_lm.families.plain import PLAIN
from flopbench_transformers_lm.families.sparse import SPARSE
from flopbench_transformers_lm.families.state_space import STATE_SPACE

FAMILIES: Mapping[str, Family] = {
    **DENSE,
    **GEMMA,
    **LATENT,
    **LINEAR,
    **MOE,
    **PARALLEL,
    **PLAIN,
    **SPARSE,
    **STATE_SPACE,
}
"""Functions that build a decoder from a config, by model type."""


PARTS: Mapping[str, Family] = MULTIMODAL
"""The same for text configs that are only a part of a model's config."""


def family_of(config: LmConfig) -> Family | None:
    """Return what builds the decoder of a config, if there is something."""
    kind = config.decoder.model_type
    return FAMILIES.get(kind) or PARTS.get(kind)


def source_of(family: Family) -> str:
    """Return the family's name and its source, from the first line of its docstring."""
    return (family.__doc__ or "").split("\n")[0].partition(": ")[0].rstrip(".")
