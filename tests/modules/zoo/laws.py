"""The law of a specimen, held against counts at sizes drawn at random."""

import random

import torch

import flopbench
from flopbench.errors import UsageError
from modules.zoo.specimen import run

DRAWN = 20


def law_of(specimen, made):
    with torch.no_grad():
        return flopbench.law(made, specimen.inputs, dict(specimen.sizes))


def agreement(specimen, made, law):
    """Return at how many sizes a law is the count, and how many its assumptions exclude."""
    exact = outside = 0
    for sizes in drawn(specimen, law.open):
        try:
            expected = law(**{name: sizes[name] for name in law.open})
        except UsageError:
            outside += 1
            continue
        exact += expected == flops_at(specimen, made, sizes)
    return exact, outside


def flops_at(specimen, made, sizes):
    inputs = specimen.inputs(**sizes)
    with torch.no_grad():
        return run(lambda *args, **kwargs: flopbench.count(made, *args, **kwargs).flops, inputs)


def drawn(specimen, names):
    """Return sizes at random, at and above the examples."""
    generator = random.Random(specimen.name)  # noqa: S311 - no secret
    for _ in range(DRAWN):
        yield {
            name: size + generator.randint(0, 9) * (name in names)
            for name, size in specimen.sizes.items()
        }
