"""Proofs whose laws other processes find: the same proofs."""

import pickle

import pytest

import flopbench
from flopbench.commands.prove.pieces import Pieces, law_there
from flopbench.commands.prove.text import FORMATS
from flopbench.errors import UsageError
from flopbench.plan.elsewhere import PlanRequest, identity

PLUGIN = """
from attrs import frozen

from flopbench import hookimpl
from flopbench.analytic import Stage
from toy.sized import SizedToy, TorchVendor


@frozen(kw_only=True)
class Inputs:
    B: int = 3
    S: int = 20


@frozen
class Options:
    pass


class Model(SizedToy):
    name = "laws"
    options_type = Options
    inputs_type = Inputs
    stages = (Stage("one", "One"), Stage("two", "Two"))


class Vendor(TorchVendor):
    name = "laws"
    options_type = Options

    @classmethod
    def from_options(cls, architecture, options):
        return cls(run)


def run(x, linear):
    return linear(x)


@hookimpl
def flopbench_analytic_models():
    return [Model]


@hookimpl
def flopbench_vendor_models():
    return [Vendor]
"""


@pytest.fixture
def request_of(tmp_path):
    (tmp_path / "laws.py").write_text(PLUGIN)
    return PlanRequest(model="laws", plugins=(str(tmp_path / "laws.py"),))


def test_a_law_from_another_process_is_the_one_here(request_of):
    plan, pieces = request_of.plan(), Pieces(symbols=("S",))
    same = identity(plan, "two", plan.workload)
    there = pickle.loads(pickle.dumps(law_there("run", request_of, pieces, "two", same)))  # noqa: S301
    here = pieces.law(plan, "two")
    assert there.forms == here.forms
    assert [str(form) for form in there.forms.values()] == ["96*S"]
    with pytest.raises(UsageError, match=r"^workload of one differ from those on the machine of"):
        law_there("run", request_of, pieces, "one", same)


@pytest.mark.slow
def test_processes_and_workers_give_the_proof_of_this_one(request_of, cluster):
    def proof(**where):
        found = flopbench.prove("laws", plugins=request_of.plugins, **where)
        return FORMATS["json"](found)

    here = proof()
    assert '"proved"' in here
    assert proof(jobs=2) == here
    assert proof(scheduler=cluster.address) == here
