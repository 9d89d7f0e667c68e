"""The guard counts real modules: what the test gives, `flopbench.count` takes."""

import json

import pytest
import torch
from torch import nn

import flopbench

HEAD = """
import torch
from torch import nn
import flopbench

class Net(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.encoder = nn.Linear(8, width)
        self.head = nn.Linear(width, 3)

    def forward(self, x, twice=False):
        x = self.encoder(x)
        return self.head(x + x if twice else x)

"""


@pytest.fixture(autouse=True)
def _loaded():
    """Load all that a count loads: pytest within pytest unloads it, and torch loads only once."""
    flopbench.count(nn.Linear(2, 2), torch.empty(1, 2), backward=True, dtype="bfloat16")


def entry(project):
    ((entry,),) = (e.values() for e in json.loads(project.lock.read_bytes())["checks"].values())
    return entry


def test_a_module_is_counted_by_module(project):
    project.write(f"{HEAD}def test_it(flops):\n    flops.check(Net(5), torch.empty(4, 8))\n")
    project.passes("--flops-update")
    forward = {"encoder": 2 * 4 * 8 * 5, "head": 2 * 4 * 5 * 3}
    parameters = 8 * 5 + 5 + 5 * 3 + 3
    assert entry(project) == {
        "flops": sum(forward.values()),
        "components": forward,
        "uncounted": {},
        "parameters": parameters,
    }
    project.passes()
    project.write(f"{HEAD}def test_it(flops):\n    flops.check(Net(6), torch.empty(4, 8))\n")
    said = project.fails()
    assert "440 -> 528 FLOPs (+20.0 %)" in said
    assert "parameters" in said


def test_options_and_keywords_pass_through(project):
    project.write(
        f"{HEAD}def test_it(flops):\n"
        "    count = flops.check(Net(5), torch.empty(4, 8), twice=True, backward=True,\n"
        "                        components={'*': 'all'}, dtype='bfloat16', peak=True)\n"
        "    assert count.parameter_bytes == 2 * count.parameters\n"
    )
    project.passes("--flops-update")
    # Backward: the gradients of both weights, and that of the input of the head.
    once, head = 2 * 4 * 8 * 5 + 2 * 4 * 5 * 3, 2 * 4 * 5 * 3
    assert entry(project)["components"] == {"all": 2 * once + head}
    assert entry(project)["peak_activation_bytes"] > 0


def test_a_block_may_be_checked_after_its_end(project):
    project.write(
        f"{HEAD}def test_it(flops):\n"
        "    with flopbench.counting() as counted:\n"
        "        torch.empty(4, 8) @ torch.empty(8, 2)\n"
        "    flops.check(counted)\n"
    )
    project.passes("--flops-update")
    assert entry(project)["flops"] == 2 * 4 * 8 * 2
    within = "        flops.check(counted)\n"
    project.write(f"{HEAD}def test_it(flops):\n    with flopbench.counting() as counted:\n{within}")
    assert "the block of flopbench.counting has not ended" in project.fails()


def test_an_op_without_a_formula_is_in_the_entry(project):
    project.write(f"{HEAD}def test_it(flops):\n    flops.check(torch.fft.fft, torch.empty(8))\n")
    done = project.passes("--flops-update")
    ((op, calls),) = entry(project)["uncounted"].items()
    assert ("fft" in op, calls) == (True, 1)
    assert "besides 1 op without a formula" in done.stdout.str()


def test_a_call_that_fails_is_told_with_its_cause(project):
    project.write(f"{HEAD}def test_it(flops):\n    flops.check(Net(5), torch.empty(4, 7))\n")
    said = project.fails("--flops-update")
    assert "CountError: " in said
    assert "x = self.encoder(x)" in said
    assert not project.lock.exists()
