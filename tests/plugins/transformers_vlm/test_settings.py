"""Settings of image processors: what transformers takes is taken; what not, is one sentence."""

import json

import pytest

from flopbench import UsageError
from flopbench_transformers_vlm.workload import Inputs
from plugins.transformers_vlm.vl_helpers import model_of, processed

PAGE = (300, 420)
LONGEST = "a longest_edge"
SIDES = "a height and a width, whole numbers"


def read(kind, settings, image=PAGE):
    """Return the workload of a page, with a type's default sizes."""
    return model_of(kind, settings=settings).workload(Inputs(image=image))


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        ("idefics3", {"size": {"shortest_edge": 224}}, "a width and a height, whole numbers"),
        ("idefics3", {"size": {"height": 0, "width": 0}}, "a width and a height, whole numbers"),
        ("idefics3", {"size": {"longest_edge": "9"}}, LONGEST),
        ("idefics3", {"max_image_size": 3}, LONGEST),
        ("idefics3", {"max_image_size": {"longest_edge": 0}}, LONGEST),
        ("cohere2_vision", {"size": {"longest_edge": 512}}, SIDES),
        ("lighton_ocr", {"size": {"shortest_edge": 9}}, "a width and a height, whole numbers"),
        ("lighton_ocr", {"patch_size": {"height": 9, "width": 0}}, SIDES),
        ("florence2", {"size": {"height": -3, "width": 5}}, SIDES),
        ("florence2", {"size": {"height": 768.0, "width": 768}}, SIDES),
        ("internvl", {"size": 3}, "tiles of 0 x 0 patches"),
        (
            "internvl",
            {"crop_to_patches": "yes"},
            "crop_to_patches is 'yes', but it takes only true",
        ),
        ("internvl", {"max_patches": "3"}, "max_patches is '3', but it takes only whole numbers"),
        ("granite_docling", {"dense_max_patches": "x"}, "it takes only whole numbers"),
        ("qwen2_vl", {"temporal_patch_size": 4}, "the tower's temporal_patch_size is 2"),
        ("qwen2_vl", {"patch_size": "14"}, "patch_size is '14', but the tower's patch_size is 14"),
        ("qwen2_vl", {"max_pixels": "many"}, "numbers of pixels"),
        ("lighton_ocr", {"do_resize": False}, "do_resize is False, but it takes only true"),
        ("minicpmv4_6", {"do_resize": False}, "do_resize is False, but it takes only true"),
    ],
)
def test_a_wrong_setting_is_named(kind, settings, message):
    with pytest.raises(UsageError, match=message):
        read(kind, settings)


def test_a_setting_that_the_image_processor_checks_is_refused_in_its_words():
    with pytest.raises(UsageError, match="rejects a setting: `crop_size` must be specified"):
        read("qwen2_vl", {"do_center_crop": True})


@pytest.mark.parametrize("kind", ["internvl", "ovis2", "granite_docling"])
def test_more_tiles_than_anyone_chooses_among_are_refused_at_once(kind):
    with pytest.raises(UsageError, match="max_patches is 10000000, but it takes only whole num"):
        read(kind, {"max_patches": 10**7})


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        ("llava", {"crop_size": {"height": 100, "width": 100}}, "takes 336 x 336"),
        ("llava", {"crop_size": {"height": 337, "width": 337}}, "takes 336 x 336"),
        ("llava", {"do_center_crop": False}, "makes others"),
        ("paligemma", {"size": {"height": 448, "width": 448}}, "takes 224 x 224"),
        ("paligemma", {"do_resize": False}, "300 x 420 pixels, but the tower takes 224 x 224"),
        ("deepseek_vl", {"size": {"height": 448, "width": 384}}, "takes 384 x 384"),
        ("got_ocr2", {"size": {"height": 1023, "width": 1023}}, "takes 1024 x 1024"),
        ("cohere2_vision", {"size": {"height": 224, "width": 224}}, "but the tower takes"),
    ],
)
def test_images_of_another_size_than_the_towers_are_refused(kind, settings, message):
    fields = {"vision_config": {"image_size": 384}} if kind == "deepseek_vl" else {}
    with pytest.raises(UsageError, match=message):
        model_of(kind, fields, settings).workload(Inputs(image=PAGE))


def test_images_of_as_many_patches_are_taken_unless_the_tower_compares_pixels():
    near = {"size": {"height": 230, "width": 230}}
    assert read("paligemma", near).image_tokens == read("paligemma", {}).image_tokens
    same = read("paligemma", {"do_resize": False}, image=(224, 224))
    assert same.image_tokens == read("paligemma", {}).image_tokens


@pytest.mark.parametrize("kind", ["qwen2_vl", "glm_ocr", "hunyuan_vl"])
def test_a_page_that_is_not_resized_has_its_own_cells(kind):
    settings, fields = {"do_resize": False}, {}
    model = model_of(kind, fields, settings)
    cell = 2 * model.architecture.processor["patch_size"]
    page = (3 * cell, 70 * cell)
    (view,) = model.workload(Inputs(image=page)).views
    made = processed(model, *page)["image_grid_thw"][0].tolist()
    assert [1, 2 * view.rows, 2 * view.cols] == made == [1, 140, 6]
    with pytest.raises(UsageError, match=f"no number of cells of {cell} x {cell}"):
        model.workload(Inputs(image=(3 * cell + 1, cell)))


@pytest.mark.parametrize(
    "settings",
    [{"min_patches": 0}, {"min_patches": -1}, {"min_patches": 1.5}, {"min_patches": 9}]
    + [{"max_patches": n} for n in (-1, 0, 3)]
    + [{"crop_to_patches": n} for n in (0, 1)],
)
def test_limits_of_tiles_mean_what_they_mean_to_the_image_processor(settings):
    model = model_of("internvl", settings={"size": {"height": 56, "width": 56}, **settings})
    (view,) = model.workload(Inputs(image=PAGE)).views
    assert view.count == len(processed(model, *PAGE)["pixel_values"])


@pytest.mark.parametrize(
    "settings", [{"max_pixels": 60_000.5}, {"min_pixels": -1}, {"min_pixels": 200_000.5}]
)
def test_numbers_of_pixels_need_not_be_whole(settings):
    model = model_of("qwen2_vl", settings=settings)
    (view,) = model.workload(Inputs(image=PAGE)).views
    made = processed(model, *PAGE)["image_grid_thw"][0].tolist()
    assert [1, 2 * view.rows, 2 * view.cols] == made


def test_a_folder_of_a_processor_has_its_settings_wherever_transformers_reads_them(tmp_path):
    def tokens(**options):
        model = model_of("qwen2_vl", **options)
        return model.workload(Inputs(image=(2_000, 3_000))).image_tokens

    few, fewer = ({"size": {"shortest_edge": 784, "longest_edge": n}} for n in (90_000, 40_000))
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "qwen2_vl"}))
    folder = {"config": str(tmp_path)}
    usual = tokens(**folder)
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(few))
    assert tokens(**folder) == tokens(processor=str(tmp_path)) == tokens(settings=few) < usual
    (tmp_path / "processor_config.json").write_text(json.dumps({"processor_class": "Qwen2VL"}))
    assert tokens(**folder) == tokens(settings=few)  # it has no settings of the image processor
    (tmp_path / "processor_config.json").write_text(json.dumps({"image_processor": fewer}))
    assert tokens(**folder) == tokens(settings=fewer) < tokens(settings=few)
    named = tokens(processor=str(tmp_path / "processor_config.json"))
    assert named == tokens(processor=str(tmp_path)) == tokens(settings=fewer)


@pytest.mark.parametrize("text", ["[]", "null", "3", '{"image_processor": 3}'])
def test_a_file_of_settings_that_holds_something_else_is_named(tmp_path, text):
    path = tmp_path / "own.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"model.processor=.*own.json must hold a JSON object"):
        model_of("qwen2_vl", processor=str(path))


def test_a_folder_without_settings_says_which_file_it_lacks(tmp_path):
    with pytest.raises(UsageError, match=r"preprocessor_config.json: No such file"):
        model_of("qwen2_vl", processor=str(tmp_path))
