"""Multi-token prediction layers of a config: how many there are, and which layers they are.

transformers builds them from the classes of the model's own layers, by a config in which layers
begin at 0 again and all may have experts.
"""

from __future__ import annotations

import attrs

from flopbench import UsageError
from flopbench_transformers_lm.config import LmConfig

COUNTS = ("num_mtp_layers", "num_nextn_predict_layers")
"""Names of the field that says how many there are."""

DRAFT = "draft"
"""Name of the stage that runs them."""

ALL_ACCEPTED = (
    "the draft follows a step whose new tokens were all accepted, and each multi-token prediction "
    "layer runs once on all of them, on a cache of as many tokens as the model's"
)


def layers_of(config: LmConfig) -> int:
    """Return the number of multi-token prediction layers; 0 if there are none."""
    found = next((n for name in COUNTS if type(n := config.decoder.get(name)) is int), 0)
    return int(found)


def require_layers(name: str, config: LmConfig) -> None:
    """Refuse a draft by a model that has no layers for it.

    Raises:
        UsageError: it has none.
    """
    if not layers_of(config):
        raise UsageError(
            f"{name} drafts nothing: its config has no multi-token prediction layers "
            f"({' or '.join(COUNTS)})"
        )


def as_decoder(config: LmConfig) -> LmConfig | None:
    """Return the config of the layers as a model of their own; None if it does not say which."""
    decoder = config.decoder
    values = {**decoder.values, "num_hidden_layers": layers_of(config)}
    for kinds in ("layer_types", "mlp_layer_types"):
        if values.get(kinds) is not None:
            values[kinds] = values.get(f"mtp_{kinds}")
            if values[kinds] is None:
                return None
    if "first_k_dense_replace" in values:
        values["first_k_dense_replace"] = 0
    return attrs.evolve(decoder, values=values)
