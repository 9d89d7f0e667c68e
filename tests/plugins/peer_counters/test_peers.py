"""The peers: what each counts and misses of ops of known sizes, and that it leaves no trace."""

import contextlib
import importlib.util
import json
import subprocess
import sys

import pytest
import torch
from torch import nn
from torch.nn import functional

from flopbench.errors import CountError
from flopbench.vendor import VendorCall
from flopbench_peer_counters.plugin import flopbench_vendor_counters
from support.cli import python_path

PEERS = {peer.name: peer for peer in flopbench_vendor_counters()}


def needs(name):
    missing = importlib.util.find_spec(PEERS[name].library) is None
    return pytest.mark.skipif(missing, reason=f"{PEERS[name].library} is not installed")


EACH = [pytest.param(name, marks=needs(name)) for name in PEERS]


class Products(nn.Module):
    """One matrix product of 2 x 3 x 4 x 5 MACs, written in one way."""

    def __init__(self, way):
        super().__init__()
        self.way = way

    def forward(self, x, y):
        return self.way(x, y)


WAYS = {
    "matmul": lambda x, y: torch.matmul(x, y),  # noqa: PLW0108 - looked up when called
    "operator": lambda x, y: x @ y,
    "bmm": lambda x, y: torch.bmm(x, y),  # noqa: PLW0108 - the same
    "method": lambda x, y: x.matmul(y),
    "einsum": lambda x, y: torch.einsum("bij,bjk->bik", x, y),
}


class Block(nn.Module):
    """Each way of matrix work in a module of its own."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(6, 7)
        self.conv = nn.Conv2d(3, 4, 2, bias=False)
        self.norm = nn.LayerNorm(7)
        self.ways = nn.ModuleDict({name: Products(way) for name, way in WAYS.items()})
        self.weight = nn.Parameter(torch.empty(9, 7))

    def forward(self):
        x, y = torch.empty(2, 3, 4, device="meta"), torch.empty(2, 4, 5, device="meta")
        for way in self.ways.values():
            way(x, y)
        self.conv(torch.empty(1, 3, 9, 9, device="meta"))
        hidden = self.norm(self.linear(torch.empty(5, 8, 6, device="meta")))
        return functional.linear(hidden, self.weight)


LINEAR, CONV, PRODUCT, FREE = 5 * 8 * 6 * 7, 64 * 3 * 4 * 4, 2 * 3 * 4 * 5, 5 * 8 * 7 * 9
"""MACs: [40, 6] x [6, 7]; 8 x 8 outputs of 4 channels over 2 x 2 x 3; the product; F.linear."""
OUT = 5 * 8 * 7
"""Outputs of the linear layer, and elements that the layer norm works on."""


def block():
    return nn.ModuleDict({"block": Block()}).to("meta").eval()


def count(name, root=None, run=None):
    root = root or block()
    found = PEERS[name]().count(VendorCall(root, run or root["block"]))
    flops = {}
    for entry in found.counted:
        module = entry.module.removeprefix("block").removeprefix(".").removeprefix("ways.")
        flops[module] = flops.get(module, 0) + entry.flops
    missed = {
        u.module.removeprefix("block").removeprefix(".").removeprefix("ways.")
        for u in found.uncounted
    }
    return flops, missed


PRODUCTS = dict.fromkeys(WAYS, PRODUCT)
LAYERS = {"linear": LINEAR, "conv": CONV}
EXPECTED = {
    # MACs, whatever way they are written; a norm is 5 per element.
    "fvcore": ({**LAYERS, **PRODUCTS, "": FREE, "norm": 5 * OUT}, set()),
    # FLOPs; NumPy's path of an einsum adds 1. The @ operator and bmm are not replaced.
    "calflops": (
        {
            **{n: 2 * m for n, m in LAYERS.items()},
            **dict.fromkeys(("matmul", "method"), 2 * PRODUCT),
            "einsum": 2 * PRODUCT + 1,
            "": 2 * FREE,
            "norm": 5 * OUT,
        },
        {"operator", "bmm"},
    ),
    "deepspeed": (
        {
            **{n: 2 * m for n, m in {**LAYERS, **PRODUCTS, "": FREE}.items()},
            "einsum": 2 * PRODUCT + 1,
            "norm": 5 * OUT,
        },
        set(),
    ),
    # MACs; biases are 1 per output. Einsum, the @ operator and F.linear are not replaced.
    "ptflops": (
        {
            "linear": LINEAR + OUT,
            "conv": CONV,
            **dict.fromkeys(("matmul", "method", "bmm"), PRODUCT),
            "norm": OUT,
        },
        {"operator", "einsum", ""},
    ),
    "ptflops_aten": ({**LAYERS, **PRODUCTS, "": FREE, "linear": LINEAR + OUT}, set()),
    # MACs of module types, a norm twice 2 per element.
    "thop": ({**LAYERS, "norm": 4 * OUT}, {*WAYS, ""}),
    # Parameters times the first dimension; a convolution times its positions.
    "torchinfo": ({"linear": 5 * (6 * 7 + 7), "conv": CONV, "norm": 5 * 2 * 7}, {*WAYS, ""}),
}


@pytest.mark.parametrize("name", EACH)
def test_what_a_peer_counts_and_misses_follows_from_its_source(name):
    flops, missed = count(name)
    assert (flops, missed) == EXPECTED[name]


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        pytest.param(n, u, marks=needs(n))
        for n, u in (("fvcore", 1), ("calflops", 2), ("deepspeed", 2))
    ],
)
def test_an_einsum_is_rounded_to_four_digits(name, unit):
    """They read NumPy's printed path, ``Optimized FLOP count:  1.602e+06``, which adds 1."""
    root = nn.ModuleDict({"block": Products(lambda x, y: torch.einsum("ijk,jkl->il", x, y))})
    x, y = torch.empty(101, 7, 11, device="meta"), torch.empty(7, 11, 103, device="meta")
    flops, _ = count(name, root, lambda: root["block"](x, y))
    exact = 2 * 101 * 7 * 11 * 103
    assert flops != {"": exact * unit // 2}
    assert flops == {"": int(float(f"{exact + 1:.3e}")) * unit // 2}


class Own(nn.LayerNorm):
    """A layer norm of another type, as SAM's neck has."""


class Vector(nn.Module):
    """Vector work as this model writes it: none of it is seen by peers that replace functions."""

    def __init__(self):
        super().__init__()
        self.norm, self.gelu = Own(7), functional.gelu

    def forward(self):
        x = torch.empty(5, 7, device="meta")
        self.gelu(x).softmax(dim=-1)
        return self.norm(x)


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        # The norm's function is replaced, whatever its type.
        pytest.param("calflops", {"norm": 5 * 35}, marks=needs("calflops")),
        pytest.param("deepspeed", {"norm": 5 * 35}, marks=needs("deepspeed")),
        pytest.param("ptflops", {}, marks=needs("ptflops")),
        pytest.param("thop", {}, marks=needs("thop")),
    ],
)
def test_a_kept_function_a_method_and_a_subclass_are_not_seen(name, seen):
    flops, missed = count(name, nn.ModuleDict({"block": Vector()}).to("meta"))
    assert (flops, missed) == (seen, set())


@pytest.mark.parametrize("name", [pytest.param("fvcore", marks=needs("fvcore"))])
def test_what_nothing_uses_is_work_all_the_same(name):
    x = torch.empty(3, 4, 4, device="meta")

    def run():
        torch.bmm(x, x)
        torch.baddbmm(x, x, x)

    flops, missed = count(name, nn.ModuleDict(), run)
    # It has a handler for the first, not for the second.
    assert (flops, missed) == ({"": 3 * 4 * 4 * 4}, {""})


class Fails(nn.Module):
    def forward(self):
        functional.softmax(torch.empty(3, device="meta"), dim=0)
        raise RuntimeError("not today")


def state(root):
    places = (torch, functional, torch.Tensor)
    patched = [{n: id(v) for n, v in vars(p).items() if callable(v)} for p in places]
    modules = [
        {k: dict(v) if isinstance(v, dict) else v for k, v in vars(m).items()}
        for m in root.modules()
    ]
    return patched, modules, torch.nn.modules.module._global_forward_hooks.copy()


@pytest.mark.parametrize("name", EACH)
@pytest.mark.parametrize("fails", [False, True])
def test_a_peer_leaves_torch_and_the_model_as_they_were(name, fails):
    PEERS[name]()._import(PEERS[name].module)  # what an import adds to torch is not the count's
    root = nn.ModuleDict({"block": Fails() if fails else Block()}).to("meta").train()
    before = state(root)
    with pytest.raises(CountError, match="not today") if fails else contextlib.nullcontext():
        count(name, root)
    assert state(root) == before


@pytest.mark.parametrize("name", EACH)
def test_a_second_count_is_the_same(name):
    root = block()
    assert count(name, root) == count(name, root)


@pytest.mark.parametrize("name", EACH)
def test_a_peer_names_its_version(name):
    (library, version), *_ = PEERS[name]().provenance().items()
    assert library == PEERS[name].library
    assert version[0].isdigit()


def test_a_missing_library_is_a_sentence_and_the_other_counters_go_on(tmp_path):
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\nfor name in ('fvcore', 'thop'):\n    sys.modules[name] = None\n"
    )
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "flopbench.cli",
            "run",
            "deepseek_ocr",
            "workload.mode=tiny",
            "--stages",
            "prefill",
            "--counters",
            "fvcore,torch",
            "--format",
            "json",
        ],
        env={"PYTHONPATH": python_path(tmp_path), "COLUMNS": "100"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    report = json.loads(done.stdout)
    fvcore, torch_ = (s for s in report["series"] if s["kind"] == "vendor")
    assert (fvcore["label"], fvcore["flops"]) == ("vendor (eager, fvcore)", None)
    assert "needs fvcore (pip install 'flopbench[peers]')" in fvcore["error"]
    assert torch_["flops"] > 0
    verdicts = {(c["counter"], c["attention"]): c["verdict"] for c in report["comparisons"]}
    assert verdicts["torch", "eager"] == "exact"
    assert "Traceback" not in done.stderr


def test_listing_counters_imports_no_peer():
    code = (
        "import sys; from flopbench_peer_counters.plugin import flopbench_vendor_counters as f; "
        "f(); print([m for m in ('torch', 'fvcore', 'thop', 'calflops') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
