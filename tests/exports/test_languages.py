"""Every language computes the same integers, refuses the same sizes, and takes names as text."""

import json
import sys
from fractions import Fraction

import attrs
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from exports.samples import ALL, CONDITIONS, NASTY, laws
from flopbench import schemas
from flopbench.errors import UsageError
from flopbench.exports.evaluate import evaluate
from flopbench.exports.targets import TARGETS, files
from flopbench.exports.targets.code import inert
from support.exported import module_of, needs_gxx, needs_node, run_cpp, run_node, written

POINTS = [(s, b) for s in range(1, 55) for b in (1, 2, 3, 9)]


def allowed(s, b):
    sizes = {"S": s, "B": b}
    held = (each.condition for each in (*CONDITIONS, laws().stages[0].assumptions[-1]))
    return all(evaluate(tree, sizes) for tree in held if tree is not None)


def wanted(s, b):
    return evaluate(ALL, {"S": s, "B": b}) if allowed(s, b) else None


def test_some_points_are_allowed_and_some_are_not():
    assert 30 < sum(wanted(*point) is None for point in POINTS) < len(POINTS) - 50


def test_python_gives_the_integers_and_refuses_with_the_assumption():
    module = module_of(laws())
    for s, b in POINTS:
        if allowed(s, b):
            assert module.flops_prefill(s, b) == wanted(s, b)
        else:
            with pytest.raises(ValueError, match="the law of prefill plain assumes"):
                module.flops_prefill(s, b)
    with pytest.raises(ValueError, match=r"assumes Ne\(S, 13\)"):
        module.flops_prefill(13, 1)
    assert module.flops_prefill(B=np.int64(2), S=np.int32(5)) == wanted(5, 2)
    assert type(module.flops_a(S=np.int64(5), B=1)) is int
    assert type(module.flops_a(S=torch.tensor(5), B=1)) is int
    with pytest.raises(TypeError, match="3 were given"):
        module.flops_a(5, 1, 1)


@pytest.mark.parametrize(
    "value",
    [
        *(0, -1, True, 2.0, "2", None, Fraction(2), 1.5, float("nan"), np.True_, np.array([3])),
        *(torch.ones(2).bool()[0], torch.tensor(2.0), np.ones(1, dtype=bool)),
    ],
    ids=repr,
)
def test_python_refuses_what_is_no_size(value):
    with pytest.raises(ValueError, match="B must be"):
        module_of(laws()).flops_prefill(5, value)


@needs_node
def test_javascript_gives_the_integers_and_refuses_with_a_range_error(tmp_path):
    written(tmp_path, laws(), "javascript")
    found = run_node(
        f"""
import {{ flops_prefill }} from "./toy.mjs";
const of = (call) => {{
  try {{ return String(call()); }} catch (error) {{
    return error instanceof RangeError ? error.message : "another error: " + error;
  }}
}};
const points = {json.dumps(POINTS)};
const bad = [0, -1, true, 2.5, "2", null, undefined, NaN, 2 ** 60, 0n];
console.log(JSON.stringify([
  points.map(([s, b]) => of(() => flops_prefill(BigInt(s), b))),
  bad.map((b) => of(() => flops_prefill(5, b))),
  of(() => flops_prefill(5, 2, 2)),
]));
""",
        tmp_path,
    )
    values, refused, more = json.loads(found)
    assert more == "another error: TypeError: takes S, B, got 1 more"
    for point, value in zip(POINTS, values, strict=True):
        want = wanted(*point)
        assert value == str(want) if want is not None else value.startswith("the law of prefill")
    assert all(text.startswith("B must be") for text in refused)


@needs_gxx
def test_cpp_gives_the_integers_refuses_and_never_wraps(tmp_path):
    written(tmp_path, laws(), "cpp")
    calls = "\n".join(f"  show([] {{ return flops_prefill({s}, {b}u); }});" for s, b in POINTS)
    (tmp_path / "main.cpp").write_text(
        f"""
#include "toy.hpp"
#include "toy.hpp"
#include <cstdio>
using namespace toy;
template <class Call> void show(Call call) {{
  try {{
    std::puts(call().str().c_str());
  }} catch (const std::domain_error& error) {{
    std::puts(error.what());
  }} catch (const std::overflow_error&) {{
    std::puts("overflow");
  }}
}}
static_assert(!std::is_constructible<Int, double>::value, "no fractions");
static_assert(!std::is_constructible<Int, bool>::value, "no flags");
int main() {{
{calls}
  const Int most = 170141183460469231731687303715884105727_i;
  show([&] {{ return most; }});
  show([&] {{ return -most - 1; }});
  show([&] {{ return most + 1; }});
  show([&] {{ return -most - 2; }});
  show([&] {{ return most * 2; }});
  show([&] {{ return floor_(-most - 1, -1); }});
  show([&] {{ return 170141183460469231731687303715884105728_i; }});
  show([&] {{ return flops_prefill(5, 0); }});
}}
"""
    )
    *values, most, least, one, two, three, four, five, low = run_cpp(
        "main.cpp", tmp_path
    ).splitlines()
    for point, value in zip(POINTS, values, strict=True):
        want = wanted(*point)
        assert value == str(want) if want is not None else value.startswith("the law of prefill")
    assert (int(most), int(least)) == (2**127 - 1, -(2**127))
    assert {one, two, three, four, five} == {"overflow"}
    assert low == "B must be 1 or more, got 0"


def test_the_data_gives_the_integers_too():
    for s, b in POINTS[:40]:
        if allowed(s, b):
            assert laws().at("flops_prefill", S=s, B=b) == wanted(s, b)
    with pytest.raises(UsageError, match=r"assumes Ne\(S, 13\)"):
        laws().at("flops_prefill", S=13, B=1)
    with pytest.raises(UsageError, match="did you mean 'flops_prefill'"):
        laws().at("flops_prefil", S=13, B=1)
    with pytest.raises(UsageError, match="takes the sizes S, B"):
        laws().at("flops_prefill", S=13)


@given(st.text())
def test_a_comment_is_one_line_that_nothing_ends(text):
    made = inert(text + NASTY)
    assert made.isascii()
    assert made.isprintable()
    assert not any(end in made for end in ("*/", "/*", "??", "\\", "</"))


@pytest.fixture(scope="module")
def nasty():
    return laws(name=f"model {NASTY}", nasty=NASTY)


@pytest.mark.parametrize("target", TARGETS)
def test_files_of_any_name_are_text_that_any_program_reads(target, nasty):
    for name, content in files(target, [nasty]).items():
        assert name.isascii()
        content.encode("utf-8", "strict")
        assert target == "json" or "\u202e" not in content
        assert target != "javascript" or "</script" not in content


def test_names_in_python_are_inert(nasty, tmp_path):
    for name, content in files("python", [nasty]).items():
        assert content.isascii()
        (tmp_path / name).write_text(content)
    module = module_of(nasty)
    assert module.flops_a(5, 2) == module.flops_b(5, 2) == 5
    assert "é 文" in module.__doc__
    assert "</script>" in module.flops_a.__doc__
    with pytest.raises(ValueError, match="S < 49") as refused:
        module.flops_a(49, 1)
    assert str(refused.value).endswith(NASTY)


@needs_node
def test_names_in_javascript_are_inert(nasty, tmp_path):
    written(tmp_path, nasty, "javascript")
    run_node('import "./toy.test.mjs";', tmp_path)
    script = 'import { flops_a } from "./toy.mjs"; try { flops_a(49, 1) } catch (e) {'
    told = run_node(script + "console.log(JSON.stringify(e.message)) }", tmp_path)
    assert json.loads(told).endswith(NASTY)


@needs_gxx
def test_names_in_cpp_are_inert(nasty, tmp_path):
    written(tmp_path, nasty, "cpp")
    assert run_cpp("toy_test.cpp", tmp_path) == ""
    (tmp_path / "told.cpp").write_text(
        '#include "toy.hpp"\n#include <cstdio>\nint main() { try { toy::flops_a(49, 1); }'
        " catch (const std::domain_error& e) { std::fputs(e.what(), stdout); } }"
    )
    plain = NASTY.partition("\x00")[0]  # where a text of C ends
    assert plain.replace("\r", "\n") in run_cpp("told.cpp", tmp_path)


def test_names_in_json_are_inert_and_the_form_is_that_of_the_schema(nasty):
    found = json.loads(files("json", [nasty])["toy.json"])
    Draft202012Validator(schemas.load("laws")).validate(found)
    assert found["name"] == f"model {NASTY}"


def test_the_certificate_shows_names_as_text(nasty):
    found = json.loads(files("certificate", [nasty])["toy.certificate.json"])
    Draft202012Validator(schemas.load("certificate")).validate(found)
    content = files("certificate", [nasty])["toy.certificate.md"]
    assert "<script>alert" not in content.replace("`", "") or "\\<script" in content
    assert json.loads(files("certificate", [nasty])["toy.certificate.json"])["notes"] == [NASTY]


def test_golden_vectors_pass_and_a_wrong_one_fails(tmp_path, monkeypatch):
    good = attrs.evolve(laws(), identifier="golden_sample")
    written(tmp_path, good, "python")
    monkeypatch.syspath_prepend(tmp_path)
    text = (tmp_path / "test_golden_sample.py").read_text()
    exec(text, {"__name__": "__main__"})  # noqa: S102 - our own code
    with pytest.raises(AssertionError, match="flops_a"):
        exec(text.replace("'flops_a': 5", "'flops_a': 6"), {"__name__": "__main__"})  # noqa: S102
    with pytest.raises(AssertionError, match=r"\(5, 2\)"):
        exec(text.replace("(13, 2)", "(5, 2)"), {"__name__": "__main__"})  # noqa: S102
    del sys.modules["golden_sample"]


def test_two_models_of_one_name_have_files_of_their_own():
    assert sorted(files("json", [laws(), laws()])) == ["toy.json", "toy_2.json"]
    with pytest.raises(UsageError, match="did you mean 'python'"):
        files("pyton", [laws()])


def test_only_what_was_compared_says_that_it_is_proved():
    module = module_of(laws())
    assert "a plain in Prefill plain (proved)" in module.flops_a.__doc__
    (stage,) = laws().stages
    other = attrs.evolve(stage.laws[1], quantity="vector_flops", identifier="other")
    made = attrs.evolve(laws(), stages=(attrs.evolve(stage, laws=(*stage.laws, other)),))
    assert "a plain in Prefill plain (closed form)" in module_of(made).other.__doc__


def test_no_model_is_written_over_the_test_of_another():
    both = [attrs.evolve(laws(), identifier=name) for name in ("toy", "test_toy")]
    for models in (both, both[::-1]):
        assert len(files("python", models)) == 4
