"""What stands for torch where sizes are symbols makes what torch makes of numbers."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from flopbench_transformers_vlm import shapes

few = st.integers(1, 4)


@given(few, few, few, few, few)
def test_squares_are_those_of_unfold(images, channels, rows, cols, side):
    image = torch.randn(images, channels, rows * side, cols * side)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shapes, "is_traced", lambda _size: True)
        found = shapes.unfolded(image, kernel_size=side, stride=side)
        assert torch.equal(found, functional.unfold(image, kernel_size=side, stride=side))


@given(few, few, few, few)
def test_a_resized_image_has_the_shape_that_interpolation_gives(images, channels, rows, cols):
    image = torch.randn(images, channels, 3, 5)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shapes, "is_traced", lambda _size: True)
        found = shapes.resized(image, size=(rows, cols), mode="bilinear")
    assert found.shape == functional.interpolate(image, size=(rows, cols), mode="bilinear").shape


def test_numbers_are_left_to_torch():
    image = torch.randn(1, 2, 4, 6)
    assert shapes.unfolded(image, kernel_size=2, stride=2) is None
    assert shapes.resized(image, size=(2, 3)) is None


@pytest.mark.parametrize(
    "others", [{"stride": 1}, {"stride": 2, "padding": 1}, {"stride": 2, "dilation": 2}]
)
def test_squares_that_overlap_are_left_to_torch(others, monkeypatch):
    monkeypatch.setattr(shapes, "is_traced", lambda _size: True)
    assert shapes.unfolded(torch.randn(1, 2, 4, 6), kernel_size=2, **others) is None
    assert shapes.unfolded(torch.randn(1, 2, 5, 6), kernel_size=2, stride=2) is None
