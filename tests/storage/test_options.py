"""The section ``dtypes``: what it changes, what it takes, and what it says of the rest."""

import csv
import json

import pytest

from flopbench.analytic.price import Pricer
from flopbench.builtin.eager import Eager
from flopbench.conventions import Conventions
from flopbench.ops import Embedding, ExpertLinear, KvCacheUpdate, Linear, Norm
from flopbench.storage import SCHEMES, Plain, Storage
from flopbench.storage.options import DtypeOptions
from support.cli import one_sentence

NORM = Norm(component="norm", function="rms_norm", rows=3, width=64)
DENSE = Linear(component="mlp", rows=3, in_features=64, out_features=128)
ROUTER = Linear(component="moe/router", rows=3, in_features=64, out_features=8)
EXPERTS = ExpertLinear(
    component="moe/experts", rows=3, in_features=64, out_features=128, experts=8, top_k=1
)
HEAD = Linear(component="lm_head", rows=3, in_features=64, out_features=100)
TABLE = Embedding(component="embed", tokens=3, width=64, entries=100)
CACHE = KvCacheUpdate(component="core", new=20, held=40, cache_reads=60)
OPS = (NORM, DENSE, ROUTER, EXPERTS, HEAD, TABLE, CACHE)


def priced(**given):
    storage = DtypeOptions(**given).applied(Storage.of("bfloat16"))
    return Pricer(Eager(), Conventions(), storage).price(OPS, Eager())


PLAIN = priced()


@pytest.mark.parametrize(
    ("given", "changed"),
    [
        ({"weights": "float8"}, {"mlp": 64 * 128, "moe/experts": 8 * 64 * 128}),
        (
            {"weights": "nvfp4"},
            {"mlp": 128 * (32 + 4) + 8, "moe/experts": 8 * (128 * (32 + 4) + 8)},
        ),
        ({"experts": "mxfp4"}, {"moe/experts": 8 * 128 * (32 + 2)}),
        (
            {"weights": "float32", "experts": "int4"},
            {"mlp": 4 * 64 * 128, "moe/experts": 8 * 64 * 64},
        ),
        ({"embeddings": "fp32"}, {"embed": 4 * 6400}),
        ({"kv_cache": "fp8"}, {}),
    ],
)
def test_a_key_changes_the_bytes_of_its_tensors_alone(given, changed):
    found = priced(**given)
    assert found.footprint.weight_bytes == {**PLAIN.footprint.weight_bytes, **changed}
    assert found.cost.flops == PLAIN.cost.flops


@pytest.mark.parametrize(
    ("key", "counted", "kept"),
    [
        ("kv_cache", ("kv_cache_bytes_read", "kv_cache_bytes_written"), "activation_bytes_read"),
        ("activations", ("activation_bytes_read", "activation_bytes_written"), "weight_bytes_read"),
    ],
)
def test_caches_and_activations_are_halved_in_8_bits(key, counted, kept):
    found = priced(**{key: "fp8"})
    for name in counted:
        assert 2 * getattr(found.cost, name) == getattr(PLAIN.cost, name) > 0
    assert getattr(found.cost, kept) == getattr(PLAIN.cost, kept)


def test_what_an_op_says_gives_way_to_the_user_alone():
    own, storage = SCHEMES["fp8_block"], Storage.of("bfloat16")
    assert storage.scheme("mlp", own) is own
    ruled = DtypeOptions(weights="int8").applied(storage)
    assert ruled.scheme("mlp", own) == ruled.scheme("moe/experts", own, routed=True)
    assert ruled.scheme("mlp", own) == Plain("int8")
    experts = DtypeOptions(experts="int8").applied(storage)
    assert experts.scheme("mlp", own) is own
    assert experts.scheme("moe/experts", own, routed=True) == Plain("int8")
    # A head that the file quantises stays quantised, as one that it leaves alone stays plain.
    assert ruled.scheme("lm_head", own) is own
    assert ruled.scheme("decoder/moe/router") == Plain("bfloat16")


@pytest.mark.parametrize(
    ("short", "usual"),
    [("bf16", "bfloat16"), ("fp16", "float16"), ("fp32", "float32"), ("fp8", "float8"),
     ("float8_e4m3fn", "float8"), ("int8", "int8"), ("int4", "int4"), ("uint8", "int8")],
)  # fmt: skip
def test_short_names_are_other_names(short, usual):
    assert DtypeOptions(kv_cache=short, weights=short) == DtypeOptions(
        kv_cache=usual, weights=usual
    )
    assert DtypeOptions(kv_cache=short).kv_cache == usual


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ("dtypes.weights=nf5", "unknown dtype or scheme of weights 'nf5': did you mean 'nf4'?"),
        ("dtypes.weights=awq", "did you mean 'awq_int4_g128' or 'awq_int4_g64'?"),
        ("dtypes.experts=mxfp5", "scheme of experts 'mxfp5': did you mean 'mxfp4'?"),
        ("dtypes.kv_cache=fp9", "unknown dtype of kv_cache 'fp9'"),
        ("dtypes.kv_cache=nf4", "kv_cache takes a dtype (float64, float32, bfloat16, float16, "),
        ("dtypes.activations=4", "dtypes.activations must be text or null, got 4"),
        ("dtypes.weight=fp8", "unknown key 'weight': did you mean 'weights'?"),
    ],
)
def test_another_value_is_one_sentence(flopbench, setting, sentence):
    assert sentence in one_sentence(flopbench("run", "deepseek_ocr", "--analytic-only", setting))


def test_a_run_shows_what_is_set(flopbench, tmp_path):
    settings = ("dtypes.weights=nf4", "dtypes.kv_cache=fp8", "--out", "made")
    result = flopbench("run", "deepseek_ocr", "--analytic-only", *settings)
    assert result.returncode == 0, result.stderr
    said = " ".join(result.stdout.split())
    assert "dtypes.weights=nf4 dtypes.kv_cache=float8" in said
    assert "the LM head and routers stay as they are" in said
    report = json.loads((tmp_path / "made" / "report.json").read_text())
    assert report["provenance"]["config"]["dtypes"]["weights"] == "nf4"


def test_a_sweep_varies_the_dtype_of_the_cache(flopbench, tmp_path):
    varied = ("--vary", "dtypes.kv_cache=bf16,fp8", "--stages", "decode", "--out", "made")
    result = flopbench("sweep", "deepseek_ocr", "--analytic-only", "--no-plots", *varied)
    assert result.returncode == 0, result.stderr
    with (tmp_path / "made" / "sweep.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["attention"] == "eager"]
    assert [row["dtypes.kv_cache"] for row in rows] == ["bf16", "fp8"]
    for name in ("kv_cache_bytes", "kv_cache_bytes_read"):
        assert int(rows[0][name]) == 2 * int(rows[1][name]) > 0
    assert rows[0]["flops"] == rows[1]["flops"]
    assert rows[0]["weight_bytes"] == rows[1]["weight_bytes"]


def test_a_sweep_varies_schemes_of_weights(flopbench):
    varied = ("--vary", "dtypes.weights=bf16,nf4,nf5")
    result = flopbench("sweep", "deepseek_ocr", "--analytic-only", *varied)
    assert "point dtypes.weights=nf5" in one_sentence(result)
