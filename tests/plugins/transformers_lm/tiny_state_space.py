"""Small configs of the types in families/state_space.py: the fields of each."""

_MAMBA = {"expand": 2, "state_size": 6, "time_step_rank": 3, "conv_kernel": 3}

OWN = {
    "falcon_mamba": _MAMBA,
    "mamba": _MAMBA,
    "mamba2": {
        "num_heads": 8,
        "head_dim": 8,
        "expand": 2,
        "state_size": 6,
        "n_groups": 2,
        "conv_kernel": 3,
        "chunk_size": 4,
        "layer_types": None,
    },
}
