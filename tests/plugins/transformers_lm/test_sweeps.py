"""A sweep evaluates the closed forms once, over arrays: each point is priced as it is alone."""

import attrs
import numpy as np
import pytest

from flopbench.analytic.price import Pricer
from flopbench.analytic.price_many import Evaluator
from flopbench.builtin import absorbed, flash, recurrent, sparse
from flopbench.builtin.eager import Eager
from flopbench.conventions import Conventions
from flopbench.errors import PluginError
from flopbench_transformers_lm.analytic import HfModel
from flopbench_transformers_lm.workload import Workload
from plugins.transformers_lm.tiny_configs import few, one_per_family, tiny

MODES = (
    Eager(),
    flash.Flash(),
    flash.Flash3(),
    recurrent.Fused(),
    absorbed.Absorbed(),
    sparse.Sparse(),
)
POINTS = {
    "batch_size": (1, 2, 3, 1, 2, 3, 1, 2),
    "context_tokens": (1, 2, 5, 8, 9, 1, 9, 5),
    "decode_steps": (2, 1, 3, 1, 2, 2, 3, 4),
}
"""Sizes on both sides of the tiny configs' windows, chunks and kernels of convolutions."""

STEADY = {
    "context_tokens": (12, 13, 20, 27, 12, 40, 41, 64),
    "batch_size": (2, 3, 2, 3, 4, 5, 2, 3),
    "decode_steps": (2, 3, 2, 3, 4, 5, 2, 3),
}
"""Sizes beyond all of them, which no type tells apart."""

BRANCHING = {"deepseek_v32", "glm_moe_dsa", "llama4_text", "recurrent_gemma", "rwkv"}
"""Types that take another way at some sizes of POINTS: an index of all keys, chunks of keys, or one
token alone. A sweep prices their points one by one."""

COUNT = 8

FAST = {"gemma2", "mamba2", "qwen3_next"}
"""A type with windows, one with chunks and one with both kinds of layers, which run always."""


def evaluator(model, *modes):
    pricer = Pricer(Eager(), Conventions(), "bfloat16")
    return Evaluator(model=model, modes=modes, pricer=pricer)


def alone(model, points):
    """Return the costs of each point by itself, by mode and stage."""
    sizes = [dict(zip(points, each, strict=True)) for each in zip(*points.values(), strict=True)]
    return [evaluator(model, *MODES).points([Workload(**each)])[0] for each in sizes]


def together(model, mode, points):
    """Return the same in one mode from arrays of all points; None if it takes no arrays."""
    arrays = {name: np.array(sizes, dtype=object) for name, sizes in points.items()}
    try:
        priced = evaluator(model, mode).price_arrays(Workload(**arrays))
    except PluginError as error:
        if "ValueError: some have " not in str(error):
            raise
        return None
    return [{key: at(index, found) for key, found in priced.items()} for index in range(COUNT)]


def at(index, found):
    """Return the costs of one point."""
    kinds = attrs.asdict(found, recurse=False)
    return {
        kind: {name: np.broadcast_to(column, COUNT)[index] for name, column in columns.items()}
        for kind, columns in kinds.items()
    }


def held(model, mode, points, expected):
    """Return whether a mode takes arrays; hold it to its points alone if so."""
    found = together(model, mode, points)
    for index, point in enumerate(found or ()):
        one = {key: costs for key, costs in expected[index].items() if key[0] == mode.name}
        assert point == one, (mode.name, index)
    return found is not None


@pytest.mark.parametrize("kind", few(sorted({*one_per_family(), *BRANCHING, *FAST}), FAST))
def test_a_sweep_prices_each_point_as_it_is_alone(kind):
    """Or refuses the arrays, if a form takes another way at some sizes: never a wrong number."""
    model = HfModel(tiny(kind))
    expected = alone(model, POINTS)
    refused = [mode for mode in MODES if not held(model, mode, POINTS, expected)]
    assert bool(refused) == (kind in BRANCHING)
    steady = alone(model, STEADY) if refused else []
    assert all(held(model, mode, STEADY, steady) for mode in refused)
