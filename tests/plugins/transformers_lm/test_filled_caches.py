"""Caches with recurrent states, filled without a prefill, against those of real prefills."""

from collections.abc import Mapping

import pytest
import sympy
import torch

from flopbench.laws.law import Subject
from flopbench.laws.vendor_law import vendor_law
from flopbench_transformers_lm.analytic import HfModel
from flopbench_transformers_lm.vendor import HfVendor
from flopbench_transformers_lm.vendor_model import RealModel
from flopbench_transformers_lm.workload import Workload
from plugins.transformers_lm.lm_helpers import COUNTER
from plugins.transformers_lm.recurrent_configs import RECURRENT, recurrent_config, recurrent_model


def described(state, path=""):
    """Yield whatever a nested state holds: tensors by shape and type, and plain values."""
    if isinstance(state, torch.Tensor):
        yield path, (tuple(state.shape), state.dtype, state.device.type)
    elif isinstance(state, Mapping):
        for key, each in state.items():
            yield from described(each, f"{path}.{key}")
    elif isinstance(state, list | tuple):
        yield from described(dict(enumerate(state)), path)
    elif isinstance(state, int | str | None):
        yield path, state
    elif type(state).__name__.endswith(("Cache", "Layer")):
        yield path, type(state).__name__
        yield from described(vars(state), path)


@pytest.mark.parametrize("model_type", RECURRENT)
def test_a_filled_cache_holds_what_a_prefill_leaves(model_type, monkeypatch):
    model = recurrent_model(model_type)
    real = {(3, n): dict(described(model.run_prefill(3, n))) for n in (1, 3, 9)}
    assert model.keeps_state
    monkeypatch.setattr(RealModel, "run_prefill", None)
    # The second time round, nothing is left of the first.
    for (batch, tokens), wanted in [*real.items(), *real.items()]:
        filled = model.left_by_prefill(batch, tokens)
        assert dict(described(filled)) == wanted
        model.decode(batch, tokens)()
    assert any(shape[0][:1] == (3,) for shape in wanted.values() if isinstance(shape, tuple))


def test_a_recurrent_step_is_traced_with_symbols_for_all_sizes():
    """Mamba's step does the same work after any number of tokens: nothing of S is left."""
    config = recurrent_config("mamba")
    subject = Subject(
        vendor=HfVendor(config),
        counter=COUNTER,
        model=HfModel(config),
        stage="decode",
        workload=Workload(batch_size=2, context_tokens=6, decode_steps=8),
        open_sizes=HfModel.sizes,
    )
    law = vendor_law(subject)
    assert law.method == "symbolic"
    assert {s.name for s in sympy.Add(*law.forms.values()).free_symbols} == {"B", "K"}
