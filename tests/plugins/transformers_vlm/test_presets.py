"""Published models: each is as large as its source says, and a page becomes as many tokens."""

import pytest

from flopbench_transformers_vlm.presets import presets
from plugins.transformers_vlm.vl_helpers import model_of, priced_weights, real_weights, workload_of

PAGES = ((1240, 1754), (2550, 3301))  # A4 at 150 dots per inch, Letter at 300

CELLS = {
    "hunyuan-ocr-1.5": ((39, 55), (56, 72)),
    "qwen2.5-vl-7b": ((44, 63), (91, 118)),
    "qwen3-vl-4b": ((39, 55), (80, 103)),
}
"""Columns and rows of both pages, by hand: each side divided by a cell's, and rounded; HunyuanOCR's
second page first shrinks to 2,048 x 2,048 pixels: 1,800 x 2,330, rounded down."""


@pytest.mark.parametrize("name", presets())
def test_a_preset_has_as_many_weights_as_it_says(name):
    preset = presets()[name]
    model = model_of(preset.model_type, preset=name)
    assert real_weights(model) == preset.parameters
    assert priced_weights(model, workload_of(model, (1240, 1754))) == preset.parameters
    assert "github.com/" in preset.source or "huggingface.co/" in preset.source


@pytest.mark.parametrize("name", CELLS)
def test_a_page_becomes_cells(name):
    model = model_of(presets()[name].model_type, preset=name)
    views = [model._family.cut(*page).views for page in PAGES]
    assert tuple((view.cols, view.rows) for (view,) in views) == CELLS[name]
