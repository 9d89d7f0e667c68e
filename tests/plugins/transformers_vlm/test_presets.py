"""Presets: each is complete, and as large as it was published."""

from dataclasses import fields
from decimal import Decimal

import attrs
import pytest
import torch
from transformers import AutoConfig, AutoModelForImageTextToText, PreTrainedConfig

from flopbench import UsageError
from flopbench_transformers_lm.config import quiet
from flopbench_transformers_vlm.families import FAMILIES
from flopbench_transformers_vlm.presets import preset, presets
from plugins.transformers_vlm.vl_helpers import model_of, priced_weights, workload_of
from support.cli import one_sentence

HF = "huggingface.co/"


@attrs.frozen
class Published:
    """A size that was published, rounded or cut to its last digit.

    Attributes:
        size: a number and its unit.
        source: where it stands.
        bytes: of a weight, where the size is that of a file.
        without: parts of the names of weights that the size does not count.
        copies: whether the file has the tied LM head as well.
    """

    size: str
    source: str
    bytes: int = 1
    without: tuple[str, ...] = ()
    copies: bool = False


INDEX = "total_size of model.safetensors.index.json, "
VOCABULARY = ("embed_tokens", "lm_head")

PUBLISHED = {
    "donut-base": Published("0.81G", f"pytorch_model.bin, {HF}Manab/donut-base-my_model", bytes=4),
    "florence-2-base": Published(
        "271M", f"{HF}ShanenThomas/Florence_epoch_4, fine-tuned", copies=True
    ),
    "florence-2-large": Published(
        "1.54G", f"pytorch_model.bin, {HF}microsoft/Florence-2-large", bytes=2
    ),
    "gemma-3-12b": Published("12B", f"name of {HF}google/gemma-3-12b-it"),
    "gemma-3-27b": Published("54864813280", f"{INDEX}google/medgemma-27b-it, a Gemma 3", bytes=2),
    "gemma-3-4b": Published("8600158944", f"{INDEX}a MedGemma 4B, of its sizes", bytes=2),
    "glm-ocr": Published("0.9B", f"README of {HF}zai-org/GLM-OCR", without=VOCABULARY),
    "got-ocr2": Published("2.24G", f"model.safetensors, {HF}yonigozlan/GOT-OCR-2.0-hf", bytes=4),
    "granite-docling-258m": Published(
        "515M", f"model.safetensors, {HF}ibm-granite/granite-docling-258M", bytes=2
    ),
    "hunyuanocr-1.5-1b": Published("1B", f"{HF}tencent/HunyuanOCR"),
    "internvl3-1b": Published("1B", f"name of {HF}OpenGVLab/InternVL3-1B-hf"),
    "internvl3-8b": Published("8B", f"name of {HF}OpenGVLab/InternVL3-8B-hf"),
    "lightonocr-0.9b-16k": Published("0.9B", f"name of {HF}lightonai/LightOnOCR-0.9B-16k-1025"),
    "lightonocr-1b": Published("1006M", f"LightOnOCR-2-1B in {HF}cstr/lightonocr-GGUF"),
    "llava-1.5-7b": Published("7B", f"name of {HF}llava-hf/llava-1.5-7b-hf"),
    "mistral-small-3.1-24b": Published("24B", f"{HF}mistralai/Mistral-Small-3.1-24B-Base-2503"),
    "nougat-base": Published("1.4G", f"model.safetensors, {HF}facebook/nougat-base", bytes=4),
    "nougat-small": Published("247M", f"{HF}facebook/nougat-small"),
    "olmocr-2-7b": Published("16584333312", f"{INDEX}Qwen2.5-VL-7B-Instruct", bytes=2),
    "paddleocr-vl-0.9b": Published("0.9B", f"{HF}PaddlePaddle/PaddleOCR-VL"),
    "paddleocr-vl-1.5": Published("0.9B", "title of arXiv:2601.21957"),
    "paligemma-3b-224": Published("3B", f"name of {HF}google/paligemma-3b-pt-224"),
    "qianfan-ocr-4b": Published("5B", f"{HF}baidu/Qianfan-OCR (4B is the language model's)"),
    "qwen2-vl-2b": Published("2B", f"README of {HF}Qwen/Qwen2-VL-72B-Instruct"),
    "qwen2-vl-7b": Published("16582751232", f"{INDEX}Qwen2-VL-7B-Instruct", bytes=2),
    "qwen2.5-vl-3b": Published(
        "7509245952",
        f"{INDEX}github.com/zhanggaojian/Qwen2.5-VL-3B-LLMQ_Samples@f119d337",
        bytes=2,
    ),
    "qwen2.5-vl-72b-awq": Published(
        "72B", f"name of {HF}Qwen/Qwen2.5-VL-72B-Instruct-AWQ", without=("visual",)
    ),
    "qwen2.5-vl-7b": Published("16584333312", f"{INDEX}Qwen2.5-VL-7B-Instruct", bytes=2),
    "qwen3-vl-235b-a22b": Published("235B", f"name of {HF}Qwen/Qwen3-VL-235B-A22B-Instruct"),
    "qwen3-vl-2b": Published("2B", f"name of {HF}Qwen/Qwen3-VL-2B-Instruct"),
    "qwen3-vl-30b-a3b": Published(
        "30B", f"name of {HF}Qwen/Qwen3-VL-30B-A3B-Instruct", without=("visual",)
    ),
    "qwen3-vl-32b": Published("66714780128", f"{INDEX}Qwen3-VL-32B-Instruct", bytes=2),
    "qwen3-vl-4b": Published("8875631616", f"{INDEX}Qwen3-VL-4B-Instruct", bytes=2),
    "qwen3-vl-8b": Published("17534247392", f"{INDEX}Qwen3-VL-8B-Instruct", bytes=2),
    "trocr-base": Published("334M", "github.com/microsoft/unilm trocr/README.md"),
    "trocr-large-handwritten": Published("558M", "github.com/microsoft/unilm trocr/README.md"),
    "trocr-large-printed": Published(
        "558M", "github.com/microsoft/unilm trocr/README.md", without=("output_projection",)
    ),
}

KEYWORDS = {
    "add_cross_attention",
    "head_dim",
    "model_type",
    "rope_scaling",
    "rope_theta",
    "sliding_window_pattern",
    "tie_word_embeddings",
}
"""Keys of published configs that a config class reads, though no field has their name."""

DECODES = {"donut", "nougat", "trocr"}
"""Types that are transformers' vision-encoder-decoder."""

COVERED = sorted(name for name, one in presets().items() if one.model_type in FAMILIES)

SIDES = {"min_pixels": "shortest_edge", "max_pixels": "longest_edge"}
"""What transformers calls the former names of two settings, in ``size``."""

UNIT = {"M": 6, "G": 9, "B": 9}


def config_of(one):
    """Return transformers' config of a preset."""
    kind = "vision-encoder-decoder" if one.model_type in DECODES else one.model_type
    given = {name: value for name, value in one.config.items() if name != "model_type"}
    with quiet():
        return AutoConfig.for_model(kind, **given)


def built(one):
    """Return a preset's model on the meta device."""
    config = config_of(one)
    with quiet(), torch.device("meta"):
        return AutoModelForImageTextToText.from_config(config)


def not_read(given, config, path=""):
    """Yield the keys of a preset that a config class does not know."""
    known = {field.name for field in fields(config)} | set(config.attribute_map) | KEYWORDS
    for key, value in given.items():
        if key not in known:
            yield f"{path}{key}"
        part = getattr(config, key, None)
        if isinstance(part, PreTrainedConfig):
            yield from not_read(value, part, f"{path}{key}.")


def last_digit(size):
    """Return a published size, and what its last digit stands for."""
    digits = size.rstrip("".join(UNIT))
    scale = Decimal(10) ** UNIT.get(size[len(digits) :], 0)
    number = Decimal(digits)
    return number * scale, scale.scaleb(number.as_tuple().exponent)


def test_every_preset_was_published():
    assert set(PUBLISHED) == set(presets())


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_a_preset_is_as_large_as_published(name):
    one, published = presets()[name], PUBLISHED[name]
    model = built(one)
    weights = {key: weight.numel() for key, weight in model.named_parameters()}
    assert sum(weights.values()) == one.parameters
    left_out = {key for key in weights if any(part in key for part in published.without)}
    assert bool(left_out) == bool(published.without)
    counted = sum(count for key, count in weights.items() if key not in left_out)
    if published.copies:
        counted += model.get_output_embeddings().weight.numel()
    size, digit = last_digit(published.size)
    assert abs(counted * published.bytes - size) < digit


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_a_preset_says_what_decides_sizes(name):
    one = presets()[name]
    parts = ("encoder", "decoder") if one.model_type in DECODES else ("vision_config",)
    assert all(one.config[part] for part in parts)
    assert one.config[parts[-1]] if one.model_type in DECODES else one.config["text_config"]
    assert "tie_word_embeddings" in one.config
    assert one.processor or "settings were not read" in one.source
    assert one.source.isprintable()


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_transformers_reads_each_key_of_a_preset(name):
    one = presets()[name]
    assert not list(not_read(one.config, config_of(one)))


@pytest.mark.parametrize("name", COVERED)
def test_the_closed_forms_have_the_weights_of_a_preset(name):
    one = presets()[name]
    model = model_of(one.model_type, preset=name)
    workload = workload_of(model, (1240, 1754), prompt_tokens=1)
    assert priced_weights(model, workload) == one.parameters


@pytest.mark.parametrize("name", COVERED)
def test_the_image_processor_has_each_setting_of_a_preset(name):
    one = presets()[name]
    kept = model_of(one.model_type, preset=name).architecture.processor
    for key, value in one.processor.items():
        assert (kept["size"][SIDES[key]] if key in SIDES else kept[key]) == value


def test_a_preset_gives_sizes_settings_and_its_source():
    model = model_of("glm_ocr", preset="glm-ocr")
    config = model._family.config
    assert config.language.get("hidden_size") == 1536
    assert config.settings.get("size") == {"shortest_edge": 12544, "longest_edge": 9633792}
    assert config.notes == (f"sizes of glm-ocr: {presets()['glm-ocr'].source}",)
    assert model.notes() == config.notes  # not that only a part of the model was run
    assert model_of("glm_ocr")._family.config.language.get("hidden_size") != 1536


def test_a_preset_of_another_type_or_of_no_name_is_refused():
    with pytest.raises(UsageError, match="is of type 'internvl', not 'glm_ocr': run vl/internvl"):
        preset("glm_ocr", "internvl3-1b")
    with pytest.raises(UsageError, match="did you mean 'glm-ocr'"):
        preset("glm_ocr", "glm-orc")
    with pytest.raises(UsageError, match=r"vl/aria has no presets; give the config\.json"):
        preset("aria", "aria-25b")


def test_the_command_says_so_in_one_sentence(flopbench):
    line = one_sentence(flopbench("run", "vl/glm_ocr", "model.preset=internvl3-1b"))
    assert line == (
        "model.preset=internvl3-1b is of type 'internvl', not 'glm_ocr': run vl/internvl"
    )
