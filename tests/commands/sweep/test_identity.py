"""Sweeps whose points have the same names are told apart by what the points are."""

from PIL import Image

from flopbench.commands.sweep.identity import points_digest
from flopbench.commands.sweep.plan import plan_sweep
from flopbench.commands.sweep.request import SweepRequest
from flopbench.inputs.options import settings
from flopbench.registry.catalog import build_catalog
from flopbench.registry.loading import load_plugins


def test_an_image_that_changed_makes_other_points_of_the_same_path(tmp_path):
    path, catalog = tmp_path / "page.png", build_catalog(load_plugins())

    def digest(width, height, *vary):
        Image.new("RGB", (width, height)).save(path)
        request = SweepRequest(
            model="deepseek_ocr",
            vary=vary or ("workload.prompt_tokens=1:3",),
            options=settings(image=path, analytic_only=True),
        )
        return points_digest(plan_sweep(catalog, request))

    one = digest(1300, 700)
    assert digest(1300, 700) == one
    assert digest(700, 2400) != one
    assert digest(1300, 700, "workload.prompt_tokens=1:4") != one
