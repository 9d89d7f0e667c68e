"""What a training step keeps: laws that hold for any decoder, and forms by hand."""

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st

from flopbench import blocks
from flopbench.analytic.price import Pricer
from flopbench.analytic.step_memory import step_memory
from flopbench.analytic.trained import TrainedModel
from flopbench.builtin.eager import Eager
from flopbench.builtin.flash import Flash
from flopbench.conventions import Conventions
from flopbench.storage import Storage
from flopbench.storage.options import DtypeOptions
from flopbench.training_step import LoraOptions, TrainOptions
from support.plans import analytic_plan
from support.training_toys import Sizes, Toy
from training.test_passes import decoders, workloads

LORA = LoraOptions(rank=2, targets=("o",))


def memory(decoder, workload, mode=None, dtype="bfloat16", **train):
    model = TrainedModel(Toy(decoder), TrainOptions(**train))
    pricer = Pricer(Eager(), Conventions(), dtype)
    return step_memory(model, workload, pricer, mode or Eager())


def figures(decoder, workload, mode=None, **train):
    return memory(decoder, workload, mode, **train).to_dict()


modes = st.sampled_from([Eager(), Flash()])


@settings(max_examples=25)
@given(decoders() | decoders(tied=True), workloads, modes)
def test_recomputing_more_never_keeps_more(decoder, workload, mode):
    none, some, full = (
        figures(decoder, workload, mode, recompute=how) for how in ("none", "selective", "full")
    )
    assert full["saved_bytes"] <= some["saved_bytes"] <= none["saved_bytes"]
    # A layer that is made again has the scores while its MLP is differentiated; a core has not.
    assert max(full["peak_bytes"], some["peak_bytes"]) <= none["peak_bytes"]
    assert none["remade_bytes"] == 0 < full["remade_bytes"]


@settings(max_examples=25)
@given(decoders(), workloads, modes, st.sampled_from(["none", "selective"]))
def test_nothing_trained_keeps_weights_alone(decoder, workload, mode, how):
    found = figures(decoder, workload, mode, frozen=("*",), recompute=how)
    assert found["saved"] == {}
    for name in ("trained_parameters", "gradient_bytes", "state_bytes", "logits_gradient_bytes"):
        assert found[name] == 0
    assert found["peak_bytes"] == found["parameter_bytes"] + found["logits_bytes"]


@settings(max_examples=25)
@given(decoders(), workloads, modes, st.sampled_from(["none", "selective", "full"]))
def test_kept_activations_are_linear_in_the_batch(decoder, workload, mode, how):
    def kept(batch):
        sized = attrs.evolve(workload, batch=batch)
        return figures(decoder, sized, mode, recompute=how)["saved"]

    one, two, three = (kept(n) for n in (1, 2, 3))
    for name, size in two.items():
        assert size - one[name] == three[name] - size
    # All sequences share the angles.
    shared = {name for name, size in two.items() if size != 2 * one[name]}
    assert shared <= {"decoder/attention/core"}


@settings(max_examples=25)
@given(decoders(), workloads, modes, st.booleans(), st.sampled_from(["adamw", "sgd", "muon"]))
def test_the_peak_is_at_least_each_part(decoder, workload, mode, master, optimizer):
    found = figures(decoder, workload, mode, master_weights=master, optimizer=optimizer)
    always = found["parameter_bytes"] + found["state_bytes"]
    for name in ("gradient_bytes", "saved_bytes", "logits_bytes", "logits_gradient_bytes"):
        assert always + found[name] <= found["peak_bytes"]
    assert found["peak_bytes"] == found["peaks"][found["peak_at"]] == max(found["peaks"].values())


@settings(max_examples=15)
@given(decoders() | decoders(tied=True), workloads)
def test_states_are_of_the_weights_that_are_trained(decoder, workload):
    plain = figures(decoder, workload)
    count = plain["trained_parameters"]
    assert plain["parameter_bytes"] == plain["gradient_bytes"] == 2 * count
    assert plain["state_bytes"] == 2 * 4 * count
    assert figures(decoder, workload, master_weights=True)["state_bytes"] == 3 * 4 * count
    sgd = {"optimizer": "sgd", "state_dtype": "bfloat16"}
    assert figures(decoder, workload, **sgd)["state_bytes"] == 2 * count
    assert figures(decoder, workload, **sgd, momentum=False)["state_bytes"] == 0
    assert figures(decoder, workload, gradient_dtype="float32")["gradient_bytes"] == 4 * count
    muon = figures(decoder, workload, optimizer="muon")["state_bytes"]
    assert 4 * count < muon < 2 * 4 * count


@settings(max_examples=15)
@given(decoders(), workloads)
def test_adapters_alone_have_gradients_and_states(decoder, workload):
    found = figures(decoder, workload, lora=LORA)
    layers = [group for group in decoder.groups for _ in range(group.count)]
    width = 12
    inner = [
        a.heads * (getattr(a, "value_dim", None) or a.head_dim)
        for a in (layer.attention for layer in layers)
    ]
    assert found["trained_parameters"] == sum(2 * (width + each) for each in inner)
    assert found["gradient_bytes"] == 2 * found["trained_parameters"]
    # Beside quantised weights, adapters are not quantised.
    weights = [
        DtypeOptions(weights="nf4").applied(Storage.of("bfloat16")),
        Storage.of("bfloat16"),
    ]
    plain, packed = (
        [memory(decoder, workload, dtype=s, lora=lora).parameters for lora in (None, LORA)]
        for s in weights
    )
    assert plain[1] - plain[0] == packed[1] - packed[0] == found["gradient_bytes"]


@settings(max_examples=25)
@given(decoders() | decoders(tied=True), workloads, st.sampled_from(["none", "selective", "full"]))
def test_what_the_backward_goes_through_is_all_that_is_kept(decoder, workload, how):
    found = memory(decoder, workload, recompute=how)
    assert sum(part.kept * part.layers for part in found.parts) == found.to_dict()["saved_bytes"]
    assert sum(part.gradient * part.layers for part in found.parts) == found.gradients
    assert sum(part.layers for part in found.parts if len(part.places) > 1) == sum(
        group.count for group in decoder.groups
    )
    # A tied table has its gradient as early as the head: the loss comes after it in the forward.
    (head,) = (p for p in found.parts if p.places[0].component == "lm_head")
    assert head.gradient == 9 * 12 * 2


@settings(max_examples=25)
@given(decoders() | decoders(tied=True), workloads, modes, st.sampled_from(["none", "full"]))
def test_the_backward_keeps_most_where_a_walk_over_each_layer_does(decoder, workload, mode, how):
    """Layer by layer, in the order of their numbers, without leaving any out."""
    found = memory(decoder, workload, mode, recompute=how)
    always, most = found.parameters + found.states, 0
    layers = [part for part in found.parts for _ in range(part.layers)]
    for index, part in enumerate(layers):
        for n, place in enumerate(part.places):
            before = sum(p.kept for p in layers[:index])
            own = sum(p.kept + p.remade for p in part.places[: n + 1])
            gradients = sum(p.gradient for p in part.places[n:])
            after = sum(p.gradient for p in layers[index + 1 :])
            most = max(most, before + own + place.meanwhile + gradients + after)
    assert found.backward[1] == always + most


def test_kinds_of_layers_that_take_turns_are_walked_in_turn():
    attention = blocks.SelfAttention(width=12, heads=2, kv_heads=2, head_dim=6)
    small, large = (blocks.GatedMlp(width=12, inner=inner) for inner in (4, 400))
    decoder = blocks.Decoder(
        embeddings=blocks.Embeddings(vocabulary=9, width=12),
        groups=(
            blocks.Layers(3, attention, small, numbers=(0, 2, 3)),
            blocks.Layers(2, attention, large, numbers=(1, 4)),
        ),
        around=blocks.ResidualNorms(norm=blocks.NormSpec("rms_norm"), width=12, last=1),
        head=blocks.LmHead(vocabulary=9, width=12),
    )
    parts = [p for p in memory(decoder, Sizes()).parts if len(p.places) > 1]
    assert [part.layers for part in parts] == [1, 1, 2, 1]
    small_one, large_one, *_ = (part.gradient for part in parts)
    assert small_one < large_one
    assert [part.gradient for part in parts] == [small_one, large_one, small_one, large_one]


def test_activations_of_a_vision_tower_wait_for_the_gradients_of_the_decoder():
    """DeepSeek-OCR keeps 8.95 GB of vision activations while its decoder has its gradients."""
    plan = analytic_plan("deepseek_ocr", stages=["train"])
    found = step_memory(plan.model.plugin, plan.workload, plan.pricer, Eager())
    vision = sum(s.total for s in found.kept if s.component.startswith("vision"))
    decoder = sum(
        part.gradient * part.layers
        for part in found.parts
        if not part.places[0].component.startswith("vision")
    )
    # 8.95 and 5.87 GB: 2 bytes each of the decoder's 2,934,734,080 parameters.
    assert (round(vision, -7), decoder) == (8_950_000_000, 5_869_468_160)
    said = found.to_dict()
    assert said["peaks"]["loss"] < 48_170_000_000 < said["peak_bytes"]
    assert found.parameters + found.states + vision + decoder <= said["peak_bytes"]
    assert (said["peak_at"], said["backward_component"]) == ("backward", "vision/sam/downsample")


@settings(max_examples=20)
@given(st.integers(1, 4), st.integers(1, 30), st.integers(1, 5), st.integers(1, 9))
def test_a_layer_of_a_gpt_keeps_what_korthikanti_says(batch, tokens, heads, head_dim):
    """arXiv:2205.05198, equation 1, without the masks and copies of dropout."""
    width = heads * head_dim
    layer = blocks.Layers(
        1,
        blocks.SelfAttention(width=width, heads=heads, kv_heads=heads, head_dim=head_dim),
        blocks.Mlp(width=width, inner=4 * width, activation="gelu"),
        numbers=(0,),
    )
    decoder = blocks.Decoder(
        embeddings=blocks.Embeddings(vocabulary=9, width=width, positions=30),
        groups=(layer,),
        around=blocks.ResidualNorms(norm=blocks.NormSpec("layer_norm"), width=width, last=1),
        head=blocks.LmHead(vocabulary=9, width=width),
    )
    found = memory(decoder, Sizes(batch=batch, tokens=tokens))
    (kept,) = {s.layer: s for s in found.kept if s.layer is not None}
    inside = sum(s.total for s in found.kept if s.layer == kept)
    rows = tokens * batch
    published = 34 * rows * width + 5 * heads * tokens * rows
    dropout = 2 * rows * width + heads * tokens * rows + 2 * heads * tokens * rows
    assert inside == published - dropout + 16 * rows
