"""Encoders of text, of transformers."""

from modules.zoo.pretrained import PADLESS, SMALL, TEXT, pretrained, tokens

_PLAIN = [
    *("bert", "roberta", "camembert", "xlm-roberta", "electra", "ernie", "esm", "mpnet"),
    *("roberta-prelayernorm", "data2vec-text", "bert-generation", "modernbert", "nomic_bert"),
    "xlm-roberta-xl",
]
_PADLESS = ["layoutlm", "mra"]
_DISENTANGLED = {"pad_token_id": None, "relative_attention": True, "pos_att_type": ["c2p", "p2c"]}
_OWN = {
    "albert": {**SMALL, "embedding_size": 12},
    "clip_text_model": {**SMALL, "projection_dim": 8},
    "deberta": {**SMALL, **_DISENTANGLED},
    "deberta-v2": {**SMALL, **_DISENTANGLED, "position_buckets": 8},
    "distilbert": {"vocab_size": 50, "dim": 16, "n_layers": 2, "n_heads": 4, "hidden_dim": 24},
    "fnet": {**SMALL, "use_tpu_fourier_optimizations": False},
    "mobilebert": {**SMALL, "intra_bottleneck_size": 8, "true_hidden_size": 8, "embedding_size": 8},
}

TEXT_ENCODERS = [
    *(pretrained(kind, tokens, TEXT, SMALL) for kind in _PLAIN),
    *(pretrained(kind, tokens, TEXT, PADLESS) for kind in _PADLESS),
    *(pretrained(kind, tokens, TEXT, own) for kind, own in _OWN.items()),
]
