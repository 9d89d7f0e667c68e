"""Errors that suggest a name."""

import pytest

from flopbench.errors import nearest_names, unknown
from flopbench.registry.shipped import unknown_name
from flopbench_transformers_lm.model_types import unknown_type


@pytest.mark.parametrize(
    ("given", "known", "nearest"),
    [
        ("hf/Mamba2", ["hf/zamba2", "hf/mamba2"], "hf/mamba2"),
        ("FLASH", ["flash3", "eager", "flash"], "flash"),
        ("flash4", ["flash3", "eager", "FLASH"], "flash3"),
    ],
)
def test_a_name_that_differs_in_case_alone_is_the_nearest(given, known, nearest):
    for names in (known, known[::-1]):
        told = unknown("model", given, names)
        assert told == f"unknown model {given!r}: did you mean {nearest!r}?"


def test_so_it_is_among_models_that_are_not_installed():
    told = unknown_name("model", "DEEPSEEK_OCR", [])
    assert "did you mean 'deepseek_ocr', which comes with " in told


def test_so_it_is_among_types_of_transformers():
    assert str(unknown_type("Mamba2", typed=True)).endswith(": did you mean 'hf/mamba2'?")
    assert str(unknown_type("GEMMA3_TEXT", typed=True)).endswith(": did you mean 'hf/gemma3_text'?")


def test_names_are_as_many_and_as_near_as_asked_for():
    names = ["mamba", "mamba2", "MAMBA", "zamba", "other"]
    assert nearest_names("Mamba", names, 2) == ["MAMBA", "mamba"]
    assert nearest_names("Mamba", names, 5) == ["MAMBA", "mamba", "zamba", "mamba2"]
    assert nearest_names("Mamba", names, 5, 1.0) == ["MAMBA", "mamba"]
