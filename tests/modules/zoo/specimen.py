"""What a specimen is: a module or callable, and the inputs of one call, as data."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from attrs import evolve, field, frozen


@frozen
class Specimen:
    """A module or callable, and how to call it.

    Both functions build on whatever device is the default; ``make`` and ``inputs`` see to it
    that it is the specimen's.
    """

    name: str
    builder: Callable[[], Any]
    arguments: Callable[..., Any]
    """The sizes by name, to a tuple (positional), a dict (keywords) or one tensor."""
    sizes: Mapping[str, int]
    """An example each, all different and 2 at least."""
    fixed: str = ""
    """Why no law is open in some of these sizes, if so."""
    refused: str = ""
    """Why no count is possible without values, if so."""
    device: str = field(default="meta", kw_only=True)

    def make(self):
        with torch.device(self.device):
            return self.builder()

    def inputs(self, **sizes):
        with torch.device(self.device):
            return self.arguments(**sizes)

    def on(self, device):
        """Return the same specimen elsewhere."""
        return evolve(self, device=device)

    def call(self, **sizes):
        """Build it and call it once, as a user would without flopbench."""
        return run(self.make(), self.inputs(**(sizes or self.sizes)))


def run(made, inputs):
    """Call a module with what ``inputs`` returned."""
    if isinstance(inputs, dict):
        return made(**inputs)
    return made(*inputs) if isinstance(inputs, tuple) else made(inputs)


def real(*shape):
    """Return random floats."""
    return torch.rand(shape)


def ids(*shape, high=40):
    """Return random indices below ``high``."""
    return torch.randint(0, high, shape)
