"""Pages of usual sizes become as many cells as a division by hand says, for published models."""

import pytest

from flopbench_transformers_vlm.presets import presets
from plugins.transformers_vlm.vl_helpers import model_of

PAGES = ((1240, 1754), (2550, 3301))
"""A4 at 150 dots per inch, and Letter at 300 with a line more."""

CELLS = {
    "glm-ocr": ((44, 63), (68, 89)),
    "hunyuanocr-1.5-1b": ((39, 55), (56, 72)),
    "lightonocr-1b": ((39, 55), (42, 55)),
    "mistral-small-3.1-24b": ((39, 55), (43, 55)),
    "paddleocr-vl-0.9b": ((44, 63), (52, 68)),
    "qwen2.5-vl-7b": ((44, 63), (91, 118)),
    "qwen3-vl-4b": ((39, 55), (80, 103)),
}
"""Columns and rows: sides divided by 28 or 32 pixels, and rounded; 1240 / 28 = 44.3, for example.

Beyond the most pixels, a page shrinks first and is rounded down: to 1,929 x 2,497 for GLM-OCR,
whose limit of 9,633,792 is for two copies; to 1,800 x 2,330 for HunyuanOCR; to 1,476 x 1,911 for
PaddleOCR-VL. A page that must fit into 1,540 pixels becomes 1,088 or 1,189 wide: 77.7 or 84.9
patches of 14, rounded up, of which two make a cell; Mistral rounds 38.9 and 42.5 cells up."""

BESIDE = {
    "hunyuanocr-1.5-1b": lambda cols, rows: (rows * (cols + 1) + 2, 2),
    "lightonocr-1b": lambda cols, rows: (rows * cols, 0),
    "mistral-small-3.1-24b": lambda cols, rows: (rows * cols, rows),
}
"""Positions that take features, and others, where they are not cells and a token at each end."""


@pytest.mark.parametrize("name", CELLS)
def test_pages_become_cells(name):
    family = model_of(presets()[name].model_type, preset=name)._family
    usual = BESIDE.get(name, lambda cols, rows: (rows * cols, 2))
    for page, (cols, rows) in zip(PAGES, CELLS[name], strict=True):
        cut = family.cut(*page)
        (view,) = cut.views
        assert (view.cols, view.rows) == (cols, rows)
        assert (cut.tokens, cut.separators) == usual(cols, rows)


def test_a_page_without_a_limit_of_pixels_is_as_large_as_reported():
    """HunyuanOCR of 2,550 x 3,301 pixels without a limit: 32,960 patches of 16 pixels attend.

    A user of it was told that 64.75 GiB could not be allocated: one tensor of
    scores, 32,960 x 32,960 x 16 heads x 4 bytes.
    """
    settings = {"size": {"shortest_edge": 1, "longest_edge": 10**9}}
    model = model_of("hunyuan_vl", None, settings, preset="hunyuanocr-1.5-1b")
    (view,) = model._family.cut(2550, 3301).views
    patches, heads = 4 * view.rows * view.cols, model._family.attention.heads
    assert patches == 32_960
    assert f"{patches**2 * heads * 4 / 2**30:.2f}" == "64.75"
