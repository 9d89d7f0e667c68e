"""What the functions return is shown by a notebook, as rows, and with what is foreign escaped."""

import doctest
import importlib
import inspect
import logging

import pytest

import flopbench
from flopbench.errors import PluginError, UsageError
from flopbench.values import Value
from toy import write_toy

FUNCTIONS = ("run", "sweep", "prove", "explain", "compare", "referee", "survey")
MODULES = sorted({getattr(flopbench, name).__module__ for name in FUNCTIONS})
EVIL = "</details><script>alert('x')</script>"


@pytest.mark.parametrize("module", MODULES)
def test_the_examples_print_what_they_show(module):
    found = doctest.testmod(importlib.import_module(module))
    assert found.attempted >= 2
    assert found.failed == 0


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_argument_is_documented_and_all_but_the_model_are_keywords(name):
    function = getattr(flopbench, name)
    text = inspect.getdoc(function)
    for parameter in inspect.signature(function).parameters.values():
        assert parameter.name in text, parameter
        if parameter.name not in {"model", "models", "paths"} and (name, parameter.name) != (
            "sweep",
            "name",
        ):
            assert parameter.kind is parameter.KEYWORD_ONLY
        assert parameter.annotation is not parameter.empty


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """Write the toy plugin, changed; return the argument that loads it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOY_LOG", "counts.log")
    return lambda *changes: {"plugins": write_toy(tmp_path, *changes)}


def results(plugins):
    """Yield a result of each function that the toy model suits."""
    closed = {"analytic_only": True, **plugins}
    yield flopbench.run("toy", counters=["slow"], **plugins)
    yield flopbench.sweep("toy", vary={"workload.rows": [1, 2]}, **closed)
    yield flopbench.explain("toy", **plugins)
    yield flopbench.compare("toy", ("toy", {"workload": {"rows": 3}}), **closed)


def test_names_of_plugins_are_text_in_a_notebook(toy):
    plugins = toy(('"Prefill"', repr(EVIL)), ('component="layer"', "component='<script>'"))
    shown = [value._repr_html_() for value in results(plugins)]
    for text in shown:
        assert "<script" not in text
        assert text.count("<details") == text.count("</details>")
    assert sum("&lt;/details&gt;&lt;script&gt;alert(" in text for text in shown) == 3
    assert sum(">&lt;script&gt;<" in text for text in shown) == 2


def nodes(node):
    yield node
    for child in node.children:
        yield from nodes(child)


def test_the_tree_has_the_numbers_of_the_result(toy):
    run, sweep, explain, compare = results(toy())
    assert all(isinstance(value, Value) for value in (run, sweep, explain, compare))
    (stage,) = run.tree().children
    assert [(part.name, part.value) for part in stage.children] == [
        (series.label, series.flops) for series in run.series
    ]
    assert "exact: eager = vendor (slow)" in stage.note
    assert "verdict: verified" in run.tree().note
    for series, part in zip(run.series, stage.children, strict=True):
        assert part.value == sum(entry.flops for entry in series.breakdown) == 64
    points = [{n.value for n in nodes(p) if n.value} for p in sweep.tree().children]
    assert points == [{64}, {128}]
    assert [n.value for n in nodes(explain.tree())] == [64, 64, 64]
    assert {n.value for n in nodes(compare.tree())} == {None, 0, 64, 192}


def test_what_differs_and_what_failed_are_notes(toy, monkeypatch):
    slow = {"counters": "slow", **toy()}
    monkeypatch.setenv("TOY_WRONG", "1")
    found = flopbench.run("toy", **slow)
    (stage,) = found.tree().children
    assert "differs" in stage.note
    assert "not verified" in found.tree().note
    assert [(row["verdict"], row["difference"]) for row in found.rows()] == [
        (None, None),
        ("differs", -2),
        ("no_vendor_match", None),
    ]
    failed = flopbench.run("toy", workload={"kind": "unbuildable"}, **slow)
    vendor = failed.tree().children[0].children[0]
    assert vendor.value is None
    assert vendor.note == failed.series[0].error
    swept = flopbench.sweep("toy", vary={"workload.rows": [1, 2]}, **slow)
    assert swept.failed == ["rows=1 prefill: differs in layer"]
    notes = [n.note for n in nodes(swept.tree()) if n.name == "vendor (eager, slow)"]
    assert notes == ["differs in layer", None]


def test_a_python_prompt_shows_one_line(toy):
    run, sweep, *_ = results(toy())
    assert repr(run) == "RunReport('toy', prefill: verified)"
    assert repr(sweep) == "SweepReport('toy', 2 points)"


def test_a_data_frame_has_the_rows(toy):
    pytest.importorskip("pandas")
    for value in results(toy()):
        frame = value.to_pandas()
        rows = value.rows()
        assert len(frame) == len(rows) > 0
        assert list(frame.columns) == list(dict.fromkeys(name for row in rows for name in row))
    flops = flopbench.run("toy", counters=["slow"], **toy()).to_pandas()["flops"]
    assert str(flops.dtype) == "int64"
    assert list(flops) == [64, 64, 64]


def test_a_plugin_that_was_asked_for_and_fails_is_an_error(toy, caplog):
    broken = {"plugins": ["broken.py"]}
    toy()
    with pytest.raises(PluginError, match=r"plugin 'broken' \(-p\) failed to import"):
        flopbench.run("deepseek_ocr", analytic_only=True, **broken)
    assert caplog.records == []


def test_another_plugin_that_fails_is_logged_or_an_error(monkeypatch, caplog):
    from flopbench.registry import loading

    monkeypatch.setitem(loading.BUILTIN, "gone", "flopbench.builtin.gone")
    call = {"stages": "decode", "analytic_only": True}
    with caplog.at_level(logging.WARNING):
        assert flopbench.run("deepseek_ocr", **call).verdict == "not_checked"
    assert "plugin 'gone' (builtin) failed to import" in caplog.text
    with pytest.raises(PluginError, match="plugin 'gone'"):
        flopbench.run("deepseek_ocr", **call, strict_plugins=True)


PAIR = (
    "a model with settings must be a pair of a name and sections, as ('deepseek_ocr', "
    "{'workload': {'mode': 'base'}}), got ('deepseek_ocr', 'mode=base')"
)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: flopbench.run(3), "a model must be a name or a path, got 3"),
        (
            lambda: flopbench.run("deepseek_ocr", workload=["mode=base"]),
            "workload must be a mapping of keys, got ['mode=base']",
        ),
        (lambda: flopbench.run("deepseek_ocr", image=3), "--image must be a path, got 3"),
        (
            lambda: flopbench.compare("deepseek_ocr", ("deepseek_ocr", "mode=base")),
            PAIR,
        ),
        (
            lambda: flopbench.compare("deepseek_ocr", ("deepseek_ocr", {"workloads": {"a": 1}})),
            "deepseek_ocr a=1: unknown configuration section 'workloads': did you mean 'workload'?",
        ),
        (
            lambda: flopbench.sweep("deepseek_ocr", "decode", jobs=0),
            "--jobs must be an integer from 1 to 1,000,000,000,000,000,000, got 0",
        ),
        (
            lambda: flopbench.sweep("deepseek_ocr", "decode", ttft="1"),
            "--ttft must be a number of seconds above 0 (at least 1e-12), got 1",
        ),
        (
            lambda: flopbench.explain("deepseek_ocr", depth=1.5),
            "--depth must be at least 0, got 1.5",
        ),
        (
            lambda: flopbench.explain("deepseek_ocr", attention=["eager", "flash"]),
            "--attention takes one mode here, got eager,flash",
        ),
    ],
)
def test_what_only_python_can_give_wrongly_is_one_sentence(call, said):
    with pytest.raises(UsageError) as caught:
        call()
    assert str(caught.value) == said
