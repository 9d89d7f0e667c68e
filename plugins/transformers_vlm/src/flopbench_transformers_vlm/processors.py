"""The settings of transformers' image processors: those of the class, of a file, and overrides.

The variants on Pillow alone have the same settings as those on torchvision, which is not needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flopbench import UsageError
from flopbench.errors import unknown
from flopbench.inputs import config_path, read_json
from flopbench_transformers_lm.model_types import needs_transformers

_FILE = "preprocessor_config.json"
_WHOLE = "processor_config.json"
_NESTED = "image_processor"
"""The file of a whole processor, and where it has the settings of its image processor."""

FILES = (_FILE, _WHOLE)
"""What may lie beside a config."""


def part_of(value: Any, name: str) -> Any:
    """Return a part of a setting; None if it has none."""
    return value.get(name) if isinstance(value, Mapping) else None


def processor_beside(config: str | None) -> str | None:
    """Return the path of the settings beside a config.json, if there are some."""
    if config is None:
        return None
    found = _file_in(config_path(config).parent)
    return str(found) if found.is_file() else None


def _file_in(folder: Path) -> Path:
    """Return the file in a folder that has settings of an image processor, if one is there.

    transformers reads them from the file of the whole processor first.
    """
    whole = folder / _WHOLE
    if whole.is_file() and _NESTED in read_json(whole, f"model.processor={whole}"):
        return whole
    return folder / _FILE


def read_settings(file: str) -> Mapping[str, Any]:
    """Return the settings in a file, or in that of its folder.

    Raises:
        UsageError: it cannot be read, or holds something else.
    """
    path = Path(file)
    path = _file_in(path) if path.is_dir() else config_path(file)
    found = read_json(path, f"model.processor={path}")
    if isinstance(found, dict):
        found = found.get(_NESTED, found)
    if not isinstance(found, dict):
        raise UsageError(f"model.processor={path} must hold a JSON object")
    return found


def image_processor(name: str, settings: Mapping[str, Any]) -> Any:
    """Return an image processor on Pillow, of the class of that name.

    Raises:
        UsageError: transformers or Pillow is not installed, or rejects a setting.
    """
    try:
        import transformers

        kind = getattr(transformers, f"{name}Pil")
    except (ImportError, AttributeError) as error:
        raise needs_transformers(error) from error
    try:
        made = kind(**settings)
        _validate(made)
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UsageError(f"transformers' {name} rejects a setting: {reason}") from error
    return made


def _validate(processor: Any) -> None:
    """Let an image processor check its settings, as it does before it reads an image."""
    names = getattr(processor, "_valid_kwargs_names", ())
    standard = getattr(processor, "_standardize_kwargs", None)
    check = getattr(processor, "_validate_preprocess_kwargs", None)
    if standard and check:
        check(**standard(**{name: getattr(processor, name, None) for name in names}))


def settings_of(name: str, said: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return every setting of an image processor.

    Args:
        name: of its class.
        said: those of a file or a preset; what the class does not know has no effect.
        overrides: those in their place.

    Raises:
        UsageError: an override is of a setting that the class does not have.
    """
    known = {*image_processor(name, {}).to_dict(), *_arguments(name)}
    for setting in overrides:
        if setting not in known:
            what = unknown(f"setting of {name}", setting, known)
            raise UsageError(f"model.processor_overrides: {what}")
    values = {key: value for key, value in said.items() if key in known}
    found: dict[str, Any] = image_processor(name, values).to_dict()
    if overrides:  # after former names of settings took effect, such as max_pixels for size
        kept = {key: value for key, value in found.items() if key in _arguments(name)}
        replaced = {key: _within(kept.get(key), value) for key, value in overrides.items()}
        found = image_processor(name, {**kept, **replaced}).to_dict()
    return found


def _within(value: Any, override: Any) -> Any:
    """Return an override, with the rest of a value of which it names some parts."""
    both = isinstance(value, Mapping) and isinstance(override, Mapping)
    return {**value, **override} if both and override.keys() <= value.keys() else override


def _arguments(name: str) -> tuple[str, ...]:
    import transformers

    kind = getattr(transformers, f"{name}Pil")
    return tuple(kind.valid_kwargs.__annotations__)


def fixed_size(settings: Mapping[str, Any], name: str) -> tuple[int, int]:
    """Return height and width of the images that an image processor makes of all pages.

    Raises:
        UsageError: it makes images of several sizes.
    """
    cropped = settings.get("do_center_crop")
    size = settings.get("crop_size" if cropped else "size")
    high, wide = part_of(size, "height"), part_of(size, "width")
    whole = type(high) is int and type(wide) is int and min(high, wide) > 0
    if not whole or not (cropped or settings.get("do_resize", True)):
        raise UsageError(
            f"model.processor: the tower takes images of one size, but this {name} makes others; "
            "set its size to a height and a width, whole numbers of at least 1"
        )
    return high, wide
