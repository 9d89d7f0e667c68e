"""The settings of transformers' image processors: those of the class, of a file, and overrides.

The variants on Pillow alone have the same settings as those on torchvision, which is not needed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import attrs

from flopbench import UsageError
from flopbench.errors import unknown
from flopbench.inputs import config_path
from flopbench_transformers_lm.families.fields import Fields
from flopbench_transformers_lm.model_types import needs_transformers

_FILE = "preprocessor_config.json"


MOST_PARTS = 10_000
"""Parts that a page may be cut into: to choose among more takes transformers hours, too."""


class Settings(Fields):
    """The settings of an image processor. A wrong one is the user's mistake, with one sentence."""

    def refused(
        self, name: str, right: str | None = None, *, value: Any = attrs.NOTHING
    ) -> Any:  # an exception of another kind
        found = self.get(name) if value is attrs.NOTHING else value
        only = right or "true or false"
        return UsageError(f"model.processor: {name} is {found!r}, but it takes only {only}")

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return a setting that is true or false, or 1 or 0."""
        value = self.get(name, default)
        if type(value) is int and value in {0, 1}:
            return bool(value)
        return super().flag(name, default=default)

    def number(self, name: str) -> float:
        """Return a setting that is a number."""
        value = self.get(name)
        if not _is_number(value):
            raise self.refused(name, "numbers")
        return float(value)

    def parts(self, name: str, most: int = MOST_PARTS) -> int:
        """Return a setting with the most parts that a page is cut into; below 2 it is not cut."""
        return self.size(name, least=-most, most=most)

    def pixels(self) -> tuple[float, float]:
        """Return the least and the most pixels that a page is resized to."""
        least, most = parts = [
            _part(self.get("size"), n) for n in ("shortest_edge", "longest_edge")
        ]
        if not all(map(_is_number, parts)) or not least or most <= 0:
            right = "a shortest_edge and a longest_edge, numbers of pixels other than 0"
            raise self.refused("size", right)
        return least, most

    def pair(self, name: str, first: str, second: str) -> tuple[int, int]:
        """Return two parts of a setting that are whole numbers of at least 1."""
        one, other = (_part(self.get(name), part) for part in (first, second))
        if not (type(one) is int and type(other) is int) or min(one, other) < 1:
            right = f"a {first} and a {second}, whole numbers of at least 1"
            raise self.refused(name, right)
        return one, other

    def longest(self, name: str) -> int | None:
        """Return the ``longest_edge`` of a setting; None if it has none."""
        found = _part(self.get(name), "longest_edge")
        if found is not None and type(found) is not int:
            raise self.refused(name, "a longest_edge that is a whole number")
        return found or None


def _part(value: Any, name: str) -> Any:
    """Return a part of a setting; None if it has none."""
    return value.get(name) if isinstance(value, Mapping) else None


def _is_number(value: Any) -> bool:
    return type(value) in {int, float} and math.isfinite(value)


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
        found = image_processor(name, {**kept, **overrides}).to_dict()
    return found


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
    high, wide = _part(size, "height"), _part(size, "width")
    whole = type(high) is int and type(wide) is int and min(high, wide) > 0
    if not whole or not (cropped or settings.get("do_resize", True)):
        raise UsageError(
            f"model.processor: the tower takes images of one size, but this {name} makes others; "
            "set its size to a height and a width, whole numbers of at least 1"
        )
    return high, wide
