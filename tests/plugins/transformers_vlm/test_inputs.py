"""What users give wrong is one sentence, as the image processors' own limits say."""

import json

import pytest

from flopbench import CountError, UsageError
from flopbench_transformers_vlm.analytic import VlModel
from flopbench_transformers_vlm.workload import Inputs, View, Workload
from plugins.transformers_vlm.tiny_models import TINY
from plugins.transformers_vlm.vl_helpers import assert_exact, model_of, vendor_of, workload_of
from support.plans import analytic_plan


def small(kind):
    """Return a type's small config; where fields are drawn, it has the defaults."""
    tower = {"num_hidden_layers": 1, "hidden_size": 16, "num_attention_heads": 2, "depth": 1}
    return model_of(kind, {"text_config": TINY[kind].fields["text_config"], "vision_config": tower})


GLM, TILES = "glm_ocr", "internvl"


@pytest.mark.parametrize(
    ("kind", "image", "message"),
    [
        (GLM, (1, 100_000), "more than 200 times the shorter one"),
        (GLM, (0, 5), r"workload.image=\[0, 5\] must be \[width, height\]"),
        (GLM, "nope.png", "cannot read image nope.png: No such file"),
        (TILES, (-1, 5), r"workload.image=\[-1, 5\] must be"),
    ],
)
def test_a_page_that_the_image_processor_refuses(kind, image, message):
    with pytest.raises(UsageError, match=message):
        model_of(kind).workload(Inputs(image=image))


def test_a_page_that_is_cut_into_tiles_may_have_any_shape():
    assert model_of(TILES).workload(Inputs(image=(1, 100_000))).image_tokens == 13 * 256


@pytest.mark.parametrize(
    ("images", "message"),
    [
        ({"images": ()}, "'images' must be a list of at least one image"),
        ({"images": ((1, 2),), "image": (1, 2)}, "leave out one of the two"),
    ],
)
def test_no_image_and_both_keys(images, message):
    with pytest.raises(ValueError, match=message):
        Inputs(**images)


def test_one_of_several_images_is_named():
    with pytest.raises(UsageError, match=r"workload.images\[1\]=\[0, 1\] must be"):
        model_of(GLM).workload(Inputs(images=((100, 200), (0, 1))))


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        (GLM, {"preset": "nope"}, "model.preset=nope|unknown preset of vl/glm_ocr 'nope'"),
        (GLM, {"settings": {"max_pixel": 3}}, "unknown setting of Glm46VImageProcessor"),
        (GLM, {"settings": {"size": 3}}, "only a shortest_edge and a longest_edge"),
        (GLM, {"settings": {"patch_size": 16}}, "patch_size is 16, but the tower's patch_size"),
        (GLM, {"fields": {"vision_config": {"depht": 3}}}, "did you mean 'depth'"),
        (TILES, {"settings": {"size": {"height": 100, "width": 100}}}, "tiles of 7 x 7 patches"),
    ],
)
def test_a_model_that_cannot_be(kind, options, message):
    with pytest.raises(UsageError, match=message):
        model_of(kind, **options).workload(Inputs(image=(500, 500)))


def test_a_file_of_another_type(tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"model_type": "llama"}))
    with pytest.raises(UsageError, match="is of model type 'llama', not 'glm_ocr': run hf/llama"):
        model_of(GLM, config=str(path))


@pytest.mark.parametrize("name", ["vl/glm_orc", "vl/llama", "vl/"])
def test_a_type_that_has_no_family(name):
    with pytest.raises(UsageError, match="unknown vision-language model"):
        model_of(name.removeprefix("vl/"))


def test_a_folder_has_the_settings_of_its_image_processor(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": GLM}))
    settings = {"size": {"shortest_edge": 12_544, "longest_edge": 2_000_000}}
    page = Inputs(image=(2_550, 3_301))
    before = model_of(GLM, config=str(tmp_path)).workload(page).image_tokens
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(settings))
    after = model_of(GLM, config=str(tmp_path)).workload(page).image_tokens
    assert after * 28 * 28 * 2 <= 2_000_000 < before * 28 * 28 * 2
    # What is given by name wins over the file beside the config, and an override over both.
    own = tmp_path / "own.json"
    own.write_text(json.dumps({"size": {"shortest_edge": 12_544, "longest_edge": 1_000_000}}))
    named = model_of(GLM, config=str(tmp_path), processor=str(own)).workload(page).image_tokens
    assert named * 28 * 28 * 2 <= 1_000_000 < after * 28 * 28 * 2
    part = {"size": {"longest_edge": 500_000}}  # the other limit stays
    given = model_of(GLM, settings=part, config=str(tmp_path)).workload(page).image_tokens
    assert given * 28 * 28 * 2 <= 500_000


def test_a_published_model_has_a_name_of_its_own():
    by_name, by_preset = model_of("glm-ocr"), model_of(GLM, preset="glm-ocr")
    assert by_name.architecture == by_preset.architecture
    assert by_name.architecture.published.name == "glm-ocr"
    known = set(VlModel.known_names())
    assert {"vl/glm-ocr", "vl/got_ocr2"} - known == {"vl/got_ocr2"}  # it has a published model
    assert all(VlModel.for_name(name).summary for name in known)


def test_what_is_no_list_of_images_is_told_what_one_is():
    with pytest.raises(UsageError, match="must be a list, each text or a list of integers or null"):
        analytic_plan("vl/qwen2_vl", "workload.images=page.png")


@pytest.mark.parametrize("kind", ["qwen2_vl", "mistral3", "minicpmv4_6"])
@pytest.mark.parametrize("view", [View(1, 10**6, 10**6), View(10**9, 2, 2)])
def test_more_places_than_memory_holds_are_not_counted(kind, view):
    vendor = vendor_of(small(kind))
    with pytest.raises(CountError, match=r"one by one, .* use --analytic-only"):
        vendor.stage("vision", Workload(views=(view,))).prepare(1)


def test_tiles_are_counted_however_many_they_are():
    model = small("internvl")
    assert_exact(model, workload_of(model, (60, 90), batch_size=10**9), ["vision"])
