"""The laws of the zoo: a sample measured here, all of them in measurements/zoo_laws.json."""

import json
from pathlib import Path

import pytest

from flopbench.errors import CountError
from modules.zoo import DIFFUSERS, LAYERS, SPECIMENS, TRANSFORMERS, USER_CODE
from modules.zoo.laws import DRAWN, agreement, law_of

pytestmark = pytest.mark.filterwarnings("ignore")  # of the libraries whose modules these are

ROOT = Path(__file__).parents[2]
MEASURED = json.loads((ROOT / "measurements" / "zoo_laws.json").read_text(encoding="utf-8"))["laws"]

_FAST = {
    *("Linear", "LazyLinear", "Conv1d same groups", "Conv2d", "Conv2d dilated", "Conv3d groups"),
    *("ConvTranspose2d", "RNNCell", "LayerNorm", "BatchNorm2d", "MaxPool2d", "GELU", "Embedding"),
    *("einsum", "matmul", "attention grouped", "addmm", "blocks in a list", "tied weights"),
}
_EVERY = ((LAYERS, 2), (USER_CODE, 3), (TRANSFORMERS, 24), (DIFFUSERS, 17))
"""Of each kind every so many specimens are measured in the slow tests."""


def sample():
    for kind, every in _EVERY:
        taken = {each.name for each in kind[::every]} | _FAST
        for specimen in kind:
            if specimen.name in taken and "open" in MEASURED[specimen.name]:
                slow = [pytest.mark.slow] * (specimen.name not in _FAST)
                yield pytest.param(specimen, id=specimen.name, marks=slow)


@pytest.mark.parametrize("specimen", [*sample()])
def test_a_law_is_what_was_measured(specimen):
    made, expected = specimen.make(), MEASURED[specimen.name]
    law = law_of(specimen, made)
    assert [*law.open] == expected["open"]
    assert sorted(law.interpolated) == expected["interpolated"]
    assert agreement(specimen, made, law) == (expected["exact"], expected["outside"])


def test_no_law_is_wrong_at_any_size_drawn():
    assert MEASURED.keys() == {each.name for each in SPECIMENS}
    for found in MEASURED.values():
        assert "none" in found or found["exact"] + found["outside"] == DRAWN


def whole(kind):
    """Return the specimens whose law is open in all their sizes, and exact wherever drawn."""
    found = [(each, MEASURED[each.name]) for each in kind if each.sizes]
    return [
        each for each, law in found if law.get("exact") == DRAWN and {*law["open"]} == {*each.sizes}
    ]


@pytest.mark.parametrize("kind", [LAYERS, USER_CODE, TRANSFORMERS, DIFFUSERS])
def test_four_of_five_specimens_have_a_law_that_is_open_in_all_their_sizes(kind):
    assert len(whole(kind)) >= 0.8 * len(kind)


def test_the_page_says_what_was_measured():
    page = " ".join((ROOT / "docs" / "any-module.md").read_text(encoding="utf-8").split())
    kinds = [(len(whole(k)), len(k)) for k in (LAYERS, TRANSFORMERS, DIFFUSERS, USER_CODE)]
    rows = [f"| {len_all} | {lawful} |" for lawful, len_all in kinds]
    assert all(row in page for row in rows)
    assert f"{len(whole(SPECIMENS))} of {len(SPECIMENS)}" in page


def test_what_has_no_law_says_why():
    for specimen in SPECIMENS:
        found = MEASURED[specimen.name]
        assert found.get("none") or found["open"]


WITHOUT = {
    "CTCLoss": "CTCLoss needs the values of tensors, which a count does not compute",
    "branch on values": r"it branches on .*user_classes.py, line \d+\)",
    "loop on a value": "it branches on",
}


def test_a_specimen_without_a_law_is_refused_in_a_sentence():
    for name, said in WITHOUT.items():
        (specimen,) = (each for each in SPECIMENS if each.name == name)
        with pytest.raises(CountError, match=said):
            law_of(specimen, specimen.make())
