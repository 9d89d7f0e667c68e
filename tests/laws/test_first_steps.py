"""A step that is the first of a longer context has the law of every step."""

from typing import ClassVar

import attrs
import pytest

from flopbench.builtin.torch_counter import TorchCounter
from flopbench.errors import CountError
from flopbench.laws.law import Subject
from flopbench.laws.vendor_law import vendor_law
from flopbench_transformers_lm.analytic import HfModel
from flopbench_transformers_lm.vendor import HfVendor
from flopbench_transformers_lm.workload import Workload
from plugins.transformers_lm.lm_helpers import small_config


class Counting(TorchCounter):
    """The torch counter, which tells what symbols it traced."""

    traced: ClassVar[list[set[str]]] = []

    def trace(self, prepare, symbols):
        self.traced.append({symbol.name for symbol in symbols})
        return super().trace(prepare, symbols)


class Changed(HfVendor):
    """A vendor whose stages are changed."""

    change = staticmethod(lambda stage: stage)

    def stage(self, name, workload):
        return self.change(super().stage(name, workload))


def alone(stage):
    return attrs.evolve(stage, grows=None)


def subject_of(model_type, change=None, names="BSK", **workload):
    config = small_config(model_type)
    vendor = Changed(config)
    vendor.change = change or vendor.change
    return Subject(
        vendor=vendor,
        counter=Counting(),
        model=HfModel(config),
        stage="decode",
        workload=Workload(**{"batch_size": 2, "context_tokens": 9, "decode_steps": 4, **workload}),
        open_sizes=tuple(size for size in HfModel.sizes if size.name in names),
    )


def found(subject):
    """Return all that a law says, or why there is none, and the symbols of each trace."""
    Counting.traced.clear()
    try:
        law = vendor_law(subject)
    except CountError as error:
        return str(error), [*Counting.traced]
    told = {name: str(value) for name, value in attrs.asdict(law, recurse=False).items()}
    slices = [(piece.sizes, str(piece.forms)) for piece in law.slices]
    return {**told, "slices": slices}, [*Counting.traced]


@pytest.mark.parametrize("names", ["BSK", "S", "K"])
def test_the_law_is_that_of_steps_which_are_all_traced(names):
    one, each = (found(subject_of("llama", change, names)) for change in (None, alone))
    assert one[0] == each[0]
    assert len(one[1]) < len(each[1]) if "S" in names else one[1] == each[1]


def test_one_trace_serves_open_steps_open_tokens_and_both():
    _, traced = found(subject_of("llama"))
    assert traced == [{"B", "S"}, {"S"}, {"B"}]


@pytest.mark.parametrize(("tokens", "names"), [(2, "SK"), (4, "K"), (4, "SK"), (9, "SK")])
def test_a_window_that_fills_is_seen_as_if_each_step_was_traced(tokens, names):
    one, each = (
        found(subject_of("gpt_oss", change, names, context_tokens=tokens))[0]
        for change in (None, alone)
    )
    assert one == each


@pytest.mark.parametrize(
    ("steps", "where"), [(1, "at K=2, but"), (4, "at the workload's own sizes, but")]
)
def test_a_step_that_is_not_the_first_of_a_longer_context_is_found_by_a_count(steps, where):
    def longer(stage):
        """Make each step after the first one step too late."""
        return attrs.evolve(stage, prepare=lambda k: stage.prepare(k if k == 1 else k + 1))

    with pytest.raises(CountError, match=where):
        vendor_law(subject_of("llama", longer, decode_steps=steps))
    assert vendor_law(subject_of("llama", decode_steps=steps)).method == "symbolic"
