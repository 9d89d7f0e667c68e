"""The settings of transformers' image processors: those of the class, of a file, and overrides.

The variants on Pillow alone have the same settings as those on torchvision, which is not needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flopbench import UsageError
from flopbench.errors import unknown
from flopbench.inputs import config_path
from flopbench_transformers_lm.model_types import needs_transformers

_FILE = "preprocessor_config.json"


def processor_beside(config: str | None) -> str | None:
    """Return the path of the settings beside a config.json, if there are some."""
    if config is None:
        return None
    path = config_path(config).with_name(_FILE)
    return str(path) if path.is_file() else None


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
        return kind(**settings)
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UsageError(f"transformers' {name} rejects a setting: {reason}") from error


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
    size = settings.get("crop_size" if cropped else "size") or {}
    high, wide = size.get("height"), size.get("width")
    if not (high and wide) or not (cropped or settings.get("do_resize", True)):
        raise UsageError(
            f"model.processor: the tower takes images of one size, but this {name} makes others; "
            "set its size to a height and a width"
        )
    return int(high), int(wide)
