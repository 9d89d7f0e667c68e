"""The torch counter: where FLOPs arise, and which ops it has no formula for."""

import contextlib
import types

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.flop_counter import flop_registry

from flopbench.builtin.torch_counter import TorchCounter
from flopbench.builtin.torch_watch import does_matrix_work
from flopbench.errors import CountError
from flopbench.vendor import VendorCall


def count(root, run):
    return TorchCounter().count(VendorCall(root, run))


def by_module(result):
    return {(entry.module, entry.op): entry.flops for entry in result.counted}


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(4, 8), nn.Linear(8, 4)

    def forward(self, x):
        y = self.second(self.first(x))
        return y @ y.transpose(-1, -2)


def test_each_flop_is_attributed_to_the_innermost_module():
    root = nn.ModuleDict({"blocks": nn.ModuleList([Block(), Block()])}).to("meta")
    x = torch.empty(3, 4, device="meta")

    def run():
        for block in root["blocks"]:
            block(x)
        return x @ x.T

    found = by_module(count(root, run))
    for i in (0, 1):
        assert found[f"blocks.{i}.first", "aten.addmm"] == 2 * 3 * 4 * 8
        assert found[f"blocks.{i}.second", "aten.addmm"] == 2 * 3 * 8 * 4
        assert found[f"blocks.{i}", "aten.mm"] == 2 * 3 * 3 * 4
    assert found["", "aten.mm"] == 2 * 3 * 3 * 4
    assert len(found) == 7


def test_a_module_may_be_called_with_a_parameter():
    root = nn.Linear(4, 4).to("meta")
    assert count(root, lambda: root(root.weight)).flops == 2 * 4 * 4 * 4


def test_a_failed_call_leaves_no_hooks_and_no_half_count():
    root = nn.Sequential(nn.Linear(2, 2), nn.Linear(3, 3)).to("meta")
    x = torch.empty(1, 2, device="meta")
    with pytest.raises(CountError, match="the vendor call failed"):
        count(root, lambda: root(x))
    assert by_module(count(root, lambda: root[0](x))) == {("0", "aten.addmm"): 8}
    assert not torch.nn.modules.module._global_forward_hooks
    assert not torch.nn.modules.module._global_forward_pre_hooks


class Fails(nn.Module):
    def forward(self, x):
        raise RuntimeError("not today")


def test_a_module_that_fails_is_left_even_if_the_call_goes_on():
    root = nn.ModuleDict({"fails": Fails(), "works": nn.Linear(4, 4)}).to("meta")
    x = torch.empty(2, 4, device="meta")

    def run():
        with contextlib.suppress(RuntimeError):
            root["fails"](x)
        return x @ x.T

    assert by_module(count(root, run)) == {("", "aten.mm"): 2 * 2 * 4 * 2}


def grouped_mm(device):
    weights = torch.empty(2, 16, 16, device=device, dtype=torch.bfloat16)
    rows = torch.empty(4, 16, device=device, dtype=torch.bfloat16)
    ends = torch.tensor([2, 4], dtype=torch.int32).to(device)
    return lambda: torch._grouped_mm(rows, weights, offs=ends)


def cpu_sdpa():
    q = torch.zeros(1, 2, 8, 16)
    return lambda: functional.scaled_dot_product_attention(q, q, q, is_causal=True)


@torch.library.custom_op("flopbench_tests::flash", mutates_args=())
def custom_flash(q: torch.Tensor) -> torch.Tensor:
    return q.clone()


def fbgemm(place, name):
    weight = torch.fbgemm_pack_gemm_matrix_fp16(torch.zeros(8, 16))
    return lambda: getattr(place, name)(torch.zeros(2, 16), weight, torch.zeros(8))


BLIND_SPOTS = {
    "aten._grouped_mm": lambda: grouped_mm("meta"),
    "aten._scaled_dot_product_flash_attention_for_cpu": cpu_sdpa,
    "flopbench_tests.flash": lambda: lambda: custom_flash(torch.zeros(2)),
    "aten.mv": lambda: lambda: torch.zeros(3, 4) @ torch.zeros(4),
    "aten.dot": lambda: lambda: torch.zeros(4) @ torch.zeros(4),
    "aten.addbmm": lambda: (
        lambda: torch.addbmm(torch.zeros(2, 2), torch.zeros(3, 2, 2), torch.zeros(3, 2, 2))
    ),
    "aten._int_mm": lambda: (
        lambda: torch._int_mm(
            torch.zeros(32, 16, dtype=torch.int8), torch.zeros(16, 16, dtype=torch.int8)
        )
    ),
    "aten.fbgemm_linear_fp16_weight": lambda: fbgemm(torch, "fbgemm_linear_fp16_weight"),
    "aten.fbgemm_linear_fp16_weight_fp32_activation": lambda: fbgemm(
        torch.ops.aten, "fbgemm_linear_fp16_weight_fp32_activation"
    ),
    "aten._fft_c2c": lambda: lambda: torch.fft.fft(torch.zeros(8, dtype=torch.complex64)),
    "aten._fft_r2c": lambda: lambda: torch.fft.rfft2(torch.zeros(8, 8)),
    "aten._pdist_forward": lambda: lambda: functional.pdist(torch.zeros(3, 4)),
    "aten._trilinear": lambda: lambda: nn.Bilinear(2, 3, 4)(torch.zeros(1, 2), torch.zeros(1, 3)),
}


@pytest.mark.filterwarnings("ignore:fbgemm")
@pytest.mark.parametrize("op", BLIND_SPOTS)
def test_a_blind_spot_is_uncounted_by_name_not_silently_0(op):
    result = count(nn.Identity(), BLIND_SPOTS[op]())
    assert result.flops == 0
    assert {entry.op for entry in result.uncounted} == {op}
    # What was put in place to see it is gone.
    assert not isinstance(torch.fbgemm_linear_fp16_weight, types.FunctionType)


KERNEL = torch.ops.aten.fbgemm_linear_fp16_weight
WAYS_TO_CALL = {
    "by name": lambda: torch.fbgemm_linear_fp16_weight,
    "the packet": lambda: torch.ops.aten.fbgemm_linear_fp16_weight,
    "an overload": lambda: torch.ops.aten.fbgemm_linear_fp16_weight.default,
    "the first overload": lambda: next(
        getattr(torch.ops.aten.fbgemm_linear_fp16_weight, name)
        for name in torch.ops.aten.fbgemm_linear_fp16_weight.overloads()
    ),
    "looked up before": lambda: KERNEL,
    "an overload looked up before": lambda default=KERNEL.default: default,
}


@pytest.mark.filterwarnings("ignore:fbgemm")
@pytest.mark.parametrize("way", WAYS_TO_CALL)
def test_an_opaque_op_is_seen_once_a_call_however_it_is_called(way):
    weight = torch.fbgemm_pack_gemm_matrix_fp16(torch.zeros(8, 16))
    before = (*vars(KERNEL).items(), *vars(KERNEL.default).items())

    def run():
        op = WAYS_TO_CALL[way]()
        for _ in range(3):
            op(torch.zeros(2, 16), weight, torch.zeros(8))

    (found,) = count(nn.Identity(), run).uncounted
    assert (found.op, found.calls) == ("aten.fbgemm_linear_fp16_weight", 3)
    assert (*vars(KERNEL).items(), *vars(KERNEL.default).items()) == before


def test_an_opaque_op_is_the_same_object_while_it_is_watched():
    packet, default, overloads = KERNEL, KERNEL.default, KERNEL.overloads()
    assert "default" in overloads

    def run():
        assert torch.ops.aten.fbgemm_linear_fp16_weight is packet
        assert packet.default is default
        assert packet.overloads() == overloads
        assert str(default) == "aten.fbgemm_linear_fp16_weight.default"

    assert count(nn.Identity(), run).uncounted == ()


def test_a_higher_order_op_is_uncounted_by_name():
    from torch._higher_order_ops.map import map as torch_map

    def run():
        x = torch.zeros(3, 4, 4)
        torch_map(lambda row, y: row @ y, x, torch.zeros(4, 4))

    try:
        names = [entry.op for entry in count(nn.Identity(), run).uncounted]
    except CountError:
        return  # refused as a whole: no number at all
    assert any(name.startswith("higher_order.") for name in names)


def test_collectives_do_no_matrix_work():
    assert not does_matrix_work("_c10d_functional", "all_reduce")
    assert does_matrix_work("my_kernels", "all_reduce")


def test_an_uncounted_op_has_its_module_and_calls():
    root = nn.Sequential(nn.LSTM(4, 4), nn.Identity())
    result = count(root, lambda: [root[0](torch.zeros(2, 1, 4)) for _ in range(3)])
    assert {entry.module for entry in result.uncounted} == {"0"}
    assert {entry.calls for entry in result.uncounted} == {3}


@pytest.mark.parametrize(
    "run",
    [
        lambda x: x.softmax(-1),
        lambda x: functional.layer_norm(x, (4,)),
        lambda x: functional.gelu(x) + x * 2,
        lambda x: functional.interpolate(x[None, None], size=(8, 8), mode="bicubic"),
        lambda x: x.sum() + x.mean() + x.max(),
        lambda x: x.topk(2),
        lambda x: torch.cat([x, x]).sort(),
        lambda x: functional.embedding(torch.zeros(3, dtype=torch.long), x),
        lambda x: x.lgamma() + x.digamma(),
    ],
)
def test_work_without_matrices_is_no_blind_spot(run):
    result = count(nn.Identity(), lambda: run(torch.ones(3, 4)))
    assert (result.flops, result.uncounted) == (0, ())


MATRIX_OPS = (
    "_conv_depthwise2d _cudnn_rnn _euclidean_dist _int_mm _linalg_svd _scaled_mm_v2 _trilinear "
    "_sparse_addmm addbmm addmm_ cdist conv_tbc conv_depthwise3d geqrf linear_backward lstm mv "
    "mkldnn_linear mkldnn_rnn_layer orgqr ormqr slow_conv_dilated2d _spsolve vdot "
    "affine_grid_generator _fft_c2c _fft_r2c _fft_c2r fbgemm_linear_fp16_weight "
    "_native_multi_head_attention _pdist_forward _transformer_encoder_layer_fwd _weight_int4pack_mm"
)
OTHER_OPS = (
    "_convert_weight_to_int4pack _fused_sdp_choice _weight_norm cummax cumprod digamma embedding "
    "fft_fft gelu hamming_window linalg_vector_norm native_layer_norm softmax topk sort "
    "slice_inverse _thnn_fused_lstm_cell mkldnn_reorder_conv2d_weight "
    "upsample_bilinear2d upsample_linear1d _upsample_bicubic2d_aa linspace cross_entropy_loss"
)


def test_ops_are_told_apart_by_name():
    wrong = [n for n in MATRIX_OPS.split() if not does_matrix_work("aten", n)]
    wrong += [n for n in OTHER_OPS.split() if does_matrix_work("aten", n)]
    assert wrong == []


def test_all_that_the_registry_counts_is_matrix_work_to_the_audit():
    for op in flop_registry:
        namespace, _, name = str(op).rpartition(".")
        if namespace == "aten":
            assert does_matrix_work(namespace, name), name
