"""``flopbench attention``: one op, in every mode."""

import json
import os
import sys

import pytest

from flopbench.kernels.flash_tiles import DTYPES, GPUS, KERNELS

SHAPE = {"q": 913, "kv": 913, "heads": 10, "head-dim": 128}


def options(**sizes):
    return [text for name, value in sizes.items() for text in (f"--{name}", str(value))]


@pytest.fixture
def figures(flopbench):
    def run(*flags, **sizes):
        result = flopbench("attention", *options(**(SHAPE | sizes)), *flags, "--json")
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)

    return run


def test_a_causal_prefill(figures):
    found = figures("--causal")
    assert found == {
        "schema_version": "1.0",
        "batch": 1,
        "heads": 10,
        "kv_heads": 10,
        "head_dim": 128,
        "queries": 913,
        "keys": 913,
        "causal": True,
        "gpu": "h200",
        "dtype": "bf16",
        "useful_flops": 4 * 128 * 10 * (913 * 914 // 2),
        "eager_flops": 4 * 128 * 10 * 913 * 913,
        "torch_visible_flops": 0,
        "torch_sdpa_flops": 4 * 128 * 10 * 913 * 913,
        "executed_flops": 2_684_354_560,
        "executed_ratio": 2_684_354_560 / (4 * 128 * 10 * (913 * 914 // 2)),
        "kernel": "fa2_splitkv",
        "tile": [64, 128],
        "splits": 3,
        "sdpa_kernel": "fa2_splitkv",
        "modes": {},
    }


def test_torch_counts_heads_as_wide_as_sdpa_hands_them_on(figures):
    """SDPA pads heads to a multiple of 8 before FlashAttention, and before torch counts."""
    found = figures(**{"head-dim": 100})
    assert found["torch_sdpa_flops"] == 4 * 104 * 10 * 913 * 913
    assert found["eager_flops"] == 4 * 100 * 10 * 913 * 913


@pytest.mark.parametrize(
    ("sizes", "kernel"),
    [({"q": 4096, "kv": 4096}, "fa2_splitkv"), ({"q": 1, "kv": 914}, "fa2")],
)
def test_a_kernel_that_sdpa_would_not_take_is_marked(flopbench, figures, sizes, kernel):
    other = {"fa2": "fa2_splitkv", "fa2_splitkv": "fa2"}[kernel]
    found = figures(**sizes, kernel=kernel)
    assert (found["kernel"], found["sdpa_kernel"]) == (kernel, other)
    mark = f"not what runs: PyTorch's SDPA takes {other} for this shape"
    assert mark in flopbench("attention", *options(**SHAPE | sizes, kernel=kernel)).stdout
    assert "not what runs" not in flopbench("attention", *options(**SHAPE | sizes)).stdout
    assert figures(**sizes, kernel="cudnn")["sdpa_kernel"] is None


def test_help_names_every_gpu_kernel_and_type(flopbench):
    text = " ".join(flopbench("attention", "--help").stdout.split())
    for name in (*GPUS, *KERNELS, *DTYPES):
        assert name in text


def rows(text):
    """Return what stands after each label."""
    return {
        line.split(":")[0].strip(): line.partition(":")[2].strip() for line in text.splitlines()
    }


STRIDED = """
from flopbench import AttentionMode, MatMul, hookimpl

class Strided(AttentionMode):
    name = "strided"

    def unsupported(self, op):
        return None if op.causal else "strided needs a causal mask"

    def lower(self, op):
        if op.queries == 7:
            raise RuntimeError("seven")
        pairs = op.pairs // 4
        yield MatMul(component=op.component, batch=op.heads, m=1, k=op.head_dim, n=pairs)

@hookimpl
def flopbench_attention_modes():
    return [Strided]
"""


def test_the_modes_of_a_plugin_are_shown(flopbench, figures, tmp_path):
    (tmp_path / "strided.py").write_text(STRIDED)
    flops = 2 * 10 * 128 * (913 * 913 // 4)
    given = ("-p", "strided.py")
    found = figures("--causal", *given)
    assert found["modes"] == {"strided": {"tensor_flops": flops, "reason": None}}
    found = figures(*given)
    reason = "strided needs a causal mask"
    assert found["modes"] == {"strided": {"tensor_flops": None, "reason": reason}}
    before = flopbench(*given, "attention", *options(**SHAPE), "--causal")
    after = flopbench("attention", *options(**SHAPE), "--causal", *given)
    assert before.stdout == after.stdout
    assert rows(after.stdout)["strided"] == f"{flops:,}"
    text = flopbench("attention", *options(**SHAPE), *given).stdout
    assert rows(text)["strided"] == f"not carried out: {reason}"


def test_a_mode_that_raises_leaves_the_others(flopbench, tmp_path):
    (tmp_path / "strided.py").write_text(STRIDED)
    done = flopbench("attention", *options(**SHAPE | {"q": 7}), "--causal", "-p", "strided.py")
    assert done.returncode == 2
    assert done.stderr == (
        "flopbench: error: plugin 'strided' (-p): attention mode 'strided' failed: RuntimeError: "
        "seven (strided.py, line 12)\n"
    )
    assert "useful (pairs that the mask leaves)" in done.stdout
    assert "strided" not in done.stdout


FAKE_NCU = """#!{python}
import csv, sys
arguments = sys.argv[1:]
columns = {{
    "ID": "0",
    "thread Domain:Push/Pop_Range:PL_Type:PL_Value:CLR_Type:Color:Msg_Type:Msg":
        "<default domain>:flopbench|0|aten.x|:none",
    "Kernel Name": "flash_fwd_splitkv_kernel<Flash_fwd_kernel_traits<128, 64, 128>>(T)",
    "Grid Size": "(1, 8, 10)",
    "Block Size": "(128, 1, 1)",
    arguments[arguments.index("--metrics") + 1]: "335544321",
}}
with open(arguments[arguments.index("--log-file") + 1], "w") as file:
    writer = csv.DictWriter(file, list(columns), quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerow(columns)
"""


def test_a_measurement_stands_beside_the_prediction(tmp_path, monkeypatch):
    from flopbench.commands.attention.figures import attention_figures, measure
    from flopbench.commands.attention.text import measured_text
    from flopbench.kernels import ncu_profile
    from flopbench.ops import Attention

    program = tmp_path / "ncu"
    program.write_text(FAKE_NCU.format(python=sys.executable))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(ncu_profile, "_gpus", lambda: 1)
    heads = {"heads": 10, "kv_heads": 10, "head_dim": 128, "value_dim": 128}
    op = Attention(component="a", batch=1, queries=1, keys=914, **heads)
    found = measure(op, "auto", "bf16")
    assert found.measured_flops == 335_544_321
    text = measured_text(attention_figures(op, "h200", "auto", "bf16"), found)
    assert rows(text)["measured on this GPU"].split(maxsplit=1) == [
        "335,544,321",
        "+1 against the prediction",
    ]
    assert "flash_fwd_splitkv_kernel" in text


@pytest.mark.parametrize(
    ("sizes", "kernel", "tile", "splits", "executed"),
    [
        ({"q": 4096, "kv": 4096}, "fa2", [128, 64], 1, 85_899_345_920),
        ({"q": 1, "kv": 914}, "fa2_splitkv", [64, 128], 8, 4 * 128 * 10 * 64 * 1024),
        ({"q": 1, "kv": 914, "kernel": "fa2"}, "fa2", [128, 64], 1, 4 * 128 * 10 * 128 * 960),
        ({"q": 1, "kv": 914, "kernel": "cudnn"}, "cudnn", [16, 128], None, 83_886_080),
        ({"q": 1, "kv": 914, "kernel": "fa3"}, "fa3", [64, 176], None, 4 * 1280 * 64 * 1056),
        ({"q": 1, "kv": 256, "kernel": "cudnn"}, "cudnn", [64, 64], None, 4 * 1280 * 64 * 256),
        ({"q": 1, "kv": 257, "kernel": "cudnn"}, "cudnn", [16, 128], None, 4 * 1280 * 16 * 384),
        ({"q": 1, "kv": 914, "batch": 22}, "fa2", [128, 64], 1, 4 * 128 * 220 * 128 * 960),
        ({"q": 77, "kv": 20, "kernel": "fa2"}, "fa2", [128, 64], 1, 4 * 128 * 10 * 128 * 64),
    ],
)
def test_kernel_tile_and_splits_are_chosen_by_shape(figures, sizes, kernel, tile, splits, executed):
    found = figures(**sizes)
    assert (found["kernel"], found["tile"], found["splits"]) == (kernel, tile, splits)
    assert found["executed_flops"] == executed


def test_the_number_of_multiprocessors_decides_on_splitting(figures):
    sizes = {"q": 1, "kv": 914, "batch": 18}
    assert figures(**sizes, gpu="h200")["kernel"] == "fa2_splitkv"
    assert figures(**sizes, gpu="a100")["kernel"] == "fa2"


def test_people_read_the_same(flopbench, figures):
    result = flopbench("attention", *options(**SHAPE), "--causal")
    found = figures("--causal")
    for name in ("useful_flops", "eager_flops", "executed_flops"):
        assert f"{found[name]:,}" in result.stdout
    assert "tile 64 x 128, keys split in 3" in result.stdout
    assert "1.2566 times useful" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([*options(**SHAPE | {"q": 914}), "--causal"], "--causal needs --q of at most --kv (913)"),
        (options(**SHAPE, **{"kv-heads": 3}), "--kv-heads must divide --heads (10), got 3"),
        (options(**SHAPE, gpu="h20"), "unknown GPU 'h20': did you mean 'h200'?"),
        (options(**SHAPE, kernel="fa4"), "unknown kernel 'fa4'"),
        (options(**SHAPE, dtype="bf61"), "unknown dtype 'bf61': did you mean 'bf16'?"),
        (options(**SHAPE, dtype="fp8"), "only fa3 takes fp8"),
        (options(**SHAPE, kernel="fa3", gpu="a100"), "kernel fa3 needs a Hopper GPU"),
        (options(**SHAPE | {"head-dim": 257}), "heads of up to 256, not 257"),
        (options(**SHAPE | {"q": 1, "kv": 1}, kernel="cudnn"), "at least 2 keys"),
        (
            [*options(**SHAPE | {"q": 9}, kernel="cudnn"), "--causal"],
            "as many queries as keys in PyTorch's SDPA, got 9 queries and 913 keys",
        ),
        (options(**SHAPE | {"q": 0}), "must be an integer from 1 to"),
        (options(**SHAPE | {"head-dim": 300}, kernel="fa3"), "kernel fa3 takes heads of up to 256"),
        (options(**SHAPE, kernel="fa3", **{"kv-heads": 2}), "kernel fa3 may pack grouped heads"),
        ([*options(**SHAPE, kernel="fa2"), "--measure"], "--kernel must be auto or cudnn, got fa2"),
        ([*options(**SHAPE, kernel="auto"), "--measure"], "needs NVIDIA's Nsight Compute"),
        (options(**SHAPE | {"heads": "ten"}), "must be an integer, got 'ten'"),
    ],
)
def test_a_wrong_option_is_one_sentence(flopbench, arguments, message):
    result = flopbench("attention", *arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert message in result.stderr
    assert "Traceback" not in result.stderr


def test_it_needs_neither_torch_nor_numpy(flopbench, tmp_path):
    blocker = "import sys\nfor name in ('torch', 'numpy', 'sympy'):\n    sys.modules[name] = None\n"
    (tmp_path / "sitecustomize.py").write_text(blocker)
    result = flopbench("attention", *options(**SHAPE), PYTHONPATH=str(tmp_path))
    assert result.returncode == 0, result.stderr
