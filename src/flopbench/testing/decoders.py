"""Small decoders of every kind that formulas of FLOPs know, and random ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from flopbench.blocks import (
    AttentionBlock,
    Decoder,
    Embeddings,
    Experts,
    GatedMlp,
    LatentAttention,
    Layers,
    LmHead,
    Mlp,
    Moe,
    NormSpec,
    ResidualNorms,
    Router,
    SelfAttention,
    decode_passes,
    prefill_pass,
)
from flopbench.formulas import Phase, Reading, read

_NORM = NormSpec("rms_norm")
_WIDTH, _VOCABULARY = 48, 100


def _attention(**options: Any) -> SelfAttention:
    sizes: dict[str, Any] = {"width": _WIDTH, "heads": 4, "kv_heads": 2, "head_dim": 16}
    return SelfAttention(**{**sizes, **options})


_LATENT = LatentAttention(
    width=_WIDTH, heads=4, query_rank=24, kv_rank=16, nope_dim=8, rope_dim=4, value_dim=10
)


def _moe(shared: int = 0, *, shared_gate: bool = False, **options: Any) -> Moe:
    return Moe(
        router=Router(width=_WIDTH, experts=8, per_token=2),
        experts=Experts(width=_WIDTH, inner=20, experts=8, per_token=2, **options),
        shared=GatedMlp(width=_WIDTH, inner=shared) if shared else None,
        shared_gate=shared_gate,
    )


def _decoder(
    *groups: tuple[int, AttentionBlock, Mlp | GatedMlp | Moe],
    tied: bool = False,
    positions: int = 0,
    head_bias: bool = False,
    width: int = _WIDTH,
    vocabulary: int = _VOCABULARY,
) -> Decoder:
    return Decoder(
        embeddings=Embeddings(vocabulary=vocabulary, width=width, positions=positions),
        groups=tuple(Layers(count, attention, part) for count, attention, part in groups),
        around=ResidualNorms(norm=_NORM, width=width, last=1),
        head=LmHead(vocabulary=vocabulary, width=width, tied=tied, bias=head_bias),
    )


_GATED = GatedMlp(width=_WIDTH, inner=64)
_PLAIN = Mlp(width=_WIDTH, inner=64, activation="gelu", bias=True)

SAMPLES: Mapping[str, Decoder] = {
    "dense": _decoder((3, _attention(), _GATED)),
    "tied, with learned positions": _decoder(
        (2, _attention(kv_heads=4, head_dim=12, qkv_bias=True, out_bias=True), _PLAIN),
        tied=True,
        positions=64,
    ),
    "windows": _decoder(
        (4, _attention(window=5, qk_norm=_NORM), _GATED), (2, _attention(qk_norm=_NORM), _GATED)
    ),
    "one key head, an MLP without a gate": _decoder(
        (2, _attention(kv_heads=1, head_dim=10, fused=True), _PLAIN), head_bias=True
    ),
    "experts": _decoder((3, _attention(), _moe())),
    "experts without a gate": _decoder((2, _attention(), _moe(gated=False))),
    "experts with sinks and biases": _decoder((2, _attention(sinks=True), _moe(bias=True))),
    "shared experts after a dense layer": _decoder(
        (1, _attention(), _GATED), (3, _attention(), _moe(shared=40))
    ),
    "an MLP as wide as the model, and a shared expert as wide as its gate": _decoder(
        (1, _attention(), GatedMlp(width=_WIDTH, inner=_WIDTH)),
        (2, _attention(), _moe(shared=1, shared_gate=True)),
    ),
    "latent attention": _decoder((1, _LATENT, _GATED), (2, _LATENT, _moe(shared=20))),
}
"""A decoder of each kind, by a name for people."""


def reading(decoder: Decoder, phase: Phase, *, batch: int = 2, context: int = 12) -> Reading:
    """Return what formulas are held against of a decoder: one pass, or three decode steps."""
    if phase == "decode":
        ops = decoder.ops(decode_passes(batch=batch, context=context, steps=3))
    else:
        ops = decoder.ops(prefill_pass(batch=batch, context=context, head_rows=context))
    return read("sample", ops, decoding=phase == "decode")


@st.composite
def decoders(draw: DrawFn) -> Decoder:
    """Draw a decoder: one kind of attention, with or without windows, and MLPs or experts."""
    number = st.integers(1, 6)
    width = 4 * draw(number)
    attention = draw(_attentions(width))
    parts = draw(st.lists(_feed_forwards(width), min_size=1, max_size=2, unique_by=type))
    groups = [(draw(number), each, part) for part in parts for each in attention]
    return _decoder(
        *groups,
        tied=draw(st.booleans()),
        positions=draw(st.sampled_from((0, 64))),
        head_bias=draw(st.booleans()),
        width=width,
        vocabulary=draw(st.integers(1, 300)),
    )


@st.composite
def _attentions(draw: DrawFn, width: int) -> list[AttentionBlock]:
    number = st.integers(1, 6)
    if draw(st.booleans()):
        return [
            LatentAttention(
                width=width,
                heads=draw(number),
                query_rank=draw(st.none() | number),
                kv_rank=draw(number),
                nope_dim=draw(number),
                rope_dim=2 * draw(number),
                value_dim=draw(number),
            )
        ]
    kv_heads, switch = draw(number), st.booleans()
    sizes: dict[str, Any] = {
        "width": width,
        "heads": kv_heads * draw(number),
        "kv_heads": kv_heads,
        "head_dim": 2 * draw(number),
        "qkv_bias": draw(switch),
        "out_bias": draw(switch),
        "qk_norm": draw(st.sampled_from((None, _NORM))),
        "sinks": draw(switch),
        "fused": draw(switch),
    }
    windows = draw(st.lists(st.none() | st.integers(1, 20), min_size=1, max_size=2, unique=True))
    return [SelfAttention(**sizes, window=window) for window in windows]


def _feed_forwards(width: int) -> SearchStrategy[Mlp | GatedMlp | Moe]:
    number, switch = st.integers(1, 6), st.booleans()
    inner = number | st.just(width)
    return (
        st.builds(Mlp, width=st.just(width), inner=inner, activation=st.just("gelu"), bias=switch)
        | st.builds(GatedMlp, width=st.just(width), inner=inner, bias=switch, fused=switch)
        | _moes(width)
    )


@st.composite
def _moes(draw: DrawFn, width: int) -> Moe:
    per_token, inner = draw(st.integers(1, 4)), draw(st.integers(1, 6))
    experts = per_token + draw(st.integers(0, 4))
    shared = draw(st.sampled_from((0, 1, 2, 3, 5)))
    return Moe(
        router=Router(width=width, experts=experts, per_token=per_token, bias=draw(st.booleans())),
        experts=Experts(
            width=width,
            inner=inner,
            experts=experts,
            per_token=per_token,
            gated=draw(st.booleans()),
            bias=draw(st.booleans()),
        ),
        shared=GatedMlp(width=width, inner=shared) if shared else None,
        shared_gate=bool(shared) and draw(st.booleans()),
    )
