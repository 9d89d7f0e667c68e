"""Windows of a tower: as many, and as large, as transformers cuts."""

from collections import Counter

import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers.vision_utils import get_vision_window_index

from flopbench_transformers_vlm.families.grid_tower import windows
from flopbench_transformers_vlm.workload import View
from plugins.transformers_vlm.vl_helpers import model_of

side = st.integers(1, 13)
views = st.lists(st.builds(View, st.integers(1, 2), side, side), min_size=1, max_size=3)


@given(views, st.integers(1, 5), st.integers(1, 3))
def test_windows_are_those_that_transformers_cuts(views, cells, merge):
    patch = 14
    grids = [[1, merge * v.rows, merge * v.cols] for v in views for _ in range(v.count)]
    _order, ends = get_vision_window_index(torch.tensor(grids), merge, cells * merge * patch, patch)
    found = Counter()
    for each in windows(views, cells, merge * merge):
        found[each.tokens] += each.count
    assert found == Counter((ends[1:] - ends[:-1]).tolist())


def test_windows_of_less_than_a_cell_are_refused():
    model = model_of("qwen2_5_vl", {"vision_config": {"window_size": 27}})
    assert model.no_closed_forms == (
        "the closed forms of 'qwen2_5_vl (vision_config)' do not cover window_size=27, only "
        "windows of at least one cell"
    )


def test_deepstack_is_named_as_left_out():
    (said,) = [s for s in model_of("qwen3_vl").assumptions() if "deepstack" in s]
    assert "multiplies nothing" in said
    assert not [s for s in model_of("qwen3_5").assumptions() if "deepstack" in s]
