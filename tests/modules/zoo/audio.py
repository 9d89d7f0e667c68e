"""Audio models of transformers, and models of time series."""

import torch

from modules.zoo.pretrained import SMALL, pretrained
from modules.zoo.specimen import ids, real

_WAVE = {
    **SMALL,
    "conv_dim": [8, 8],
    "conv_stride": [2, 2],
    "conv_kernel": [4, 2],
    "num_feat_extract_layers": 2,
    "num_conv_pos_embeddings": 4,
    "num_conv_pos_embedding_groups": 2,
    "codevector_dim": 8,
    "proj_codevector_dim": 8,
}
_WAVES = [
    *("wav2vec2", "hubert", "wavlm", "unispeech", "unispeech-sat", "data2vec-audio"),
    *("wav2vec2-conformer", "sew"),
]
_SPEECH = {
    "vocab_size": 50,
    "d_model": 16,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 24,
    "decoder_ffn_dim": 24,
    "num_mel_bins": 8,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "decoder_start_token_id": 1,
}
_SPECTROGRAM = {
    **SMALL,
    "max_length": 24,
    "num_mel_bins": 16,
    "patch_size": 8,
    "frequency_stride": 8,
    "time_stride": 8,
}
_CODEC = {
    "encoder_hidden_size": 8,
    "decoder_hidden_size": 32,
    "downsampling_ratios": [2, 4],
    "upsampling_ratios": [4, 2],
    "codebook_size": 16,
    "codebook_dim": 4,
    "n_codebooks": 2,
    "hidden_size": 16,
}
_PATCHES = {
    "context_length": 16,
    "patch_length": 4,
    "patch_stride": 4,
    "num_input_channels": 3,
    "d_model": 16,
}
_DECISIONS = {"state_dim": 3, "act_dim": 2, "hidden_size": 16, "n_layer": 2, "n_head": 4}
_SAMPLES = {"B": 2, "F": 11}
_WORDS = {"B": 2, "S": 5}


def _wave(B, F):
    return {"input_values": real(B, 4 * F + 2)}


def _features(B, F):
    return {"input_features": real(B, F, 8)}


def _words(B, S):
    return {
        "decoder_input_ids": ids(B, S),
        "decoder_attention_mask": torch.ones(B, S),
        "use_cache": False,
    }


def _whisper(B, S):
    return {**_words(B, S), "input_features": real(B, 8, 12)}


def _speech(B, S):
    return {**_words(B, S), "input_features": real(B, 12, 8)}


def _moonshine(B, S):
    return {**_words(B, S), "input_values": real(B, 1024)}


def _past(B):
    return {"past_values": real(B, 16, 3)}


def _decisions(B, S):
    return {
        "states": real(B, S, 3),
        "actions": real(B, S, 2),
        "rewards": real(B, S, 1),
        "returns_to_go": real(B, S, 1),
        "timesteps": ids(B, S),
        "attention_mask": torch.ones(B, S),
    }


AUDIO = [
    *(pretrained(kind, _wave, _SAMPLES, _WAVE) for kind in _WAVES),
    pretrained("wav2vec2-bert", _features, _SAMPLES, {**_WAVE, "feature_projection_input_dim": 8}),
    pretrained("whisper", _whisper, _WORDS, {**_SPEECH, "max_source_positions": 6}),
    pretrained(
        "speech_to_text",
        _speech,
        _WORDS,
        {**_SPEECH, "conv_channels": 16, "input_feat_per_channel": 8},
    ),
    pretrained("moonshine", _moonshine, _WORDS, SMALL),
    pretrained(
        "audio-spectrogram-transformer",
        lambda B: {"input_values": real(B, 24, 16)},
        {"B": 2},
        _SPECTROGRAM,
    ),
    pretrained("dac", lambda B, F: {"input_values": real(B, 1, 8 * F)}, _SAMPLES, _CODEC),
    pretrained("patchtst", _past, {"B": 2}, {**_PATCHES, "num_attention_heads": 4, "ffn_dim": 24}),
    pretrained("patchtsmixer", _past, {"B": 2}, {**_PATCHES, "num_layers": 2}),
    pretrained("decision_transformer", _decisions, _WORDS, _DECISIONS),
]
