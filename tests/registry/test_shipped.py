"""What to install for a name that a distribution beside flopbench provides."""

from importlib import metadata

import pytest

from flopbench.errors import UsageError
from flopbench.plan import make_plan
from flopbench.registry.catalog import Catalog, build_catalog
from flopbench.registry.loading import load_plugins
from flopbench.registry.shipped import SHIPPED

EXTRA = (
    *("deepseek_ocr", "deepseek_ocr2", "peer_counters", "transformers_lm", "transformers_vlm"),
    "unlimited_ocr",
)


@pytest.fixture
def bare(monkeypatch) -> Catalog:
    """Return the catalog of flopbench alone, with nothing beside it installed."""

    def absent(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", absent)
    return build_catalog(load_plugins([f"no:{name}" for name in EXTRA]))


def test_the_table_names_all_that_they_provide():
    catalog = build_catalog(load_plugins())
    for shelf in (
        catalog.models,
        catalog.attention_modes,
        catalog.counters,
        catalog.reporters,
    ):
        provided = {name: source.origin for name, _, source in shelf if source.origin != "builtin"}
        assert SHIPPED.get(shelf.what, {}) == provided


@pytest.mark.parametrize(
    ("name", "distribution", "extra"),
    [
        ("deepseek_ocr", "flopbench-deepseek-ocr", "ocr"),
        ("deepseek_ocr2", "flopbench-deepseek-ocr2", "ocr"),
        ("unlimited_ocr", "flopbench-unlimited-ocr", "ocr"),
        ("hf/llama", "flopbench-transformers-lm", "hf"),
        ("vl/glm_ocr", "flopbench-transformers-vlm", "vl"),
        ("hf/of_tomorrow", "flopbench-transformers-lm", "hf"),
    ],
)
def test_a_model_says_what_to_install(bare, name, distribution, extra):
    said = f"unknown model {name!r}: it comes with {distribution}: pip install 'flopbench[{extra}]'"
    with pytest.raises(UsageError) as raised:
        bare.models.get(name)
    assert str(raised.value) == said
    with pytest.raises(UsageError) as raised:  # hf/llama is no repository of somebody called hf
        make_plan(bare, name)
    assert str(raised.value) == said


def test_a_counter_does_too(bare):
    with pytest.raises(UsageError, match=r"'fvcore': it comes with .*install 'flopbench\[peers\]'"):
        bare.counters.get("fvcore")
    with pytest.raises(UsageError, match=r"counter 'torchh': did you mean 'torch'\?"):
        bare.counters.get("torchh")


def test_a_misspelt_name_is_held_against_those_that_are_not_installed(bare):
    with pytest.raises(UsageError) as raised:
        bare.models.get("deepsek_ocr")
    assert str(raised.value) == (
        "unknown model 'deepsek_ocr': did you mean 'deepseek_ocr', which comes with "
        "flopbench-deepseek-ocr: pip install 'flopbench[ocr]'"
    )


def test_without_the_plugin_no_other_model_is_suggested(flopbench):
    blocked = ("-p", "no:deepseek_ocr", "-p", "no:deepseek_ocr2", "-p", "no:unlimited_ocr")
    done = flopbench("run", "deepseek_ocr", *blocked)
    assert done.returncode == 2
    # It is installed here, so that installing it would not help.
    assert done.stderr == (
        "flopbench: error: unknown model 'deepseek_ocr': it comes with flopbench-deepseek-ocr, "
        "whose plugin is blocked or failed to load\n"
    )


def test_what_nobody_provides_is_as_before(bare):
    with pytest.raises(UsageError, match="unknown model 'zzz': "):
        bare.models.get("zzz")
    with pytest.raises(UsageError, match="did you mean 'console'"):
        bare.reporters.get("consol")
