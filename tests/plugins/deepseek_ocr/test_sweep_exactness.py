"""All 53 points of the three sweeps: the closed forms against the vendor, difference 0."""

import json
from pathlib import Path

import pytest

from flopbench.builtin.torch_counter import TorchCounter
from flopbench.vendor.counting import count_stage
from flopbench_deepseek_ocr.workload import Workload
from support.stages import price_stage

pytestmark = pytest.mark.slow

PUBLISHED = json.loads(Path(__file__).with_name("reference.json").read_text())[
    "published_vendor_tflops"
]["points"]
ROPE_PER_TOKEN = 12 * 2 * 64


@pytest.fixture(scope="module")
def points(flopbench_once):
    """Carry out the sweeps with the vendor; return their points by grid.

    `crops` has the vision of `vision_prefill`.
    """
    found = {}
    for name in ("vision_prefill", "decode"):
        result, out = flopbench_once(
            "sweep", "deepseek_ocr", name, "--no-plots", "--attention", "eager", "--jobs", "2"
        )
        assert result.returncode == 0, result.stderr  # which says how far it is
        report = json.loads((out / "sweep.json").read_text())
        assert report["num_points"] == 53
        for point in report["points"]:
            found.setdefault(point["grid"], {}).update(point)
    return found


def test_every_stage_of_every_point_differs_by_0(points):
    assert len(points) == 53
    for point in points.values():
        for stage in ("vision", "prefill", "vision_prefill", "decode"):
            found = point[stage]
            assert (found["difference"], found["components_differ"]) == (0, [])
            assert (found["vendor_error"], found["vendor_method"]) == (None, "call")
            seen = found["cost"]["eager"]["torch_visible_flops"]
            assert found["vendor_flops"] == seen > 0
            assert found["vendor_tflops"] == found["vendor_flops"] / 10**12


def test_the_published_points_are_met_after_the_rope(points):
    for published in PUBLISHED:
        point = points[published["grid"]]
        flops = {key: round(v * 10**12) for key, v in published.items() if isinstance(v, float)}
        assert point["vision"]["vendor_flops"] == flops["vision"]
        rope = ROPE_PER_TOKEN * point["context_tokens"]
        assert point["vision_prefill"]["vendor_flops"] == flops["prefill_with_vision"] - rope
        assert point["decode"]["vendor_flops"] == flops["decode_100"] - ROPE_PER_TOKEN * 100


def test_vision_is_a_line_in_tiles(points):
    by_tiles = {p["tiles"]: p["vision"]["vendor_flops"] for p in points.values()}
    slope = by_tiles[3] - by_tiles[2]
    assert slope > 0
    assert all(n == by_tiles[2] + slope * (tiles - 2) for tiles, n in by_tiles.items())


def test_at_15x26_tiles_the_closed_form_is_the_vendors_own_count(model, vendor):
    workload = Workload(tile_rows=15, tile_cols=26)
    counted = count_stage(TorchCounter(), vendor.stage("vision", workload)).count.flops
    priced = price_stage(model, "vision", workload)
    assert priced.torch_visible_flops == counted
    # The projector sees each token of 16 x 16 of the page and 10 x 10 of each tile once.
    projector = sum(
        line.torch_visible_flops
        for line in priced.lines
        if line.component.startswith("vision/projector")
    )
    assert projector == 2 * 2048 * 1280 * (256 + 390 * 100)


def test_crops_has_the_vision_of_vision_prefill(flopbench_once, points):
    result, out = flopbench_once(
        *("sweep", "deepseek_ocr", "crops", "--no-plots", "--attention", "eager"),
        *("--grid", "1x2", "--grid", "2x3", "--grid", "3x2"),
    )
    assert result.returncode == 0, result.stderr
    report = json.loads((out / "sweep.json").read_text())
    assert [point["grid"] for point in report["points"]] == ["1x2", "2x3", "3x2"]
    assert all(point["vision"]["vendor_method"] == "call" for point in report["points"])
    for point in report["points"][:2]:
        assert point["vision"] == points[point["grid"]]["vision"]
    # A grid on its side has the same tiles, and other newlines: no FLOPs, but bytes.
    turned, upright = report["points"][2]["vision"], points["2x3"]["vision"]
    assert turned["cost"] != upright["cost"]
    assert {**turned, "cost": None} == {**upright, "cost": None}
    assert report["points"][2]["image_tokens"] == points["2x3"]["image_tokens"] + 10


def test_laws_give_what_is_counted_at_every_point(flopbench_once, points):
    result, out = flopbench_once(
        *("sweep", "deepseek_ocr", "vision_prefill", "--no-plots", "--attention", "eager"),
        "run.method=symbolic",
    )
    assert result.returncode == 0, result.stderr  # which says how far it is
    methods = set()
    for point in json.loads((out / "sweep.json").read_text())["points"]:
        for stage in ("vision", "prefill"):
            found, counted = point[stage], points[point["grid"]][stage]
            methods.add(found["vendor_method"])
            assert found["vendor_flops"] == counted["vendor_flops"]
    assert methods == {"call", "law"}
