"""What a ``quantization_config`` says, by the method that it names.

Fields are those of transformers' ``utils/quantization_config.py``, of compressed-tensors'
``QuantizationConfig`` and of the configs that TensorRT Model Optimizer exports.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from flopbench.errors import unknown
from flopbench.storage import Packed, Scheme, schemes
from flopbench_transformers_lm.quantised.groups import NV_GROUP, from_groups
from flopbench_transformers_lm.quantised.patterns import (
    Patterns,
    as_it_is,
    of_compressed_tensors,
    of_modelopt,
    of_transformers,
)
from flopbench_transformers_lm.quantised.rules import Quantised

Fields = Mapping[str, Any]


def read(found: Fields, dtype: str) -> Quantised:
    """Read a ``quantization_config``; one that is not understood is no error.

    Args:
        dtype: the model's, in which some methods store scales.
    """
    method = _method(found)
    name = str(found.get("quant_algo") or found.get("quant_method") or method)
    if method not in METHODS:
        problem = (
            unknown("quantisation method", method, METHODS) if method else "it names no method"
        )
        return Quantised(method=name or "method not named", problem=problem)
    try:
        made = METHODS[method](found, dtype)
    except KeyError as error:
        return Quantised(method=name, problem=f"it has no {error}")
    except (ArithmeticError, AttributeError, TypeError, ValueError) as error:
        return Quantised(method=name, problem=str(error).splitlines()[0] if str(error) else method)
    said = _said_of_cache(found)
    cache = _CACHES.get(said)
    unknown_cache = said if said not in _NO_CACHE and cache is None else None
    return attrs.evolve(made, method=name, kv_cache=cache, unknown_cache=unknown_cache)


def _method(found: Fields) -> str:
    if found.get("quant_algo") or found.get("quant_method") == "modelopt":
        return "modelopt"
    if found.get("load_in_4bit") or found.get("load_in_8bit"):
        return "bitsandbytes"
    return str(found.get("quant_method") or "")


_CACHES = {"fp8": "float8", "float8": "float8", "int8": "int8"}
_NO_CACHE = ("", "none", "auto")


def _said_of_cache(found: Fields) -> str:
    """Return what the file says of the KV cache, in lower case."""
    given = found.get("kv_cache_scheme") or found.get("kv_cache_quant_algo") or ""
    if isinstance(given, Mapping):
        given = f"{given.get('type', 'int')}{given.get('num_bits')}"
    return str(given).lower()


def _one_of(found: Fields, field: str, *known: str) -> str:
    """Return the value of a field, the first one that is known if it has none.

    Raises:
        ValueError: it is not known.
    """
    value = found.get(field) or known[0]
    if value not in known:
        raise ValueError(unknown(field, str(value), known))
    return str(value)


def _by_transformers(found: Fields, field: str, **made: Any) -> Quantised:
    """Return what transformers converts of its modules: with a list, the head, too."""
    given = found.get(field)
    kept = Patterns.of(given, of_transformers)
    return Quantised(method="", kept=kept, checkpoint=False, head=given is not None, **made)


def _fp8(found: Fields, dtype: str) -> Quantised:
    block = found.get("weight_block_size", (128, 128))
    sizes = (None, None) if block is None else tuple(block)
    whole = all(size is None or (type(size) is int and size > 0) for size in sizes)
    if len(sizes) != 2 or not whole:  # noqa: PLR2004 - rows and columns
        raise ValueError(f"weight_block_size must be two positive integers, got {block!r}")
    rows, columns = sizes
    scale = "float8" if found.get("scale_fmt") == "ue8m0" and block is not None else "float32"
    static = str(found.get("activation_scheme", "dynamic")).lower() == "static"
    name = "fp8_tensor" if block is None else "fp8_block"
    if block is not None and sizes != (128, 128):
        name += f"_{rows}x{columns}"
    name += "_static" * static + "_e8m0" * (scale == "float8")
    scheme = schemes.fp8(
        name, (rows, columns), scale=scale, activations=4 if static else 0, together=True
    )
    experts = scheme
    if _one_of(found, "expert_dtype", "fp8", "fp4") == "fp4":
        experts = attrs.evolve(scheme, name="fp4_experts", bits=4, block=(1, 32))
    field = "modules_to_not_convert"
    field = "ignored_layers" if found.get(field) is None else field
    return _by_transformers(found, field, dense=scheme, experts=experts)


def _mxfp4(found: Fields, dtype: str) -> Quantised:
    made = _by_transformers(found, "modules_to_not_convert", experts=schemes.mxfp4())
    return attrs.evolve(made, head=False)


def _bitsandbytes(found: Fields, dtype: str) -> Quantised:
    """Return what bitsandbytes replaces: layers, but no experts, which transformers has fused."""
    double = bool(found.get("bnb_4bit_use_double_quant"))
    kind = _one_of(found, "bnb_4bit_quant_type", "fp4", "nf4")
    name = ("nf4" if kind == "nf4" else "bnb_fp4") + "_double" * double
    scheme = schemes.SCHEMES[name if found.get("load_in_4bit") else "bnb_int8"]
    return _by_transformers(found, "llm_int8_skip_modules", dense=scheme)


def _group(found: Fields, *names: str) -> int | None:
    group = next((int(found[name]) for name in names if found.get(name) is not None), 128)
    return group if group > 0 else None


def _gptq(found: Fields, dtype: str) -> Quantised:
    bits, group = int(found["bits"]), _group(found, "group_size")
    scheme = schemes.gptq(bits, group)
    inside = found.get("modules_in_block_to_quantize") or ()
    names = [name for part in inside for name in ([part] if isinstance(part, str) else part)]
    special = []
    for pattern, changes in (found.get("dynamic") or {}).items():
        sign, text = (pattern[:1], pattern[2:]) if pattern[1:2] == ":" else ("+", pattern)
        own = {"bits": bits, "group_size": group or -1, **(changes or {})}
        other = schemes.gptq(int(own["bits"]), _group(own, "group_size"))
        special.append((Patterns((text,), as_it_is), None if sign == "-" else other))
    if names:
        special.append((Patterns.of(names, of_transformers), scheme))
    usual = None if names else scheme
    head = bool(found.get("lm_head"))
    return Quantised(method="", dense=usual, experts=usual, special=tuple(special), head=head)


def _awq(found: Fields, dtype: str) -> Quantised:
    bits = int(found.get("bits") or found.get("w_bit") or 4)
    group = _group(found, "group_size", "q_group_size")
    scheme = schemes.awq(bits, group, zero=bool(found.get("zero_point", True)))
    kept = Patterns.of(found.get("modules_to_not_convert"), of_transformers)
    return Quantised(method="", dense=scheme, experts=scheme, kept=kept)


def _compressed(found: Fields, dtype: str) -> Quantised:
    _one_of(found.get("sparsity_config") or {}, "format", "dense")
    groups = from_groups(found, dtype)
    special = tuple(
        (Patterns.of(named, of_compressed_tensors), scheme) for named, scheme in groups if named
    )
    usual = next((scheme for named, scheme in groups if not named), None)
    kept = Patterns.of(found.get("ignore"), of_compressed_tensors)
    return Quantised(method="", dense=usual, experts=usual, kept=kept, special=special, head=True)


def _modelopt(found: Fields, dtype: str) -> Quantised:
    algorithms: dict[str, Scheme] = {
        "FP8": schemes.SCHEMES["modelopt_fp8"],
        "NVFP4": _nvfp4(found),
    }
    name = str(found.get("quant_algo"))
    if name not in algorithms:
        raise ValueError(unknown("quant_algo", name, algorithms))
    ignored = found.get("ignore", found.get("exclude_modules"))
    kept = Patterns.of(ignored, of_modelopt)
    scheme = algorithms[name]
    return Quantised(method="", dense=scheme, experts=scheme, kept=kept, head=True)


def _nvfp4(found: Fields) -> Packed:
    """Return NVFP4 with the group size that the file, or its only kind of groups, names.

    Raises:
        ValueError: its groups have different sizes.
    """
    groups = (found.get("config_groups") or {}).values()
    weights = [found, *(group.get("weights") or {} for group in groups)]
    sizes = {int(size) for each in weights if (size := each.get("group_size")) is not None}
    if len(sizes) > 1:
        raise ValueError(f"groups of different sizes: {', '.join(map(str, sorted(sizes)))}")
    size = sizes.pop() if sizes else NV_GROUP
    return schemes.nvfp4("nvfp4" if size == NV_GROUP else f"nvfp4_g{size}", group=size)


def _torchao(found: Fields, dtype: str) -> Quantised:
    """Return what torchao converts: layers, but no experts, which transformers has fused."""
    kinds: dict[str, Scheme] = {
        "Int8WeightOnlyConfig": schemes.SCHEMES["ao_int8"],
        "Int8DynamicActivationInt8WeightConfig": schemes.int8(
            "ao_int8", scale="float32", zero=True, compute="int8"
        ),
        "Float8WeightOnlyConfig": schemes.SCHEMES["ao_float8"],
    }
    given = found.get("quant_type")
    given = given.get("default", given) if isinstance(given, Mapping) else given
    name = str(given.get("_type") if isinstance(given, Mapping) else given)
    if name not in kinds:
        raise ValueError(unknown("quant_type", name, kinds))
    return _by_transformers(found, "modules_to_not_convert", dense=kinds[name])


def _fbgemm(found: Fields, dtype: str) -> Quantised:
    scheme = schemes.SCHEMES["fbgemm_fp8"]
    return _by_transformers(found, "modules_to_not_convert", dense=scheme)


METHODS: Mapping[str, Callable[[Fields, str], Quantised]] = {
    "awq": _awq,
    "bitsandbytes": _bitsandbytes,
    "compressed-tensors": _compressed,
    "fbgemm_fp8": _fbgemm,
    "fp8": _fp8,
    "gptq": _gptq,
    "modelopt": _modelopt,
    "mxfp4": _mxfp4,
    "torchao": _torchao,
}
"""Readers by ``quant_method``."""
