"""What stands for sizes of images in a trace does to numbers what torch does to tensors."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from flopbench_transformers_vlm.grids import SymbolicSizes
from flopbench_transformers_vlm.mixed import MixedDevices

grids = st.lists(st.tuples(*[st.integers(1, 9)] * 3), min_size=1, max_size=4)

STEPS = {
    "arithmetic": lambda g: (g[:, 1:] // 2 + 1) * g[:, :2] - g[:, 1:],
    "counts": lambda g: g.prod(-1) * 2,
    "ends": lambda g: functional.pad((g[:, 1] * g[:, 2]).cumsum(0), (1, 0), value=0),
    "a tensor of them": lambda g: torch.as_tensor(g, device="meta").prod(dim=-1),
    "frames": lambda g: (
        torch.repeat_interleave(g[:, 1], torch.ones_like(g[:, 0]))
        if isinstance(g, torch.Tensor)
        else torch.repeat_interleave(g[:, 1], SymbolicSizes([1] * len(g)))
    ),
}


@given(grids, st.sampled_from(sorted(STEPS)))
def test_steps_of_towers_give_what_tensors_give(rows, name):
    step = STEPS[name]
    with MixedDevices():
        expected, found = step(torch.tensor(rows)), step(SymbolicSizes(rows))
    assert found.tolist() == expected.tolist()


@given(grids)
def test_they_are_taken_apart_as_tensors_are(rows):
    sizes, tensor = SymbolicSizes(rows), torch.tensor(rows)
    assert [tuple(row) for row in sizes] == rows
    assert [each.tolist() for each in sizes.unbind(-1)] == [e.tolist() for e in tensor.unbind(-1)]
    assert sizes[0][1] == rows[0][1]


@given(grids, st.integers(1, 9))
def test_what_patches_choose_has_a_shape_alone(rows, patches):
    sizes, chosen = SymbolicSizes(rows), torch.empty(patches, dtype=torch.long, device="meta")
    assert sizes[chosen, 1].shape == (patches,)
    assert sizes[:, 0].unsqueeze(1).shape == (len(rows), 1)
    assert sizes[chosen, 1].is_meta


def test_a_number_keeps_its_value_beside_pixels_and_a_tensor_does_not():
    pixels, grid = torch.empty(12, 3, device="meta"), torch.tensor([[3, 4]])
    with MixedDevices():
        rows, cols = grid[0]
        assert pixels.reshape(rows, cols, 3).shape == (3, 4, 3)
        assert (pixels[:2, 0] * grid[0]).is_meta
        assert torch.as_tensor([[3, 4]], device=pixels.device).tolist() == [[3, 4]]


def test_an_index_beyond_the_last_is_an_error():
    with pytest.raises(IndexError):
        SymbolicSizes([[1, 2, 3]])[1]
