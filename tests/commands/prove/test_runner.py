"""Proofs of a toy whose vendor runs otherwise for some sizes, or cannot be traced."""

import attrs
import pytest
import sympy

from flopbench import Linear, MatMul, VendorCall, VendorStage
from flopbench.analytic import Size, Stage
from flopbench.builtin.torch_counter import TorchCounter
from flopbench.dims import halve, minimum
from flopbench.dims.forms import symbol
from flopbench.errors import CountError, PluginError, UsageError
from flopbench.laws.law import Subject
from flopbench.laws.vendor_law import count_by_law
from flopbench.vendor import VendorCounter
from support.proofs import equations, proof_of
from toy.sized import WIDTH, SizedToy, Sizes, TorchVendor


def toy(function, workload=None, **options):
    return proof_of(SizedToy(), TorchVendor(function), workload or Sizes(), **options)


def whole(proof):
    return equations(proof)["prefill", None]


def run(x, linear):
    return linear(x)


def test_the_same_work_is_proved_for_every_size():
    proof = toy(run)
    equation = equations(proof)["prefill", "layer"]
    assert (str(equation.vendor), str(equation.analytic)) == ("32*B*S", "32*B*S")
    assert equation.difference == 0
    assert equation.verdict == proof.verdict == "proved"
    assert equation.assumptions == ()


def test_work_that_is_missing_differs_by_the_terms_that_are_missing():
    proof = toy(lambda x, linear: linear(x) @ x.transpose(1, 2))
    equation = equations(proof)["prefill", "layer"]
    assert equation.verdict == "differs"
    assert [(str(t.term), t.vendor, t.analytic) for t in equation.terms] == [("B*S**2", 8, 0)]
    assert str(equation.difference) == "-8*B*S**2"
    assert set(equation.vendor_ops) == {"aten.mm", "aten.bmm"}
    assert set(equation.analytic_ops) == {"linear"}


def test_errors_that_cancel_still_differ():
    class Split(SizedToy):
        def ops(self, stage, workload):
            for op in super().ops(stage, workload):
                yield op
                yield type(op)(component="other", rows=1, in_features=1, out_features=2)

    proof = proof_of(Split(), TorchVendor(run), Sizes())
    assert equations(proof)["prefill", "layer"].verdict == "proved"
    assert equations(proof)["prefill", "other"].verdict == "differs"
    assert whole(proof).verdict == "differs"


def test_a_branch_on_a_size_is_an_assumption():
    proof = toy(lambda x, linear: linear(x) if x.shape[1] < 4095 else x)
    assert whole(proof).verdict == "proved"
    assert whole(proof).assumptions == ("S < 4095",)


@pytest.mark.parametrize(("name", "axis"), [("B", 0), ("S", 1)], ids=["one sequence", "one token"])
def test_a_size_of_1_where_the_program_does_more_differs_there(name, axis):
    proof = toy(lambda x, linear: linear(linear(x)) if x.shape[axis] == 1 else linear(x))
    equation = equations(proof)["prefill", "layer"]
    assert equation.verdict == "differs"
    assert equation.difference == 0
    assert equation.reason.endswith(f"where {name} = 1: the program runs differently there")


def test_two_sizes_that_are_1_together_are_looked_at_together():
    def function(x, linear):
        return linear(linear(x)) if x.shape[0] == 1 and x.shape[1] == 1 else linear(x)

    equation = equations(toy(function))["prefill", "layer"]
    assert equation.verdict == "differs"
    assert "analytic minus vendor is -32, where B = 1, S = 1" in equation.reason


def test_another_way_with_the_same_work_is_no_difference():
    def function(x, linear):
        return linear(x) if x.shape[0] > 1 else linear(x[0])

    assert toy(function).verdict == "proved"


def test_a_slice_that_does_not_stay_symbolic_makes_the_whole_law_interpolated():
    def function(x, linear):
        if x.shape[0] > 1:
            return linear(x)
        return [linear(x[:, i]) for i in range(int(x.shape[1]))]

    proof = toy(function)
    assert proof.verdict == "interpolated"
    assert any(note.startswith("S was interpolated") for note in whole(proof).assumptions)


class Window(SizedToy):
    def ops(self, stage, workload):
        from flopbench.dims import minimum

        rows = workload.B * minimum(workload.S, 64)
        yield Linear(component="layer", rows=rows, in_features=WIDTH, out_features=WIDTH)


def windowed(x, linear):
    return linear(x) if x.shape[1] < 64 else linear(x[:, :64])


def test_a_window_is_proved_under_the_guard_that_it_makes():
    proof = proof_of(Window(), TorchVendor(windowed), Sizes(B=3, S=20))
    assert whole(proof).verdict == "proved"
    assert whole(proof).assumptions == ("S < 64",)
    beyond = proof_of(Window(), TorchVendor(windowed), Sizes(B=3, S=200))
    assert beyond.verdict == "proved"
    assert str(whole(beyond).vendor) == "2048*B"


def test_a_window_that_is_too_wide_differs():
    proof = proof_of(Window(), TorchVendor(lambda x, linear: linear(x)), Sizes(B=3, S=20))
    assert whole(proof).verdict == "differs"


def test_a_workload_that_loses_what_flops_depend_on_is_named():
    class Forgetful(SizedToy):
        """Prices twice the rows if they are many, which its workload with symbols forgets."""

        def ops(self, stage, workload):
            for op in super().ops(stage, workload):
                yield op if workload.scale == 1 else attrs.evolve(op, rows=op.rows * workload.scale)

    @attrs.frozen
    class Scaled(Sizes):
        scale: int = 1

    class Loses(Forgetful):
        def stage_workload(self, stage, workload, sizes):
            return Scaled(**sizes)

    class Keeps(Forgetful):
        def stage_workload(self, stage, workload, sizes):
            return Scaled(**sizes, scale=workload.scale)

    class ScaledVendor(TorchVendor):
        def stage(self, name, workload):
            scaled = attrs.evolve(workload, B=workload.B * workload.scale)
            return super().stage(name, scaled)

    workload = Scaled(B=2, S=9, scale=5)
    assert proof_of(Keeps(), ScaledVendor(run), workload).verdict == "proved"
    with pytest.raises(PluginError, match="see stage_workload"):
        proof_of(Loses(), ScaledVendor(run), workload)


def test_a_size_that_the_program_binds_is_interpolated_and_never_called_proved():
    def function(x, linear):
        return [linear(x[i]) for i in range(int(x.shape[0]))]

    proof = toy(function)
    assert str(whole(proof).vendor) == "32*B*S"
    assert proof.verdict == whole(proof).verdict == "interpolated"
    (note,) = (note for note in whole(proof).assumptions if "interpolated" in note)
    assert note.startswith("B was interpolated (the program binds B to a number): degree 1 from B")
    assert note.endswith("degree 1 from B = 1, 2, 3, confirmed at 4, 5, 11")


def test_a_stair_in_a_bound_size_is_incomplete():
    def function(x, linear):
        return [linear(x[i]) for i in range(int(x.shape[0]) // 7)]

    proof = toy(function, Sizes(B=50, S=20))
    assert whole(proof).verdict == "incomplete"
    assert whole(proof).vendor is None
    assert "lie on" in whole(proof).reason


class Numbers(VendorCounter):
    """Counts as the torch counter does, but not with symbols."""

    name = "numbers"
    convention = TorchCounter.convention

    def count(self, call):
        return TorchCounter().count(call)


def test_a_counter_of_numbers_gives_interpolated_laws():
    proof = toy(run, counter=Numbers())
    assert str(whole(proof).vendor) == "32*B*S"
    assert whole(proof).verdict == "interpolated"
    assert any("'numbers' counts numbers only" in note for note in whole(proof).assumptions)


def test_an_interpolated_law_says_nothing_of_sizes_where_the_closed_form_bends():
    """Both sides stop at 5,000 rows per sequence: sizes that interpolation never measures."""

    class Bent(SizedToy):
        def ops(self, stage, workload):
            for op in super().ops(stage, workload):
                yield attrs.evolve(op, rows=workload.B * minimum(workload.S, 5_000))

    proof = proof_of(Bent(), TorchVendor(run), Sizes(), counter=Numbers())
    assert whole(proof).verdict == "incomplete"
    assert "interpolated from small sizes, and the closed form bends" in whole(proof).reason


def test_an_op_without_a_formula_is_incomplete():
    import torch

    def function(x, linear):
        linear(x)
        return torch.mv(x[0], x[0, 0])

    proof = toy(function)
    assert whole(proof).verdict == "incomplete"
    assert "aten.mv" in whole(proof).reason
    assert [op.op for op in whole(proof).uncounted] == ["aten.mv"]


def test_a_vendor_that_fails_is_incomplete_with_its_reason():
    def function(x, linear):
        raise RuntimeError("no weights today")

    proof = toy(function)
    assert whole(proof).verdict == "incomplete"
    assert "RuntimeError: no weights today" in whole(proof).reason
    assert proof.to_dict()["stages"][0]["vendor"] is None


def test_no_work_at_all_proves_nothing():
    class Idle(SizedToy):
        def ops(self, stage, workload):
            return ()

    proof = proof_of(Idle(), TorchVendor(lambda x, linear: x), Sizes())
    assert whole(proof).verdict == "incomplete"


def test_sizes_that_stay_closed_have_their_workloads_value():
    proof = toy(run, symbols=["S"])
    assert str(whole(proof).vendor) == "96*S"
    assert [size.name for size in proof.sizes] == ["S"]


def test_an_unknown_symbol_and_a_model_without_any_are_usage_errors():
    with pytest.raises(
        UsageError, match=r"unknown symbol of toy in these stages 's': did you mean 'S'\?"
    ):
        toy(run, symbols=["s"])

    class Fixed(SizedToy):
        sizes = ()

        def stage_sizes(self, stage, workload):
            return {}

    with pytest.raises(UsageError, match="declares no sizes"):
        proof_of(Fixed(), TorchVendor(run), Sizes())


def test_the_json_form_parses_back_to_the_forms():
    proof = toy(run)
    data = proof.to_dict()
    names = {name: sympy.Symbol(name, integer=True, positive=True) for name in data["symbols"]}
    for equation, row in zip(proof.equations, data["stages"], strict=True):
        assert sympy.sympify(row["vendor"], locals=names) == equation.vendor
        assert sympy.sympify(row["difference"], locals=names) == 0


class ToyDecoder(SizedToy):
    """Decoding: step k multiplies B rows by S + k keys."""

    stages = (Stage("decode", "Decode"),)
    sizes = (*SizedToy.sizes, Size("K", "steps", steps=True))

    def ops(self, stage, workload):
        keys = workload.S + 1
        steps = workload.K
        yield MatMul(
            component="layer",
            batch=workload.B,
            m=1,
            k=WIDTH,
            n=steps * keys + halve(steps * (steps - 1)),
        )

    def stage_sizes(self, stage, workload):
        return {"B": workload.B, "S": workload.S, "K": workload.K}

    def stage_workload(self, stage, workload, sizes):
        return Steps(**sizes)


@attrs.frozen
class Steps(Sizes):
    """The toy's workload with decode steps."""

    K: object = 9


class ToyDecoderVendor(TorchVendor):
    def stage(self, name, workload):
        import torch

        def prepare(step):
            q = torch.empty(workload.B, 1, WIDTH, device="meta")
            keys = torch.empty(workload.B, WIDTH, workload.S + step, device="meta")
            return VendorCall(torch.nn.Identity(), lambda: self.function(q, keys))

        return VendorStage(prepare, steps=workload.K)


def test_steps_are_summed_for_every_number_of_them():
    proof = proof_of(ToyDecoder(), ToyDecoderVendor(lambda q, keys: q @ keys), Steps())
    (equation, *_) = proof.equations
    assert equation.verdict == "proved"
    assert str(equation.vendor) == "4*B*K**2 + 8*B*K*S + 4*B*K"


def test_steps_of_a_fixed_number_are_summed_too():
    proof = proof_of(
        ToyDecoder(), ToyDecoderVendor(lambda q, keys: q @ keys), Steps(), symbols=["S"]
    )
    (equation, *_) = proof.equations
    assert equation.verdict == "proved"
    assert equation.vendor == sum(3 * 2 * WIDTH * (symbol("S") + k) for k in range(1, 10))


def test_a_decode_off_by_one_key_differs_in_the_coefficient_of_the_steps():
    def function(q, keys):
        return q @ keys[:, :, 1:]

    proof = proof_of(ToyDecoder(), ToyDecoderVendor(function), Steps())
    (equation, *_) = proof.equations
    assert equation.verdict == "differs"
    assert [(str(t.term), t.difference) for t in equation.terms] == [("B*K", 8)]


def test_a_first_step_that_runs_otherwise_leaves_no_law_for_the_sum():
    class First(ToyDecoderVendor):
        def stage(self, name, workload):
            stage = super().stage(name, workload)
            return VendorStage(lambda k: stage.prepare(k + 5 if k == 1 else k), steps=stage.steps)

    proof = proof_of(ToyDecoder(), First(lambda q, keys: q @ keys), Steps())
    (equation, *_) = proof.equations
    assert equation.verdict == "incomplete"
    assert "runs differently where" in equation.reason
    assert "k = 1, so no single law holds for all of decode" in equation.reason


def test_the_vendors_own_number_of_steps_is_summed():
    class Longer(ToyDecoderVendor):
        def stage(self, name, workload):
            return attrs.evolve(super().stage(name, workload), steps=workload.K + 1)

    proof = proof_of(ToyDecoder(), Longer(lambda q, keys: q @ keys), Steps())
    (equation, *_) = proof.equations
    assert equation.verdict == "differs"
    steps, tokens, batch = (symbol(name) for name in "KSB")
    one_more = 8 * batch * (tokens + steps + 1)
    assert sympy.expand(equation.difference + one_more) == 0


@pytest.mark.parametrize("odd", ["one step", "each fourth step"])
def test_a_step_that_runs_otherwise_is_no_law_at_that_workload(odd):
    def function(q, keys):
        n = keys.shape[2]
        more = n == 24 if odd == "one step" else n % 4 == 0
        return q @ keys @ keys.transpose(1, 2) if more else q @ keys

    subject = Subject(
        vendor=ToyDecoderVendor(function),
        counter=TorchCounter(),
        model=ToyDecoder(),
        stage="decode",
        workload=Steps(),
        open_sizes=ToyDecoder.sizes,
    )
    with pytest.raises(CountError):
        count_by_law(subject)


def test_errors_of_two_stages_that_cancel_differ_in_their_sum():
    class Two(SizedToy):
        stages = (Stage("a", "A"), Stage("b", "B"), Stage("all", "All", parts=("a", "b")))

        def ops(self, stage, workload):
            for _ in range({"a": 0, "b": 2}[stage]):
                yield from super().ops(stage, workload)

    proof = proof_of(Two(), TorchVendor(run), Sizes(), stages=["all"])
    (equation,) = proof.equations
    assert equation.difference == 0
    assert equation.verdict == proof.verdict == "differs"
    assert "a: layer" in equation.reason


def test_a_minimum_of_0_steps_has_one_symbol_on_both_sides():
    class FromNone(ToyDecoder):
        sizes = (*SizedToy.sizes, Size("K", "steps", minimum=0, steps=True))

    proof = proof_of(FromNone(), ToyDecoderVendor(lambda q, keys: q @ keys), Steps())
    assert proof.verdict == "proved"
