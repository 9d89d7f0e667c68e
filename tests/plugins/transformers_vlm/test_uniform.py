"""Masks of images that hold pixels: they count and select what tensors of one value would."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from flopbench_transformers_vlm.mixed import MixedDevices
from flopbench_transformers_vlm.uniform import Uniform

sizes = st.integers(1, 4)
shapes = st.lists(sizes, min_size=1, max_size=4).map(tuple)


@given(value=st.integers(0, 3), shape=shapes, data=st.data())
def test_sums_are_those_of_a_tensor_of_one_value(value, shape, data):
    dims = data.draw(st.sets(st.integers(-len(shape), len(shape) - 1), min_size=1))
    dims = tuple({dim % len(shape): dim for dim in dims}.values())
    full = torch.full(shape, value)
    assert Uniform(value, shape).sum(dim=dims).tolist() == full.sum(dim=dims).tolist()
    assert Uniform(value, shape).sum().tolist() == full.sum().tolist()
    assert (Uniform(value, shape) != 2).tolist() == (full != 2).tolist()
    assert (Uniform(value, shape) * 3).tolist() == (full * 3).tolist()


@given(images=sizes, tiles=sizes, side=sizes)
def test_no_tile_of_pixels_is_dropped_as_empty(images, tiles, side):
    pixels = torch.empty(images * tiles, 3, side, side, device="meta")
    with MixedDevices():
        held = (pixels == 0.0).sum(dim=(-1, -2, -3)) != 3 * side * side
        held[0] |= ~torch.any(held)
        counts = held.view(images, tiles).sum(dim=1).tolist()
        kept = pixels[held]
    assert counts == [tiles] * images
    assert kept.shape == pixels.shape


@given(mask=st.lists(st.booleans(), min_size=1, max_size=6), side=sizes)
def test_a_mask_with_values_selects_as_many(mask, side):
    values, chosen = torch.empty(len(mask), side, device="meta"), torch.tensor(mask)
    with MixedDevices():
        assert values[chosen].shape == (sum(mask), side)


def test_one_element_of_a_uniform_tensor_cannot_differ():
    mask = Uniform(value=True, shape=(3,))
    with pytest.raises(ValueError, match="all elements of a uniform tensor are equal"):
        mask[0] = Uniform(value=False, shape=())


def test_sizes_keep_their_values_beside_pixels():
    lengths = torch.tensor([2, 3])
    with MixedDevices():
        assert lengths.to("meta").tolist() == [2, 3]
        assert torch.empty(6, device="meta").view(lengths[0], lengths[1]).shape == (2, 3)
