"""Hypothesis strategies: small architectures of DeepSeek-OCR's kind, and workloads."""

from hypothesis import strategies as st

from flopbench_deepseek_ocr.architecture import Architecture, Clip, Decoder, Sam
from flopbench_deepseek_ocr.workload import Workload


def sizes(*values):
    return st.sampled_from(values)


@st.composite
def sams(draw):
    layers = draw(st.integers(1, 3))
    heads = draw(sizes(1, 2, 3))
    return Sam(
        layers=layers,
        heads=heads,
        width=heads * draw(sizes(4, 6)),
        mlp_width=draw(sizes(8, 10)),
        window=draw(sizes(2, 3, 5)),
        global_layers=tuple(sorted(draw(st.sets(st.integers(0, layers - 1))))),
        neck_channels=draw(sizes(4, 6)),
        downsample_channels=(draw(sizes(5, 8)), draw(sizes(12, 24))),
        pretrained_size=64,
    )


@st.composite
def architectures(draw):
    """Small architectures of DeepSeek-OCR's kind, every dimension free."""
    sam = draw(sams())
    decoder_layers = draw(st.integers(1, 3))
    heads = draw(sizes(1, 2, 3))
    experts = draw(st.integers(2, 5))
    return Architecture(
        sam=sam,
        clip=Clip(
            layers=draw(st.integers(1, 2)),
            width=sam.downsample_channels[1],
            heads=draw(sizes(1, 2, 3)),
            mlp_width=draw(sizes(8, 20)),
            pretrained_size=28,
        ),
        decoder=Decoder(
            layers=decoder_layers,
            dense_layers=draw(st.integers(0, decoder_layers)),
            heads=heads,
            kv_heads=heads,
            width=heads * draw(sizes(4, 6)),
            mlp_width=draw(sizes(8, 12)),
            experts=experts,
            experts_per_token=draw(st.integers(1, experts)),
            shared_experts=draw(st.integers(1, 2)),
            expert_width=draw(sizes(4, 6)),
            vocabulary=draw(sizes(16, 30)),
        ),
    )


@st.composite
def workloads(draw):
    return Workload(
        batch_size=draw(st.integers(1, 3)),
        view_size=64 * draw(st.integers(1, 3)),
        tile_size=64 * draw(st.integers(1, 3)),
        tile_rows=draw(st.integers(0, 2)),
        tile_cols=draw(st.integers(1, 2)),
        prompt_tokens=draw(st.integers(0, 9)),
        decode_steps=draw(st.integers(1, 9)),
        lm_head=draw(sizes("all", "last")),
    )
