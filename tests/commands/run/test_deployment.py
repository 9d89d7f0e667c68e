"""What a run says of a GPU, and what it refuses."""

import json

import attrs
import jsonschema
import pytest

import flopbench
from flopbench.errors import UsageError
from flopbench.schemas import load
from support.cli import one_sentence

SIZES = {
    "num_hidden_layers": 3,
    "hidden_size": 256,
    "intermediate_size": 512,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 1000,
}
OWN = {"peak_tflops": 1, "bandwidth_gbps": 10, "memory_gb": 0.02}
"""A GPU whose bounds are easily worked out."""


def run(*, hardware, workload=None, **options):
    return flopbench.run(
        "hf/llama",
        workload={"context_tokens": 64, "decode_steps": 8, **(workload or {})},
        model_options={"overrides": SIZES},
        hardware=hardware,
        analytic_only=True,
        **options,
    )


def test_without_a_gpu_nothing_is_said_of_one():
    report = run(hardware={})
    assert report.deployment is None
    assert all(series.bound is None for series in report.series)
    assert "bound" not in report.text()


def test_each_series_has_both_figures_and_the_gpu():
    report = run(hardware={"gpu": "h200"})
    assert {s.bound["gpu"] for s in report.series} == {"h200"}
    for series in report.series:
        bound = series.bound
        assert 0 < bound["floor_ms"] <= bound["bound_ms"]
        assert bound["tensor_flops"] == series.tensor_flops
        assert bound["bytes_moved"] == series.costs["expected_bytes_moved"]
        assert {each.component for each in series.breakdown} == set(bound["components"])
        parts = bound["components"].values()
        assert sum(part["bound_ms"] for part in parts) == pytest.approx(bound["bound_ms"])


def test_a_sum_of_stages_takes_the_sum_of_their_times():
    report = run(hardware={"gpu": "a100"}, attention=["flash"])
    bounds = {s.stage: s.bound for s in report.series}
    for figure in ("floor_ms", "bound_ms"):
        parts = bounds["prefill"][figure] + bounds["decode"][figure]
        assert bounds["end2end"][figure] == pytest.approx(parts)


def test_the_memory_that_fits_is_that_which_runs_of_that_size_need():
    """The largest batch and context fit, and one more does not: by runs of these sizes."""
    fit = run(hardware=OWN, attention=["flash"]).deployment.fit[0]
    assert fit["fits"]
    for key, size in (
        ("batch_size", fit["largest_batch"]),
        ("context_tokens", fit["longest_context"]),
    ):
        found = [
            run(hardware=OWN, attention=["flash"], workload={key: n}).deployment.fit[0]
            for n in (size, size + 1)
        ]
        assert [each["fits"] for each in found] == [True, False]
        series = run(hardware={}, attention=["flash"], workload={key: size}).series
        needed = series[-1].costs["weight_bytes"]
        for name in ("kv_cache_bytes", "peak_activation_bytes"):
            needed += max(s.costs[name] for s in series)
        assert found[0]["needed_bytes"] == needed


def test_the_batch_that_decodes_is_the_largest_whose_step_fits():
    """Weights, and cache and activations of decoding alone, by runs of these sizes."""
    fit = run(hardware=OWN, attention=["flash"]).deployment.fit[0]
    assert fit["largest_decoding"] > fit["largest_batch"]
    needed = []
    for size in (fit["largest_decoding"], fit["largest_decoding"] + 1):
        series = run(hardware={}, attention=["flash"], workload={"batch_size": size}).series
        (decode,) = (s.costs for s in series if s.stage == "decode")
        held = ("weight_bytes", "kv_cache_bytes", "peak_activation_bytes")
        needed.append(sum(decode[name] for name in held))
    assert needed[0] <= fit["memory_bytes"] < needed[1]


def test_tokens_come_no_sooner_than_their_stages():
    workload = {"batch_size": 3}
    report = run(hardware={"gpu": "h100"}, attention=["flash"], workload=workload)
    bounds = {s.stage: s.bound for s in report.series}
    (speed,) = report.deployment.speeds
    assert speed["first_token_floor_ms"] == bounds["prefill"]["floor_ms"]
    assert speed["first_token_bound_ms"] == bounds["prefill"]["bound_ms"]
    assert speed["token_floor_ms"] == bounds["decode"]["floor_ms"] / 8
    assert speed["token_bound_ms"] == bounds["decode"]["bound_ms"] / 8
    assert speed["tokens_per_s"] == pytest.approx(3 * 8 / (bounds["decode"]["floor_ms"] / 1000))
    alone = run(hardware={"gpu": "h100"}, attention=["flash"], stages=["decode"])
    (decode,) = alone.deployment.speeds
    assert decode["first_token_floor_ms"] is None
    assert decode["token_floor_ms"] is not None


def test_what_flash_cannot_run_names_the_mode_that_can():
    def text(*attention):
        sizes = SIZES | {"head_dim": 64, "num_local_experts": 4, "num_experts_per_tok": 2}
        return flopbench.run(
            "hf/gpt_oss",
            workload={"context_tokens": 64, "decode_steps": 8},
            model_options={"overrides": sizes},
            hardware=OWN,
            attention=attention,
            analytic_only=True,
        ).text()

    assert "--attention flash3 can run more of it" in text("eager", "flash")
    assert "--attention flash3" not in text("eager", "flash3")


def test_prices_are_those_of_the_floor():
    report = run(hardware={"gpu": "h100", "price_per_hour": 36}, attention=["flash"])
    floors = {s.stage: s.bound["floor_ms"] for s in report.series}
    (prices,) = report.deployment.prices
    # 36 an hour is one cent a second: 1e-5 a millisecond.
    assert prices["prefill"] == pytest.approx(1e-5 * floors["prefill"] / 64 * 1e6)
    assert prices["generated"] == pytest.approx(1e-5 * floors["decode"] / 8 * 1e6)


def test_a_sum_alone_is_answered_by_its_parts():
    """Limits, shares, prices and targets are those of a run that reports the parts, too."""
    given = {"hardware": {"gpu": "h100", "price_per_hour": 36}, "ttft": 1, "tpot": 0.1}
    whole, alone = run(**given), run(**given, stages=["end2end"])
    assert [stage.name for stage in alone.stages] == ["end2end"]
    assert alone.deployment == whole.deployment
    assert {each["stage"] for each in alone.deployment.limits} == {"prefill", "decode"}
    assert len(alone.deployment.targets) == 4


def test_a_measured_time_shows_what_it_uses():
    report = run(hardware={**OWN, "measured_ms": {"prefill": 1000}}, attention=["flash"])
    prefill, decode, _ = report.series
    found = prefill.bound["measured"]
    assert found["mfu"] == pytest.approx(prefill.tensor_flops / 1e12)
    assert found["mbu"] == pytest.approx(prefill.bound["floor"]["bytes_moved"] / 1e10)
    assert found["note"] is None
    assert decode.bound["measured"] is None
    assert "MFU" in report.text()


def test_a_time_between_floor_and_bound_is_remarked():
    free = run(hardware=OWN, attention=["flash"]).series[0].bound
    between = (free["floor_ms"] + free["bound_ms"]) / 2
    report = run(hardware={**OWN, "measured_ms": {"prefill": between}}, attention=["flash"])
    (note,) = [note for note in report.notes if "less than the bound" in note]
    assert note.startswith("flash: prefill took ")


def test_pictures_are_written_beside_the_report(flopbench, tmp_path):
    command = ("run", "deepseek_ocr", "--analytic-only", "--out", tmp_path / "out")
    plain = flopbench(*command)
    assert plain.returncode == 0
    files = {path.name for path in (tmp_path / "out").iterdir()}
    assert flopbench(*command, "--gpu", "h200").returncode == 0
    added = {path.name for path in (tmp_path / "out").iterdir()} - files
    names, endings = ("roofline", "bound_shares"), ("svg", "png")
    assert added == {f"{name}.{ending}" for name in names for ending in endings}
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["deployment"]["gpu"]["name"] == "h200"


MISTAKES = [
    (("--gpu", "h201"), "unknown GPU 'h201': did you mean 'h200'?"),
    (("--gpu", "none.yaml"), "none.yaml"),
    (("--peak-tflops", "5"), "hardware.bandwidth_gbps is missing"),
    (("--peak-tflops", "-5"), "must be TFLOP/s above 0"),
    (("--price-per-hour", "2"), "hardware.price_per_hour needs hardware.gpu"),
    (("--gpu", "h200", "--measured-ms", "prefill"), "must be STAGE=MS,..., such as prefill=35.2"),
    (("--gpu", "h200", "--measured-ms", "prefill=1,prefill=2"), "each stage once"),
    (("--gpu", "h200", "--measured-ms", "prefil=1"), "did you mean 'prefill'?"),
    (("--gpu", "h200", "--measured-ms", "prefill=nan"), "a number of milliseconds above 0"),
    (("--gpu", "h200", "--measured-ms", "prefill=0.001"), "prefill cannot take less than"),
    (("--gpu", "h200", "hardware.gpus=2"), "gpus must be 1"),
    (("--gpu", "h200", "hardware.compute_dtype=bfloat17"), "did you mean"),
]


@pytest.mark.parametrize(("options", "says"), MISTAKES)
def test_a_mistake_is_one_sentence(flopbench, options, says):
    assert says in one_sentence(flopbench("run", "deepseek_ocr", "--analytic-only", *options))


def test_a_gpu_of_a_file(tmp_path):
    """What a user's file says is what counts, whatever the table has under that name."""
    file = tmp_path / "mine.yaml"
    file.write_text(
        "title: Mine\nmemory_gb: 8\nbandwidth_gbps: 100\npeak_tflops: {bfloat16: 10, float32: 1}\n"
    )
    report = run(hardware={"gpu": str(file)}, attention=["flash"], stages=["decode"])
    bound = report.series[0].bound
    assert bound["compute_ms"] == pytest.approx(bound["tensor_flops"] / 1e13 * 1e3)
    assert bound["memory_ms"] == pytest.approx(bound["bytes_moved"] / 1e11 * 1e3)
    assert report.deployment.gpu["title"] == "Mine"
    assert report.deployment.fit[0]["memory_bytes"] == 8 * 10**9


def test_the_report_holds_plain_data():
    report = run(hardware={"gpu": "h200", "price_per_hour": 2})
    assert json.loads(json.dumps(attrs.asdict(report.deployment)))


def test_a_model_without_closed_forms_has_no_bounds_and_says_so():
    with pytest.raises(UsageError, match="bounds on time need closed forms, but model 'hf/ctrl'"):
        flopbench.run("hf/ctrl", hardware={"gpu": "h200"})


def train(memory, batch=2, **options):
    given = {"gpu": "h200", "memory_gb": memory}
    return run(hardware=given, workload={"batch_size": batch}, **options)


def test_a_training_step_fits_by_its_peak_and_serving_is_not_spoken_of():
    report = train(1, stages=["train"])
    jsonschema.validate(json.loads(report.to_json()), load("report"))
    peaks = {s.attention: s.memory["peak_bytes"] for s in report.series}
    assert report.deployment.fit == ()
    assert {e["attention"]: e["peak_bytes"] for e in report.deployment.step_fit} == peaks
    assert "KV cache " not in report.text().split("On NVIDIA H200")[1]
    most = {e["attention"]: e["largest_batch"] for e in report.deployment.step_fit}
    for mode, batch in most.items():
        for size, fits in ((batch, True), (batch + 1, False)):
            found = train(1, size, stages=["train"], attention=[mode]).deployment.step_fit
            assert [each["fits"] for each in found] == [fits]
    assert most["flash"] > most["eager"] > 2


def test_a_step_that_does_not_fit_says_what_it_needs_and_where():
    report = train(0.01, stages=["train"], attention=["flash"])
    (found,) = report.deployment.step_fit
    assert (found["fits"], found["largest_batch"]) == (False, 0)
    assert found["text"].startswith("a training step does not fit: it needs ")
    assert f" {found['peak']}, and NVIDIA H200 SXM has 10 MB; largest" in found["text"]


def test_serving_fits_as_it_does_without_training():
    alone = train(1, stages=["prefill"]).deployment
    both = train(1, stages=["prefill", "train"]).deployment
    assert both.fit == alone.fit != ()
    assert alone.step_fit == () != both.step_fit


def test_the_optimizer_moves_no_activations():
    (found,) = train(1, stages=["optimizer"], attention=["flash"]).deployment.limits
    assert "of the bytes are gradients, optimizer states and new weights" in found["text"]
