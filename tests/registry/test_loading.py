"""Plugins: one that is broken is named in one sentence, and the rest works."""

import textwrap

import pytest

from flopbench.errors import PluginError, UsageError
from flopbench.registry.catalog import build_catalog
from flopbench.registry.loading import load_plugins

GOOD = """
    from flopbench import AttentionMode, hookimpl

    class Free(AttentionMode):
        name = "free"
        summary = "attention for nothing"

        def lower(self, op):
            return []

    @hookimpl
    def flopbench_attention_modes():
        return [Free]
"""

BROKEN = {
    "import error": ("import not_a_module", "failed to import: ModuleNotFoundError"),
    "syntax error": ("def (", "failed to import: SyntaxError"),
    "exits on import": ("import sys; sys.exit(3)", "failed to import: SystemExit: 3"),
    "no hook": ("x = 1", "implements no flopbench hook"),
    "unknown hook": (
        """
        from flopbench import hookimpl
        @hookimpl
        def flopbench_attention_mode():
            return []
        """,
        "unknown hook 'flopbench_attention_mode'",
    ),
    "wrong signature": (
        """
        from flopbench import hookimpl
        @hookimpl
        def flopbench_reporters(report):
            return []
        """,
        "Argument(s) {'report'} are declared in the hookimpl but can not be found in the hookspec",
    ),
    "raises": (
        """
        from flopbench import hookimpl
        @hookimpl
        def flopbench_reporters():
            raise RuntimeError("out of\\nluck")
        """,
        "failed in flopbench_reporters: RuntimeError: out of",
    ),
    "no list": (
        """
        from flopbench import hookimpl
        @hookimpl
        def flopbench_reporters():
            return None
        """,
        "must return a list of classes from flopbench_reporters, got None",
    ),
    "wrong type": (
        """
        from flopbench import hookimpl
        @hookimpl
        def flopbench_vendor_counters():
            return [int]
        """,
        "must return subclasses of VendorCounter, got <class 'int'>",
    ),
    "an instance": (
        """
        from flopbench import hookimpl
        @hookimpl
        def flopbench_analytic_models():
            return ["deepseek_ocr"]
        """,
        "must return subclasses of AnalyticModel, got 'deepseek_ocr'",
    ),
    "abstract": (
        """
        from flopbench import AttentionMode, hookimpl
        class Half(AttentionMode):
            name = "half"
        @hookimpl
        def flopbench_attention_modes():
            return [Half]
        """,
        "AttentionMode Half lacks lower",
    ),
    "no name": (
        """
        from flopbench import AttentionMode, hookimpl
        class Nameless(AttentionMode):
            def lower(self, op):
                return []
        @hookimpl
        def flopbench_attention_modes():
            return [Nameless]
        """,
        "AttentionMode Nameless has no name",
    ),
    "a name that no option can take": (
        """
        from flopbench import AttentionMode, hookimpl
        class Pair(AttentionMode):
            name = "a,b"
            def lower(self, op):
                return []
        @hookimpl
        def flopbench_attention_modes():
            return [Pair]
        """,
        "name 'a,b' must not contain a comma",
    ),
    "a taken file": (
        """
        from flopbench import Reporter, hookimpl
        class Mine(Reporter):
            name, filename = "mine", "report.json"
            def render(self, report):
                return ""
        @hookimpl
        def flopbench_reporters():
            return [Mine]
        """,
        "defines the reporter 'mine' for the file report.json, which 'json' writes",
    ),
    "a file elsewhere": (
        """
        from flopbench import Reporter, hookimpl
        class Mine(Reporter):
            name, filename = "mine", "../report.txt"
            def render(self, report):
                return ""
        @hookimpl
        def flopbench_reporters():
            return [Mine]
        """,
        "Reporter Mine has no valid filename",
    ),
    "no convention": (
        """
        from flopbench import VendorCounter, hookimpl
        class Mine(VendorCounter):
            name = "mine"
            def count(self, call):
                return None
        @hookimpl
        def flopbench_vendor_counters():
            return [Mine]
        """,
        "VendorCounter Mine has no valid convention",
    ),
    "a taken name": (
        """
        from flopbench import AttentionMode, hookimpl
        class Eager(AttentionMode):
            name = "eager"
            def lower(self, op):
                return []
        @hookimpl
        def flopbench_attention_modes():
            return [Eager]
        """,
        "defines the attention mode 'eager', which plugin 'eager' (builtin) already defines",
    ),
}


@pytest.fixture
def write(tmp_path):
    def write_plugin(name, source):
        path = tmp_path / f"{name}.py"
        path.write_text(textwrap.dedent(source))
        return str(path)

    return write_plugin


def catalog(*requests):
    return build_catalog(load_plugins(requests))


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_plugin_is_named_and_the_rest_works(name, write):
    source, message = BROKEN[name]
    found = catalog(write("broken", source), write("good", GOOD))
    (failure,) = found.failures
    assert str(failure).startswith("plugin 'broken' (-p) ")
    assert message in str(failure)
    assert "\n" not in str(failure)
    assert "free" in found.attention_modes
    assert "deepseek_ocr" in found.models
    assert "torch" in found.counters


def test_a_failure_is_fatal_when_strict(write):
    with pytest.raises(PluginError, match="'broken'"):
        catalog(write("broken", "import not_a_module")).raise_failures()
    catalog(write("good", GOOD)).raise_failures()


def test_flopbench_ships_its_own_strategies_as_plugins():
    found = catalog()
    assert not found.failures
    origins = {name: source.origin for name, _, source in found.attention_modes}
    assert origins == dict.fromkeys(
        [
            *("absorbed", "chunked", "eager", "flash", "flash3", "flash_executed", "flash_torch"),
            *("fused", "sequential", "sparse"),
        ],
        "builtin",
    )
    origins = {name: source.origin for name, _, source in found.counters}
    builtin = {name for name, origin in origins.items() if origin == "builtin"}
    assert builtin == {"torch", "ncu", "ncu_every_type"}
    assert {origins[name] for name in set(origins) - builtin} == {"flopbench-peer-counters"}
    origins = {name: source.origin for name, _, source in found.models}
    shipped = {
        "deepseek_ocr": "flopbench-deepseek-ocr",
        "deepseek_ocr2": "flopbench-deepseek-ocr2",
        "hf/*": "flopbench-transformers-lm",
        "unlimited_ocr": "flopbench-unlimited-ocr",
        "vl/*": "flopbench-transformers-vlm",
    }
    assert {name: source for name, source in origins.items() if name in shipped} == shipped
    assert all(name in shipped or name.startswith(("hf/", "vl/")) for name in origins)


@pytest.mark.parametrize(
    ("block", "gone"), [("no:flash", "attention_modes"), ("no:deepseek_ocr", "models")]
)
def test_a_plugin_can_be_blocked(block, gone):
    before, after = catalog(), catalog(block)
    names = {name for name, _, _ in getattr(after, gone)}
    assert names < {name for name, _, _ in getattr(before, gone)}
    assert not after.failures


def test_blocking_what_is_no_plugin_is_a_usage_error():
    with pytest.raises(UsageError, match=r"unknown plugin to block 'flahs': did you mean 'flash'"):
        catalog("no:flahs")


def test_a_module_in_the_working_directory_can_be_loaded(write, tmp_path, monkeypatch):
    write("my_modes", GOOD)
    monkeypatch.chdir(tmp_path)
    assert "free" in catalog("my_modes").attention_modes


@pytest.mark.parametrize("request_", ["nowhere.py", "not_a_module"])
def test_a_plugin_that_is_not_there_is_named(request_):
    (failure,) = catalog(request_).failures
    assert "failed to import" in str(failure)


def test_the_same_plugin_twice_is_named(write, tmp_path, monkeypatch):
    write("twice", GOOD)
    monkeypatch.chdir(tmp_path)
    (failure,) = catalog("twice", "twice").failures
    assert "is already loaded under this name" in str(failure)


def test_an_unknown_name_suggests_the_nearest_and_names_failures(write):
    found = catalog(write("broken", "import not_a_module"))
    with pytest.raises(UsageError) as error:
        found.attention_modes.get("flahs")
    assert "unknown attention mode 'flahs': did you mean 'flash'?" in str(error.value)
    assert "plugin 'broken' (-p) failed to import" in str(error.value)
