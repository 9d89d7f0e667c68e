"""Which files are surveyed: those that are named, and the configs of models in folders."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from fnmatch import fnmatch
from pathlib import Path

from attrs import Factory, define, frozen

from flopbench.errors import UsageError
from flopbench.inputs import read_bytes
from flopbench.inputs.configs import exists
from flopbench.inputs.numbers import quoted
from flopbench.text import plural, shortened

CONFIG = "config.json"
"""The name of a config whose folder is a model's; such a file is always surveyed."""

_OTHERS = (
    *("tokenizer.json", "tokenizer_config.json", "vocab.json", "*.index.json"),
    *("generation_config.json", "*processor_config.json", "adapter_config.json"),
    "config_sentence_transformers.json",
)
"""JSON files that lie beside configs: they are large, or name a type though they are none."""


@frozen
class ConfigFile:
    """A config to survey.

    Attributes:
        name: its path, as it was given or found.
        contents: by file name, what it holds, as ``config.json``, and files beside it that models
            read; empty if one cannot be read.
        problem: why not.
    """

    name: str
    contents: Mapping[str, bytes] = Factory(dict)
    problem: str | None = None

    @property
    def digest(self) -> str:
        """A digest of what it holds, or of why it cannot be read."""
        parts = {name: hashlib.sha256(data).hexdigest() for name, data in self.contents.items()}
        text = json.dumps([parts, self.problem], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


@frozen
class Found:
    """The configs to survey.

    Attributes:
        skipped: JSON files of the folders that are no configs.
        notes: folders that cannot be read.
    """

    configs: tuple[ConfigFile, ...]
    skipped: int = 0
    notes: tuple[str, ...] = ()


def find(paths: Iterable[str | os.PathLike[str]], beside: Collection[str] = ()) -> Found:
    """Return the configs that paths name; each file once, by its first name.

    A folder is searched with all folders in it, through links, but not those whose names begin
    with a dot.

    Args:
        beside: names of files that models read beside a config.

    Raises:
        UsageError: no path is given, there is nothing at one, or a folder has no config.
    """
    search = _Search(beside)
    given = [*paths]
    if not given:
        raise UsageError("give a config.json, or a folder of them")
    for path in given:
        if not isinstance(path, str | os.PathLike):
            raise UsageError(f"a config must be a path, got {quoted(path)}")
        search.add(os.fspath(path))
    return Found(tuple(search.configs.values()), search.skipped, tuple(search.notes))


@define
class _Search:
    beside: Collection[str]
    configs: dict[str, ConfigFile] = Factory(dict)
    """By the path that links lead to."""
    folders: set[tuple[int, int]] = Factory(set)
    skipped: int = 0
    notes: list[str] = Factory(list)

    def add(self, path: str) -> None:
        """Add a file, or the configs of a folder."""
        if not path or "\0" in path or not exists(Path(path)):
            raise UsageError(
                f"cannot read {shortened(path)}: there is no such file or folder; a survey takes "
                "config files and folders of them, no names of models"
            )
        if not os.path.isdir(path):  # noqa: PTH112 - a path that stays as it was given
            self._file(path, named=True)
            return
        skipped, known = self.skipped, len(self.notes)
        if not self._folder(path):
            others = self.skipped - skipped
            held = f"it holds {plural(others, 'other JSON file') if others else 'no JSON file'}"
            why = "; ".join(self.notes[known:]) or held
            raise UsageError(
                f"folder {path} has no config of a model, a config.json or another JSON file with "
                f"a model_type: {why}"
            )

    def _folder(self, top: str) -> bool:
        """Add the configs of a folder; return whether it has some, new or known."""
        found, folders = self._is_known(top), [top]
        while folders:
            folder = folders.pop()
            files, inner = self._listed(folder)
            for path in files:
                found |= self._file(path, named=os.path.basename(path) == CONFIG)  # noqa: PTH119
            folders += reversed(inner)
        return found

    def _is_known(self, folder: str) -> bool:
        return _identity(folder) in self.folders

    def _listed(self, folder: str) -> tuple[list[str], list[str]]:
        """Return the JSON files and the folders of a folder that was not met yet, in order."""
        try:
            if self._is_known(folder):
                return [], []
            self.folders.add(_identity(folder))
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            self.notes.append(f"cannot read folder {folder}: {error.strerror}")
            return [], []
        inner = [e.path for e in entries if not e.name.startswith(".") and _is_folder(e)]
        is_json = (e for e in entries if e.name.lower().endswith(".json") and not _is_folder(e))
        return [entry.path for entry in is_json], inner

    def _file(self, path: str, *, named: bool) -> bool:
        """Add a file unless it is known; return whether it is a config.

        Args:
            named: whether it is surveyed, whatever it holds.
        """
        real = os.path.realpath(path)
        if real in self.configs:
            return True
        if not named and any(fnmatch(os.path.basename(path), each) for each in _OTHERS):  # noqa: PTH119
            self.skipped += 1
            return False
        try:
            data = read_bytes(Path(path), f"model.config={path}")
            if not (named or _is_config(data)):
                self.skipped += 1
                return False
            contents = {CONFIG: data, **dict(self._beside(path))}
            self.configs[real] = ConfigFile(path, contents)
        except UsageError as error:
            self.configs[real] = ConfigFile(path, problem=str(error))
        return True

    def _beside(self, path: str) -> Iterator[tuple[str, bytes]]:
        """Yield the files beside a config that models read, by name."""
        for name in sorted(self.beside):
            other = Path(path).with_name(name)
            if other.is_file():
                yield name, read_bytes(other, str(other))


def _identity(folder: str) -> tuple[int, int]:
    status = os.stat(folder)  # noqa: PTH116
    return status.st_dev, status.st_ino


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _is_config(data: bytes) -> bool:
    """Return whether a file of a folder says which type of model it is the config of."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and isinstance(found.get("model_type"), str)
