"""The table of GPUs, and a user's own."""

import json

import pytest

from flopbench.errors import UsageError
from flopbench.hardware import DTYPES, gpu_named, known_gpus
from flopbench.kernels import flash_tiles

GPUS = known_gpus()
WITH_SPARSITY = {
    # TFLOP/s in bfloat16 (V100 and T4: none) with 2:4 sparsity, of the same data sheets.
    "h200": 1979, "h100": 1978.9, "h100_pcie": 1513, "h100_nvl": 1671, "b200": 4500, "gb200": 5000,
    "a100": 624, "a100_40gb": 624, "a100_pcie": 624, "a10": 250, "l40s": 733, "l4": 242,
    "rtx_5090": 419, "rtx_4090": 330.4, "rtx_3090": 142, "mi300x": 2614.9, "mi325x": 2614.9,
}  # fmt: skip


@pytest.mark.parametrize("gpu", GPUS.values(), ids=GPUS)
def test_figures_are_plausible_and_have_a_source(gpu):
    assert gpu.source
    assert gpu.memory_bytes >= 16 * 10**9
    assert 10**11 < gpu.bandwidth < 10**13
    assert gpu.l2_bytes > 0
    assert set(gpu.peaks) <= set(DTYPES)
    # Fewer bits are never slower.
    order = [gpu.peaks[d] for d in ("float64", "float32", "tf32", "bfloat16", "float8", "float4")
             if gpu.has(d)]  # fmt: skip
    assert order == sorted(order)
    assert gpu.peaks["float16"] == gpu.peaks.get("bfloat16", gpu.peaks["float16"])


@pytest.mark.parametrize("name", WITH_SPARSITY)
def test_peaks_are_dense(name):
    """Twice the dense figure is the sparse one, up to the rounding of the data sheet."""
    dense = GPUS[name].peaks["bfloat16"] / 10**12
    assert 2 * dense == pytest.approx(WITH_SPARSITY[name], rel=0.02)


def test_only_gpus_without_bfloat16_have_no_sparse_figure():
    assert set(GPUS) - set(WITH_SPARSITY) == {n for n, g in GPUS.items() if not g.has("bfloat16")}


def test_the_kernels_names_are_names_here():
    assert set(flash_tiles.GPUS) <= set(GPUS)


def test_units():
    gpu = gpu_named("h200")
    assert gpu.memory_bytes == 141_000_000_000
    assert gpu.bandwidth == 4_814_000_000_000
    assert gpu.peak("bfloat16") == 989_500_000_000_000
    assert gpu.l2_bytes == 60 * 2**20
    assert json.loads(json.dumps(gpu.to_dict()))["peaks"]["float8"] == 1_979_000_000_000_000


def own(tmp_path, text, name="mine.yaml"):
    path = tmp_path / name
    path.write_text(text)
    return gpu_named(str(path))


def test_a_file_of_the_users_own(tmp_path):
    gpu = own(tmp_path, "bandwidth_gbps: 0.5\npeak_tflops: {bfloat16: 1.5}\ntitle: My GPU\n")
    assert (gpu.name, gpu.title, gpu.memory_bytes, gpu.l2_bytes) == ("mine", "My GPU", None, 0)
    assert (gpu.bandwidth, gpu.peaks) == (500_000_000, {"bfloat16": 1_500_000_000_000})
    same = json.dumps({"bandwidth_gbps": 0.5, "peak_tflops": {"bfloat16": 1.5}, "memory_gb": 24})
    assert own(tmp_path, same, "mine.json").memory_bytes == 24 * 10**9


RATES = "bandwidth_gbps: 1\npeak_tflops: {bfloat16: 1}\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", r"mine.yaml must be a mapping of title, memory_gb, .*, got \[\]"),
        ("a: [", "mine.yaml is not valid YAML: .* in line 1"),
        ("peak_tflops: {bfloat16: 1}", "bandwidth_gbps is missing"),
        ("bandwidth_gbps: 1", "peak_tflops is missing"),
        ("bandwidth_gbps: 1\npeak_tflops: {}", "peak_tflops must have a dtype"),
        ("bandwidth_gbps: 1\npeak_tflops: 5", "peak_tflops must be a mapping of .*, got 5"),
        ("bandwidth_gbps: 1\npeak_tflops: {fp8: 1}", "unknown key 'fp8'"),
        ("bandwidth_gbps: 1\npeak_tflops: {bfloat16: -1}", "peak_tflops.bfloat16 must be a number"),
        (f"{RATES}bandwith: 1", "unknown key 'bandwith': did you mean 'bandwidth_gbps'"),
        (f"{RATES}memory_gb: .nan", "memory_gb must be a number above 0"),
        (f"{RATES}memory_gb: 1.0e-12", "memory_gb must be at least 1e-09"),
        (f"{RATES}l2_mib: yes", "l2_mib must be a number above 0"),
        (f"{RATES}title: 5", "title must be text, got 5"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_file_is_one_sentence(tmp_path, text, message):
    with pytest.raises(UsageError, match=message) as error:
        own(tmp_path, text)
    assert "\n" not in str(error.value)


def test_unknown_names(tmp_path):
    with pytest.raises(UsageError, match="unknown GPU 'h20': did you mean 'h200'"):
        gpu_named("h20")
    with pytest.raises(
        UsageError, match=r"unknown GPU 'tpu': expected one of a10, .*; or give a file"
    ):
        gpu_named("tpu")
    with pytest.raises(
        UsageError, match=r"unknown GPU '4090': did you mean 'rtx_4090'\? .* v100; or"
    ):
        gpu_named("4090")
    with pytest.raises(
        UsageError, match=r"unknown GPU 'a6000': .* The names are a10, .*l40s, .*v100;"
    ):
        gpu_named("a6000")
    with pytest.raises(UsageError, match=r"cannot read hardware\.gpu=.*none.yaml: No such file"):
        gpu_named(str(tmp_path / "none.yaml"))


def test_a_dtype_without_a_peak_names_those_with_one():
    with pytest.raises(UsageError, match=r"V100 .* has no peak for bfloat16: .* float64, float32"):
        gpu_named("v100").peak("bfloat16")


@pytest.mark.parametrize("given", ["RTX 4090", "rtx-4090", " Rtx_4090"])
def test_a_name_may_be_written_as_people_write_it(given):
    assert gpu_named(given) is GPUS["rtx_4090"]
