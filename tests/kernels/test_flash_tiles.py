"""Which tile a kernel takes, and which kernels cannot run."""

import re
from pathlib import Path

import pytest

from flopbench.errors import UsageError
from flopbench.kernels import flash_tiles
from flopbench.kernels.flash_tiles import GPUS, kernel_head_dim, tile_rule


@pytest.mark.parametrize(
    ("kernel", "gpu", "width", "case", "tile"),
    [
        ("fa2", "h200", 64, {}, (128, 128)),
        ("fa2", "h200", 256, {}, (64, 64)),
        ("fa2", "a100", 256, {}, (128, 64)),
        ("fa2", "l40s", 128, {}, (128, 32)),
        ("fa2", "l40s", 128, {"causal": True}, (64, 64)),
        ("fa3", "h100", 128, {}, (128, 176)),
        ("fa3", "h100", 128, {"causal": True}, (128, 128)),
        ("fa3", "h100", 64, {"causal": True}, (192, 128)),
        ("fa3", "h100", 128, {"fp8": True}, (128, 224)),
    ],
)
def test_tiles_depend_on_kernel_architecture_width_mask_and_type(kernel, gpu, width, case, tile):
    rule = tile_rule(kernel, GPUS[gpu], width, **({"causal": False} | case))
    assert rule.choose(1000, 1000, lambda t: (t.rows, t.keys)) == tile


@pytest.mark.parametrize(
    ("kernel", "gpu", "width", "fp8", "message"),
    [
        ("fa4", "h200", 64, False, "unknown kernel 'fa4'"),
        ("fa3", "a100", 64, False, "needs a Hopper GPU"),
        ("cudnn", "h200", 192, False, "and 128, not for 192"),
        ("fa2", "h200", 64, True, "not fp8"),
    ],
)
def test_a_kernel_that_cannot_run_says_so(kernel, gpu, width, fp8, message):
    with pytest.raises(UsageError, match=message):
        tile_rule(kernel, GPUS[gpu], width, causal=False, fp8=fp8)


def test_a_head_is_padded_to_the_next_compiled_width():
    assert [kernel_head_dim("fa2", width) for width in (8, 72, 160, 224)] == [32, 96, 192, 256]


def test_the_source_of_fa3s_tiles_is_one_commit():
    source = Path(flash_tiles.__file__).read_text()
    assert len(set(re.findall(r"\b[0-9a-f]{40}\b", source))) == 1
