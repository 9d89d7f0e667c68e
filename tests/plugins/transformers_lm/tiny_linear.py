"""Small configs of the types in families/linear.py: the fields of each."""

_LFM2 = {
    "layer_types": ["conv", "full_attention"],
    "conv_L_cache": 3,
    "block_multiple_of": 4,
    "num_dense_layers": 1,
}

OWN = {"lfm2": _LFM2, "lfm2_moe": _LFM2}
