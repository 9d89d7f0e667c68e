"""Widths of elements, and what becomes of a name that is none."""

import pytest

from flopbench.analytic.price import price
from flopbench.builtin.eager import Eager
from flopbench.conventions import Conventions
from flopbench.dims import DTYPE_BYTES, element_bytes
from flopbench.errors import UsageError
from flopbench.ops import Linear
from flopbench.storage import DTYPE_BITS
from support.cli import one_sentence
from toy import write_toy


@pytest.mark.parametrize("name", DTYPE_BYTES)
def test_an_element_has_the_bytes_that_torch_says(name):
    import torch

    width = getattr(torch, name).itemsize
    assert element_bytes(name) == width
    layer = Linear(component="layer", rows=1, in_features=3, out_features=5)
    found = price([layer], Eager(), Eager(), Conventions(), name)
    assert found.footprint.weight_bytes == {"layer": 15 * width}
    assert found.footprint.peak_activation_bytes == 8 * width
    assert found.cost.activation_bytes_read == 3 * width


@pytest.mark.parametrize("wrong", ["int3", "bf17", "", None, 2, ["bfloat16"]])
def test_another_name_is_refused_with_those_that_are_known(wrong):
    with pytest.raises(UsageError, match=f"one of {', '.join(DTYPE_BITS)}, got ") as told:
        price([], Eager(), Eager(), Conventions(), wrong)
    assert repr(wrong) in str(told.value)


@pytest.fixture
def toy(tmp_path):
    """A model whose ``dtype`` a user may set to any text."""
    made = "made = cls()\n        made.dtype = options.dtype\n        return made"
    write_toy(
        tmp_path,
        ('"""Nothing can be set."""', 'dtype: str = "bfloat16"'),
        (
            "options):\n        return cls()\n\n    def workload",
            f"options):\n        {made}\n\n    def workload",
        ),
    )


@pytest.mark.parametrize(
    "command",
    [
        ("run", "toy", "--analytic-only"),
        ("sweep", "toy", "--vary", "workload.rows=1:3", "--analytic-only"),
        ("explain", "toy"),
        ("prove", "toy"),
    ],
)
@pytest.mark.usefixtures("toy")
def test_every_command_says_so_in_a_sentence(flopbench, command):
    sentence = one_sentence(flopbench(*command, "-p", "toy.py", "model.dtype=int3"))
    known = ", ".join(DTYPE_BITS)
    assert sentence == f"model 'toy': dtype must be one of {known}, got 'int3'"
    assert flopbench("explain", "toy", "-p", "toy.py", "model.dtype=float64").returncode == 0


@pytest.mark.usefixtures("toy")
def test_a_comparison_names_the_model(flopbench):
    entries = ("toy:model.dtype=int3", "toy")
    result = flopbench("compare", *entries, "-p", "toy.py", "--analytic-only")
    assert result.returncode == 1
    assert "toy dtype=int3: model 'toy': dtype must be one of float64, " in result.stdout
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("command", ["run", "explain", "sweep"])
def test_a_known_model_says_what_it_takes(flopbench, command):
    varied = ("--vary", "workload.decode_steps=1,2") if command == "sweep" else ()
    result = flopbench(command, "deepseek_ocr", *varied, "model.dtype=int3")
    told = "model.dtype must be 'bfloat16' or 'float16' or 'float32' or null, got 'int3'"
    assert one_sentence(result) == told
