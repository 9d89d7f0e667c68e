"""A config on the machine that prices it: in a folder of its own, whose path no result holds."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from attrs import frozen

from flopbench.commands.survey.found import CONFIG, ConfigFile
from flopbench.commands.survey.request import SurveyRequest


@frozen
class Placed:
    """A config, the folder that holds it, and what its paths are called in results.

    Attributes:
        config: the path of the config.
        options: dotted keys and values: the image and the GPU of the request.
        names: what was given, by the path in its place; longer paths first.
    """

    config: str
    options: Mapping[str, Any]
    names: Mapping[str, str]

    def told(self, value: Any) -> Any:
        """Return data with each path of the folder as what was given for it."""
        if isinstance(value, str):
            for path, name in self.names.items():
                value = value.replace(path, name)
            return value
        if isinstance(value, Mapping):
            return {key: self.told(inner) for key, inner in value.items()}
        return [self.told(each) for each in value] if isinstance(value, list | tuple) else value


@contextmanager
def placed(request: SurveyRequest, config: ConfigFile) -> Iterator[Placed]:
    """Write a config, and what is beside it, into a folder that is removed afterwards."""
    with TemporaryDirectory(prefix="flopbench-") as folder:
        model, options = Path(folder, "model"), dict[str, Any]()
        model.mkdir()
        for name, data in config.contents.items():
            (model / name).write_bytes(data)
        here = os.path.dirname(config.name) or "."  # noqa: PTH120 - a path that stays as given
        names = {str(model / CONFIG): config.name, str(model): here}
        if request.image is not None:
            options["workload.image"] = [*request.image]
        if request.gpu is not None:
            given, held = request.gpu
            options["hardware.gpu"] = given
            if held is not None:
                file = Path(folder, "gpu", Path(given).name)
                file.parent.mkdir()
                file.write_bytes(held)
                options["hardware.gpu"] = str(file)
                names[str(file)] = given
        yield Placed(str(model / CONFIG), options, names)
