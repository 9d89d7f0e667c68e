"""From images and modes to views, tiles and tokens."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from transformers.models.deepseek_ocr2.image_processing_pil_deepseek_ocr2 import (
    get_optimal_tiled_canvas,
)

from flopbench.errors import UsageError
from flopbench.inputs import read_page
from flopbench_deepseek_ocr.analytic import DeepseekOcr
from flopbench_deepseek_ocr.image import choose_grid
from flopbench_deepseek_ocr.workload import CropGrid, Inputs, Tiling

sides = st.integers(1, 6000)


def chosen_grid(width, height):
    grid = choose_grid(width, height, Tiling())
    return (grid.rows, grid.cols) if grid else None


@given(sides, sides)
def test_the_grid_is_the_one_that_transformers_chooses(width, height):
    chosen = chosen_grid(width, height)
    if max(width, height) <= 640:
        assert chosen is None
    else:
        cols, rows = get_optimal_tiled_canvas((height, width), (640, 640), 2, 9)
        assert chosen == (rows, cols)


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 900))
def test_ties_between_grids_break_as_in_transformers(cols, rows, scale):
    """Pages whose ratio is that of a grid, or lies between two, make the ties."""
    for width, height in ((cols * scale, rows * scale), ((cols + 1) * scale, 2 * rows * scale)):
        if max(width, height) > 640:
            cols_chosen, rows_chosen = get_optimal_tiled_canvas((height, width), (640, 640), 2, 9)
            assert chosen_grid(width, height) == (rows_chosen, cols_chosen)


@pytest.mark.parametrize(
    ("mode", "tokens"), [("tiny", 73), ("small", 111), ("base", 273), ("large", 421)]
)
def test_one_view_has_a_newline_per_row_and_a_separator(mode, tokens):
    workload = DeepseekOcr().workload(Inputs(mode=mode, image=(3000, 2000)))
    assert workload.image_tokens == tokens
    assert workload.context_tokens == tokens + 10
    assert len(workload.views) == 1


@given(st.integers(1, 30), st.integers(1, 30))
def test_tokens_of_a_grid(rows, cols):
    inputs = Inputs(crop_grid=CropGrid(rows=rows, cols=cols), prompt_tokens=0)
    workload = DeepseekOcr().workload(inputs)
    assert workload.image_tokens == 273 + 10 * rows * (10 * cols + 1)
    assert [(v.size, v.count) for v in workload.views] == [(1024, 1), (640, rows * cols)]


@given(st.integers(1, 40), st.integers(1, 40), sides, sides)
def test_tokens_of_views_and_tiles_of_any_size(base, tile, width, height):
    given = {"image": (width, height), "prompt_tokens": 0}
    inputs = Inputs(**given, base_size=64 * base, tile_size=64 * tile)
    workload = DeepseekOcr().workload(inputs)
    grid = choose_grid(width, height, Tiling(size=64 * tile))
    rows, cols = (grid.rows, grid.cols) if grid else (0, 0)
    assert workload.image_tokens == base * (base + 1) + 1 + tile * rows * (tile * cols + 1)
    assert (workload.view_size, workload.tiles) == (64 * base, rows * cols)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"base_size": 1281}, "'base_size' must be a multiple of 64 pixels"),
        ({"tile_size": 0}, "'tile_size' must be a multiple of 64 pixels"),
        ({"tile_size": 640, "mode": "tiny"}, "'tile_size' needs mode=gundam"),
    ],
)
def test_a_bad_size_of_views(sizes, message):
    with pytest.raises(ValueError, match=message):
        Inputs(**sizes)


@pytest.mark.parametrize(
    ("size", "grid"),
    [
        ((640, 640), None),
        ((641, 640), (2, 2)),  # square, but too small for nine tiles
        ((1400, 1400), (3, 3)),  # square, and it fills more than half of nine tiles
        ((1240, 1754), (3, 2)),
        ((2000, 200), (1, 9)),
    ],
)
def test_known_pages(size, grid):
    assert chosen_grid(*size) == grid


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_the_size_of_a_file_is_read(tmp_path, suffix):
    path = tmp_path / f"page{suffix}"
    Image.new("RGB", (700, 300)).save(path)
    page = read_page(str(path))
    assert (page.source, page.width, page.height) == (str(path), 700, 300)


def test_an_exif_orientation_turns_the_page(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "turned.jpg"
    Image.new("RGB", (700, 300)).save(path, exif=exif)
    page = read_page(str(path))
    assert (page.width, page.height) == (300, 700)


def broken_images(folder):
    good = folder / "good.png"
    Image.effect_noise((400, 400), 50).save(good)
    data = good.read_bytes()
    (folder / "empty.png").write_bytes(b"")
    (folder / "truncated.png").write_bytes(data[: len(data) // 2])
    (folder / "header.png").write_bytes(data[:20])
    (folder / "text.png").write_text("no image")
    Image.new("RGB", (9, 9)).save(folder / "page.gif")
    Image.effect_noise((400, 400), 50).save(folder / "good.jpg")
    jpeg = (folder / "good.jpg").read_bytes()
    (folder / "truncated.jpg").write_bytes(jpeg[: len(jpeg) // 2])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing.png", "No such file"),
        ("empty.png", "is empty"),
        ("truncated.png", "truncated"),
        ("truncated.jpg", "truncated"),
        ("header.png", "image"),
        ("text.png", "not a PNG or JPEG"),
        ("page.gif", "not a PNG or JPEG"),
        ("", "directory"),
    ],
)
def test_a_bad_image_is_named_in_one_sentence(tmp_path, name, message):
    broken_images(tmp_path)
    with pytest.raises(UsageError, match=message) as error:
        read_page(str(tmp_path / name))
    assert str(tmp_path) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("size", [(0, 10), (10, -1), (10,), (1, 2, 3), ()])
def test_a_bad_explicit_size(size):
    with pytest.raises(UsageError, match=r"must be \[width, height\]"):
        read_page(size)


def test_a_grid_and_an_image_contradict_each_other():
    grid = CropGrid(rows=1, cols=2)
    with pytest.raises(UsageError, match="give one of them"):
        DeepseekOcr().workload(Inputs(crop_grid=grid, image=(900, 900)))
    with pytest.raises(UsageError, match=r"needs workload\.mode=gundam"):
        DeepseekOcr().workload(Inputs(crop_grid=grid, mode="base"))


def test_the_sample_page_is_an_a4_page_with_a_grid():
    workload = DeepseekOcr().workload(Inputs())
    assert workload.page is not None
    assert math.isclose(workload.page.height / workload.page.width, math.sqrt(2), rel_tol=0.001)
    assert (workload.tile_rows, workload.tile_cols) == (3, 2)
