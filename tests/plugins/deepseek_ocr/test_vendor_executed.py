"""The variant that is measured on a GPU; the verified one is not touched by it."""

import pickle
from pathlib import Path

import attrs
import pytest

from flopbench.builtin.flash import Flash
from flopbench.builtin.reporters.console import Console
from flopbench.builtin.reporters.markdown import Markdown
from flopbench.builtin.torch_counter import TorchCounter
from flopbench.commands.run.runner import run
from flopbench.errors import UsageError
from flopbench.kernels.ncu_counter import NcuCounter
from flopbench.plan import make_plan
from flopbench.registry.catalog import build_catalog
from flopbench.registry.loading import load_plugins
from flopbench.report import ExecutedComponent, ExecutedKernel
from flopbench.tally import sums
from flopbench.vendor import VERIFIED, Convention, Count, Counted, VendorCounter
from flopbench_deepseek_ocr.analytic import DeepseekOcr
from flopbench_deepseek_ocr.architecture import Architecture, Clip, Decoder, Sam, read_architecture
from flopbench_deepseek_ocr.vendor import DeepseekOcrVendor, VendorOptions
from flopbench_deepseek_ocr.vendor_executed import Executed, make_call
from flopbench_deepseek_ocr.vendor_native import Native
from flopbench_deepseek_ocr.workload import Workload
from support.stages import price_stage

ATTENTIONS = ["sdpa", "flash", "eager"]


PAGE = Workload(tile_rows=3, tile_cols=2)


def vendor(**options):
    return DeepseekOcrVendor.from_options(Architecture(), VendorOptions(**options))


@pytest.mark.parametrize("attention", ATTENTIONS)
def test_the_verified_variant_is_eager_on_meta_whatever_is_measured(attention):
    model = vendor(executed_attention=attention)
    verified = model.variant(VERIFIED)
    assert verified is model
    assert verified.attention == "eager"
    assert type(verified._implementation) is Native
    assert verified.provenance()["device"] == "meta"
    assert model.variant("executed").attention == attention


def test_only_the_ncu_counters_ask_for_another_variant():
    counters = {name: c.variant for name, c, _ in build_catalog(load_plugins([])).counters}
    assert counters.pop("ncu") == counters.pop("ncu_every_type") == "executed"
    assert set(counters.values()) == {VERIFIED}
    assert TorchCounter.variant == VERIFIED


def test_other_attention_cannot_be_verified_even_if_it_is_measured():
    with pytest.raises(ValueError, match="must be 'eager'"):
        VendorOptions(attention="sdpa", executed_attention="sdpa")


def test_a_checkpoints_own_code_is_not_measured():
    folder = Path(__file__).with_name("checkpoint")
    architecture = read_architecture(folder / "config.json")
    options = VendorOptions(remote_code=True, model_root=str(folder))
    model = DeepseekOcrVendor.from_options(architecture, options)
    with pytest.raises(UsageError, match="no variant 'executed': only 'verified'"):
        model.variant("executed")


def test_a_call_travels_and_nothing_is_prepared_here():
    implementation = Executed(Architecture(), "sdpa")
    stage = implementation.stage("decode", Workload(decode_steps=7))
    make = pickle.loads(pickle.dumps(stage.prepare(3).make))  # noqa: S301 - our own
    assert make.func is make_call
    assert make.args[2:] == ("decode", make.args[3], 3)
    assert make.args[3].decode_steps == 7
    assert stage.steps == 7
    assert "model" not in vars(implementation)


def test_without_a_gpu_the_call_says_so(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(UsageError, match="torch sees no CUDA GPU"):
        make_call(Architecture(), "sdpa", "prefill", Workload(), 1)


class Steps(VendorCounter):
    """Counts 1 per call that another process can make."""

    name = "steps"
    variant = "executed"
    convention = Convention(unit="call", sees=frozenset())

    def count(self, call):
        assert call.make is not None
        return Count((Counted("lm_head", "call", 1),))


@pytest.mark.parametrize("method", ["auto", "symbolic"])
def test_the_series_of_a_variant_carries_its_attention_and_provenance(method):
    catalog = build_catalog(load_plugins([]))
    source = catalog.counters.entries["torch"][1]
    catalog.counters.put(Steps, source)
    options = {"run.counters": ["steps", "torch"], "run.stages": ["decode"]}
    options |= {"vendor.executed_attention": "flash", "workload.decode_steps": 4}
    options["run.method"] = method
    report = run(make_plan(catalog, "deepseek_ocr", options=options), catalog)
    labels = [s.label for s in report.series if s.kind == "vendor"]
    assert labels == ["vendor (flash, steps)", "vendor (eager, torch)"]
    assert report.series[0].flops == 4
    counters = report.provenance.counters
    assert counters["steps"]["variant"] == "executed"
    assert counters["steps"]["method"] == "concrete"
    assert counters["steps"]["vendor"]["attention"] == "flash"
    assert "variant" not in counters["torch"]
    verdicts = {(c.counter, c.attention): c.verdict for c in report.comparisons}
    assert verdicts["torch", "eager"] == "exact"
    assert verdicts["steps", "eager"] == "not_comparable"


def test_steps_of_random_routing_do_not_stand_for_each_other(caplog):
    """Sampling five steps would take random padding for a line."""
    stage = vendor().variant("executed").stage("decode", Workload(decode_steps=100))
    assert not stage.sampled
    assert vendor().stage("decode", Workload(decode_steps=100)).sampled
    assert "each of 100 decode steps is a process of about 25 s" in caplog.text
    caplog.clear()
    vendor().variant("executed").stage("decode", Workload(decode_steps=2))
    assert not caplog.text


class Kernels(Steps):
    """Says what kernels executed: a padded product, and one in no component."""

    name = "kernels"
    convention = Convention(unit="executed FLOP", sees=frozenset())

    def count(self, call):
        layer = "model.language_model.layers.3"
        work = [(f"{layer}.self_attn.q_proj", NVJET, 2**37), ("model.surprise", "mystery", 7)]
        return Count(tuple(Counted(*entry) for entry in work))

    def tile(self, op):
        return NcuCounter.tile(self, op)


NVJET = "nvjet_sm90_tst_128x72_64x8_2x1_v_bz_TNT"


@pytest.fixture(scope="module")
def measured():
    catalog = build_catalog(load_plugins([]))
    catalog.counters.put(Kernels, catalog.counters.entries["torch"][1])
    options = {"run.counters": ["kernels"], "run.stages": ["vision_prefill", "prefill"]}
    options |= {"run.attention": ["eager", "flash"], "vendor.executed_attention": "flash"}
    return run(make_plan(catalog, "deepseek_ocr", options=options), catalog)


def test_a_report_sets_executed_beside_useful_by_component(measured):
    useful = {}
    for line in price_stage(DeepseekOcr(), "prefill", PAGE, Flash()).lines:
        useful[line.component] = useful.get(line.component, 0) + line.cost.tensor_flops
    found = {p.component: p for p in measured.executed if p.stage == "prefill"}
    assert {name: part.useful_flops for name, part in found.items() if part.useful_flops} == {
        name: flops for name, flops in useful.items() if flops
    }
    qkv = found["decoder/attention/qkv"]
    assert (qkv.executed_flops, qkv.ratio) == (2**37, 2**37 / useful[qkv.component])
    assert [(k.name, k.tile) for k in qkv.kernels] == [(NVJET, "128x72x64, cluster 2x1")]
    assert (found["lm_head"].executed_flops, found["lm_head"].kernels) == (0, ())


def test_tensor_work_without_a_component_is_listed(measured):
    (lost,) = (p for p in measured.executed if p.stage == "prefill" and p.useful_flops is None)
    assert (lost.component, lost.executed_flops, lost.ratio) == ("unmapped/model.surprise", 7, None)
    assert lost.kernels[0].tile is None


def test_composed_stages_add_up(measured):
    parts = {p.component: p.executed_flops for p in measured.executed if p.stage != "prefill"}
    assert parts["unmapped/model.surprise"] == 14


@pytest.mark.parametrize("reporter", [Console, Markdown])
def test_reporters_show_ratio_tile_and_what_has_no_component(measured, reporter):
    text = reporter().render(measured)
    ratio = next(p.ratio for p in measured.executed if p.component == "decoder/attention/qkv")
    for shown in (f"{ratio:.4f}", NVJET, "128x72x64, cluster 2x1", "unmapped/model.surprise"):
        assert shown in text


def test_every_field_of_executed_work_is_documented():
    page = Path(__file__).parents[3].joinpath("docs/report-schema.md").read_text()
    section = page.split("## `executed`")[1].split("\n## ")[0]
    for kind in (ExecutedComponent, ExecutedKernel):
        for field in attrs.fields(kind):
            assert f"`{field.name}`" in section, field.name


def test_a_measured_variant_is_compared_with_no_mode_and_says_why(measured):
    """The variant may well run flash attention: its unit is what forbids the comparison."""
    for c in measured.comparisons:
        assert (c.verdict, c.reason) == (
            "not_comparable",
            "the counter's unit is executed FLOP, not FLOP or MAC",
        )


# Widths that are multiples of 8: torch's grouped product takes no others.
SMALL = Architecture(
    sam=Sam(
        layers=2,
        heads=2,
        width=16,
        mlp_width=24,
        window=2,
        global_layers=(1,),
        neck_channels=8,
        downsample_channels=(8, 16),
        pretrained_size=64,
    ),
    clip=Clip(layers=1, width=16, heads=2, mlp_width=24, pretrained_size=28),
    decoder=Decoder(
        layers=3,
        heads=2,
        kv_heads=2,
        width=16,
        mlp_width=24,
        experts=5,
        experts_per_token=2,
        shared_experts=2,
        expert_width=8,
        vocabulary=32,
    ),
)
WORKLOAD = Workload(view_size=128, tile_size=64, tile_rows=1, tile_cols=2, decode_steps=1)


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize("stage", ["vision", "prefill", "decode"])
def test_it_does_the_same_products_as_the_verified_model(stage, attention):
    """On the CPU, where torch counts it: all but attention and experts is the same work."""

    class OnCpu(Executed):
        device = "cpu"

    implementation = OnCpu(SMALL, attention)
    model = DeepseekOcrVendor(implementation)
    count = TorchCounter().count(implementation.prepare(stage, WORKLOAD, 1))
    found = sums((model.component(entry.module), entry.flops) for entry in count.counted)
    lines = price_stage(DeepseekOcr(SMALL), stage, WORKLOAD).lines
    expected = sums((line.component, line.torch_visible_flops) for line in lines)
    for part in expected.keys() - {"decoder/moe/experts"}:
        if not part.endswith("attention/core"):
            assert found.get(part, 0) == expected[part], part
