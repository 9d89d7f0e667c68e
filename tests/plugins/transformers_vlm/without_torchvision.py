"""Image processors that transformers has on torchvision alone: what needs no pixels, without it."""

import importlib
import sys
from types import ModuleType
from unittest.mock import patch

_MODULES = ("torchvision", "torchvision.transforms", "torchvision.transforms.v2")


def source_of(kind):
    """Return the module of a type's image processor; torchvision in it is an empty module."""
    name = f"transformers.models.{kind}.image_processing_{kind}"
    empty = {each: ModuleType(each) for each in _MODULES}
    empty[_MODULES[-1]].functional = None
    with patch.dict(sys.modules, {each: sys.modules.get(each, empty[each]) for each in _MODULES}):
        return importlib.import_module(name)
