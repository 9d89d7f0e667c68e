"""The independent list of contractions: complete, and true in numbers."""

from collections import Counter

import pytest
import torch
from torch import nn
from torch._ops import OpOverload
from torch.nn import functional

from modules.aten_classes import FREE
from modules.aten_products import FACTORS, FUSED, PRODUCTS, TRANSFORMS, WEIGHTED
from modules.contractions import Contractions, _plain, base_name, kind
from modules.probe import sums_products
from modules.zoo import LAYERS, USER_CODE, run

pytestmark = pytest.mark.filterwarnings("ignore")  # of the libraries whose modules these are

_LISTS = [*FREE.values(), *FUSED.values(), WEIGHTED, TRANSFORMS, FACTORS, PRODUCTS]
_COMPOSITE = torch._C.DispatchKey.CompositeImplicitAutograd

_NOT_DERIVABLE = {
    "_transformer_encoder_layer_fwd": "torch has no derivative of it",
    "mkldnn_rnn_layer": "single precision only",
    "_int_mm": "integers",
    "_pdist_forward": "of one operand with itself",
}
"""Products that numbers cannot show."""


def found(call, *args, **kwargs):
    """Return the ops of a call that do matrix work, with their kinds."""
    with torch.no_grad(), Contractions() as seen:
        call(*args, **kwargs)
    return dict(seen.found)


@pytest.fixture(scope="module")
def calls():
    """Return a small call of each op that layers and user code run on a CPU."""
    smallest = {}
    for specimen in (*LAYERS, *USER_CODE):
        if specimen.name == "flex_attention":  # compiles itself, which no mode may watch
            continue
        here = specimen.on("cpu")
        with torch.no_grad():
            made, inputs = here.make(), here.inputs(**here.sizes)
            with Contractions() as seen:
                run(made, inputs)
        for func, call in seen.calls.items():
            smallest[func] = min(smallest.get(func, call), call, key=lambda each: each[0])
    return {func: call[1:] for func, call in smallest.items() if isinstance(func, OpOverload)}


def test_every_op_of_torch_has_one_class():
    names = Counter(name for each in _LISTS for name in each)
    assert [name for name, times in names.items() if times > 1] == []
    needed = {base_name(op) for op in _aten() if not _composite(op) and not _plain(op)}
    assert needed == set(names)


def _aten():
    for full in torch._C._dispatch_get_all_op_names():
        name, _, overload = full.removeprefix("aten::").partition(".")
        if full.startswith("aten::"):
            yield getattr(getattr(torch.ops.aten, name), overload or "default")


def _composite(op):
    return op.has_kernel_for_dispatch_key(_COMPOSITE)


def test_no_op_without_matrix_work_sums_products(calls):
    free = frozenset().union(*FREE.values())
    judged = {
        str(func): sums_products(func, *call)
        for func, call in calls.items()
        if func.namespace == "aten" and (_plain(func) or base_name(func) in free)
    }
    assert [name for name, sums in judged.items() if sums] == []
    assert sum(sums is False for sums in judged.values()) > 100


def test_products_are_sums_of_products(calls):
    judged = {
        base_name(func): sums_products(func, *call)
        for func, call in calls.items()
        if func.namespace == "aten" and kind(func, *reversed(call)) == "product"
    }
    assert {name for name, sums in judged.items() if not sums} == set(_NOT_DERIVABLE)
    assert len(judged) > 20


def test_one_pass_over_pairs_looks_like_a_product_and_is_listed_apart(calls):
    judged = {
        base_name(func): sums_products(func, *call)
        for func, call in calls.items()
        if any(base_name(func) in names for names in FUSED.values())
    }
    assert {name for name, sums in judged.items() if sums} == {
        *("binary_cross_entropy", "binary_cross_entropy_with_logits", "grid_sampler_2d"),
        *("huber_loss", "mse_loss", "smooth_l1_loss"),
    }


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (lambda x: x @ x, {("aten.mm", "product"): 1}),
        (torch.fft.rfft, {("aten._fft_r2c", "transform"): 1}),
        (torch.linalg.inv, {("aten.linalg_inv_ex", "factors"): 1}),
        (lambda x: torch.einsum("ij,jk,ik->i", x, x, x), {("aten.bmm", "product"): 2}),
        (lambda x: functional.interpolate(x[None, None], scale_factor=2, mode="bilinear"), {}),
        (lambda x: functional.layer_norm(x, (4,), x[0], x[1]).softmax(-1), {}),
        (lambda x: functional.max_pool2d(functional.avg_pool2d(x[None], 2), 2), {}),
        (lambda x: functional.embedding(x.long(), x), {}),
        (lambda x: x.add_(x).mul_(2).sum(), {}),
    ],
)
def test_matrix_work_is_flagged_and_nothing_else(call, expected):
    assert found(call, torch.rand(4, 4)) == expected


def test_a_weighted_bag_is_a_product_and_a_plain_one_is_not():
    bag = nn.EmbeddingBag(5, 3, mode="sum")
    ids = torch.zeros(2, 4, dtype=torch.long)
    assert found(bag, ids) == {}
    weighted = {("aten._embedding_bag", "product"): 1}
    assert found(bag, ids, per_sample_weights=torch.rand(2, 4)) == weighted


def test_an_op_that_nobody_listed_counts_as_a_product():
    with torch.library._scoped_library("zoo_test", "FRAGMENT") as library:
        library.define("twice(Tensor x) -> Tensor")
        library.impl("twice", lambda x: x * 2, "CompositeExplicitAutograd")
        assert found(torch.ops.zoo_test.twice, torch.rand(3)) == {("zoo_test.twice", "product"): 1}


def test_composites_that_inference_mode_leaves_whole_are_taken_apart():
    with torch.inference_mode(), Contractions() as seen:
        nn.Sequential(nn.Linear(4, 3), nn.Dropout())(torch.rand(2, 4))
    assert dict(seen.found) == {("aten.addmm", "product"): 1}
