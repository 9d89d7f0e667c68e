"""Exported laws in tests: small models to export, and what runs the code."""

import json
import re
import shutil
import subprocess
import types
from types import SimpleNamespace

import numpy as np
import pytest

from flopbench.builtin.eager import Eager
from flopbench.builtin.flash import Flash
from flopbench.commands.export.priced import Prices
from flopbench.commands.export.runner import export
from flopbench.conventions import Conventions
from flopbench.dims.arrays import IntArray
from flopbench.dims.dim import is_array, maximum
from flopbench.errors import PluginError
from flopbench.exports.targets import files
from flopbench.plan import Plan

CATALOG = SimpleNamespace(sources=(), versions={})

NODE = shutil.which("node")
GXX = shutil.which("g++")

needs_node = pytest.mark.skipif(NODE is None, reason="node is not installed")
needs_gxx = pytest.mark.skipif(GXX is None, reason="g++ is not installed")


def plan_of(model, workload, *, stages=None, vendor=None, counters=()):
    """Plan an export of a model, as `flopbench.plan.make_plan` would."""
    known = model.stages_of(workload)
    return Plan(
        model=model,
        workload=workload,
        modes=(Eager(), Flash()),
        eager=Eager(),
        useful=Flash(),
        vendor=vendor,
        counters=counters,
        stages=tuple(s for s in known if stages is None or s.name in stages),
        conventions=Conventions(),
        method="auto",
        config={"workload": {}, "conventions": {}},
    )


def exported(plan):
    """Export closed forms alone."""
    return export(plan, CATALOG, None)


def module_of(laws):
    """Return the exported Python module, loaded."""
    module = types.ModuleType(laws.identifier)
    exec(files("python", [laws])[f"{laws.identifier}.py"], vars(module))  # noqa: S102 - our own code
    return module


def written(folder, laws, *targets):
    """Write targets to a folder."""
    for target in targets:
        for name, content in files(target, [laws]).items():
            (folder / name).write_text(content)


def run_node(script, cwd):
    """Run a script, and return what it prints."""
    (cwd / "script.mjs").write_text(script)
    done = subprocess.run(
        [NODE, "script.mjs"], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def run_cpp(file, cwd):
    """Build a program with all warnings as errors, and run it; return what it prints."""
    flags = ["-std=c++17", "-O0", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
    built = subprocess.run(
        [GXX, *flags, file, "-o", "program"], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stderr[-2000:]
    done = subprocess.run(["./program"], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    return done.stdout


def random_points(laws, stage, count, *, seed=0, most=3000):
    """Return sizes of 2 and more that the stage's assumptions allow, an array for each."""
    random = np.random.default_rng(seed)
    sizes = {}
    for name in stage.symbols:
        low = max(2, laws.symbol(name).minimum)
        sizes[name] = random.integers(low, most if name in "SK" else 40, count).astype(object)
    kept = np.ones(count, dtype=bool)
    for each in stage.conditions:
        kept &= evaluated(each.condition, sizes, count).astype(bool)
    return {name: values[kept] for name, values in sizes.items()}


def prices(plan, stage, sizes):
    """Return what flopbench's own evaluation in arrays gives, by quantity, mode and component."""
    arrays = {name: IntArray.of(np.array(values)) for name, values in sizes.items()}
    try:
        return _columns(Prices.of(plan).at(stage, arrays))
    except PluginError:  # a model that runs one way at some sizes, and another way at others
        return _by_points(plan, stage, sizes)


MOVED = (
    *("weight_bytes_read", "kv_cache_bytes_read", "kv_cache_bytes_written"),
    *("activation_bytes_read", "activation_bytes_written"),
)


def _columns(found):
    columns = {key: _column(price()) for key, price in found.items() if key[0] != "bytes_moved"}
    for quantity, mode, _ in found:
        if quantity == "bytes_moved":  # exported if there are no routed experts: all is here
            columns[quantity, mode, None] = sum(columns[part, mode, None] for part in MOVED)
    return columns


def _by_points(plan, stage, sizes):
    points = [dict(zip(sizes, point, strict=True)) for point in zip(*sizes.values(), strict=True)]
    rows = [_columns(Prices.of(plan).at(stage, point)) for point in points]
    keys = dict.fromkeys(key for row in rows for key in row)
    return {key: np.array([row.get(key, 0) for row in rows], dtype=object) for key in keys}


def _column(found):
    if isinstance(found, tuple):
        largest = 0
        for each in found:
            largest = maximum(largest, each)
        found = largest
    return np.asarray(found).astype(object) if is_array(found) else found


def evaluated(tree, sizes, count):
    """Evaluate a tree of the JSON form on arrays of Python's integers: a whole evaluator."""
    if isinstance(tree, str):
        value = int(tree) if re.fullmatch("-?[0-9]+", tree) else sizes[tree]
        return value if isinstance(value, np.ndarray) else np.full(count, value, dtype=object)
    operator, *arguments = tree
    if operator in {"sum", "each"}:
        return np.array(
            [_over(operator, arguments, {n: v[i] for n, v in sizes.items()}) for i in range(count)]
        )
    found = [evaluated(argument, sizes, count) for argument in arguments]
    if operator in {"and", "or"}:
        total = np.full(count, operator == "and")
        for each in found:
            total = total & each.astype(bool) if operator == "and" else total | each.astype(bool)
        return total
    return _FUNCTIONS[operator](*found)


def _over(operator, arguments, point):
    index, low, high, body = arguments
    one = {name: np.array([value], dtype=object) for name, value in point.items()}
    first, last = (int(evaluated(bound, one, 1)[0]) for bound in (low, high))
    steps = np.arange(first, last + 1).astype(object)
    count = len(steps)
    many = {name: np.full(count, value, dtype=object) for name, value in point.items()}
    found = evaluated(body, {**many, index: steps}, count)
    return found.sum() if operator == "sum" else bool(found.all())


def _exact(a, b):
    assert not (a % b).any()
    return a // b


def _reduced(function):
    def reduce(first, *more):
        for each in more:
            first = function(first, each)
        return first

    return reduce


_FUNCTIONS = {
    "+": _reduced(np.add),
    "*": _reduced(np.multiply),
    "^": np.power,
    "/": _exact,
    "floor": lambda a, b: a // b,
    "ceil": lambda a, b: -(-a // b),
    "mod": lambda a, b: a % b,
    "min": _reduced(np.minimum),
    "max": _reduced(np.maximum),
    "if": lambda where, a, b: np.where(where.astype(bool), a, b),
    "not": lambda a: ~a.astype(bool),
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}


def by_python(module, law, sizes):
    """Return what an exported function gives at each point."""
    function = getattr(module, law.identifier)
    return [function(*point) for point in zip(*sizes.values(), strict=True)]


def by_node(laws, points, cwd):
    """Return what exported JavaScript gives: sizes by function in, values by function out."""
    written(cwd, laws, "javascript")
    asked = [
        [[law.identifier], list(map(list, zip(*points[law.identifier].values(), strict=True)))]
        for stage in laws.stages
        for law in stage.laws
    ]
    (cwd / "asked.json").write_text(json.dumps(asked))
    script = f"""
import {{ readFileSync }} from "node:fs";
import * as laws from "./{laws.identifier}.mjs";
const found = {{}};
for (const [names, points] of JSON.parse(readFileSync("asked.json", "utf8"))) {{
  for (const name of names) found[name] = points.map((sizes) => String(laws[name](...sizes)));
}}
console.log(JSON.stringify(found));
"""
    return {
        name: list(map(int, values)) for name, values in json.loads(run_node(script, cwd)).items()
    }


def by_cpp(laws, points, cwd):
    """Return what exported C++ gives: sizes by function in, values by function out."""
    written(cwd, laws, "cpp")
    every = [law.identifier for stage in laws.stages for law in stage.laws]
    calls = []
    for name in every:
        arguments = [f"at[{i}]" for i in range(len(points[name]))]
        call = f"{laws.identifier}::{name}({', '.join(arguments)})"
        calls.append(
            f"  answer({len(arguments)}, [](const long long* at) {{ (void)at; return {call}; }});"
        )
    body = "\n".join(calls)
    (cwd / "asked.txt").write_text(
        "\n".join(
            " ".join(map(str, [len(next(iter(columns.values()), [0])), *_flat(columns)]))
            for columns in map(points.get, every)
        )
    )
    (cwd / "main.cpp").write_text(
        f"""#include "{laws.identifier}.hpp"
#include <fstream>
#include <iostream>
static std::ifstream asked("asked.txt");
template <class Call> void answer(int sizes, Call call) {{
  int count = 0;
  asked >> count;
  for (int i = 0; i < count; ++i) {{
    long long at[9] = {{}};
    for (int k = 0; k < sizes; ++k) asked >> at[k];
    std::cout << call(at).str() << ' ';
  }}
  std::cout << '\\n';
}}
int main() {{
{body}
}}
"""
    )
    lines = run_cpp("main.cpp", cwd).splitlines()
    return {name: list(map(int, line.split())) for name, line in zip(every, lines, strict=True)}


def _flat(columns):
    return [int(value) for point in zip(*columns.values(), strict=True) for value in point]
