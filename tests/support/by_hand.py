"""For modules whose FLOPs are derived by hand."""

import torch
from torch import nn

import flopbench


class Wide(nn.Module):
    """Calls a function as a module: with itself, which has the given modules, and the inputs."""

    def __init__(self, function, **modules):
        super().__init__()
        self.function = function
        for name, module in modules.items():
            self.add_module(name, module)

    def forward(self, *args):
        return self.function(self, *args)


def zeros(*shape):
    return torch.zeros(*shape)


def counted(module, *args, **kwargs):
    """The FLOPs of a call, with nothing uncounted and no difference between the witnesses."""
    result = flopbench.count(module, *args, **kwargs)
    assert result.complete, result.verdict
    return result.flops


def cases_of(names):
    """Return the functions called ``case_NAME`` in a test module, by NAME."""
    prefix = "case_"
    return {n.removeprefix(prefix): case for n, case in names.items() if n.startswith(prefix)}
