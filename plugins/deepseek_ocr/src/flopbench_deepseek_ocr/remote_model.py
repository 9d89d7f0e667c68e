"""Build the model in a checkpoint folder from the folder's own code, with weights of zero.

Parameters have no memory while the model is built, as on the meta device. Buffers do: what a
constructor computes, such as the indices of positions, must keep its values.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import util
from pathlib import Path
from typing import Any

from flopbench import UsageError
from flopbench.errors import describe
from flopbench.inputs import read_json

_LOG = logging.getLogger("flopbench")


def build(root: Path) -> Any:
    """Return the ``torch.nn.Module`` of the folder's config.json, on the CPU in bfloat16.

    This executes the Python code in the folder.

    Raises:
        UsageError: torch, transformers or a package that the code imports is missing, or
            transformers does not run the code.
    """
    try:
        import torch
        import transformers
    except ImportError as error:
        raise UsageError(
            "vendor.remote_code=true needs torch and the transformers that the checkpoint "
            f"was written for; the import failed with: {error}"
        ) from error
    _LOG.warning("vendor.remote_code=true executes the Python code in %s", root)
    try:
        config = transformers.AutoConfig.from_pretrained(
            str(root), trust_remote_code=True, local_files_only=True
        )
        with parameters_without_memory():
            model = transformers.AutoModel.from_config(
                config, trust_remote_code=True, attn_implementation="eager"
            )
    except (Exception, SystemExit) as error:
        raise UsageError(_why_not(root, transformers.__version__, error)) from error
    return with_zeros(model.to(torch.bfloat16)).eval()


@contextmanager
def parameters_without_memory() -> Iterator[None]:
    """Put each parameter on the meta device when a module registers it; buffers stay as made."""
    from torch.nn import Parameter
    from torch.nn.modules.module import register_module_parameter_registration_hook

    def to_meta(_module: Any, _name: str, parameter: Any) -> Any:
        if parameter is None or parameter.is_meta:
            return parameter
        return Parameter(parameter.detach().to("meta"), requires_grad=parameter.requires_grad)

    hook = register_module_parameter_registration_hook(to_meta)
    try:
        yield
    finally:
        hook.remove()


def with_zeros(model: Any) -> Any:
    """Move a model to the CPU: meta tensors become zeros there, and all others keep their values.

    Leftover memory contents would choose the experts.
    """
    import torch

    made = dict(model.named_buffers(remove_duplicate=False))
    model.to_empty(device="cpu")
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        for name, buffer in model.named_buffers(remove_duplicate=False):
            buffer.zero_() if made[name].is_meta else buffer.copy_(made[name])
    return model


def require_own_code(config: Path) -> None:
    """Reject a folder whose config.json makes transformers load code from another repository.

    Raises:
        UsageError: its ``auto_map`` names a module elsewhere.
    """
    auto_map = read_json(config, str(config)).get("auto_map")
    if not isinstance(auto_map, dict):
        raise UsageError(
            f"{config}: auto_map must name the folder's own classes, as "
            f'{{"AutoConfig": "module.Config", "AutoModel": "module.Model"}}, got {auto_map!r}'
        )
    for name, reference in auto_map.items():
        if "--" in str(reference):
            raise UsageError(
                f"{config}: auto_map.{name} must name a module in the folder, got {reference!r}"
            )


def _why_not(root: Path, installed: str, error: BaseException) -> str:
    """Say in one sentence why the folder's code did not make a model."""
    if missing := _missing(error):
        return (
            f"the code in {root} imports packages that are not installed: {', '.join(missing)} "
            f"(pip install {' '.join(missing)})"
        )
    config = root / "config.json"
    wanted = read_json(config, str(config)).get("transformers_version", installed)
    versions = f"transformers {installed}"
    if wanted != installed:
        versions += f" (its config.json was written with {wanted})"
    return f"the code in {root} does not run with {versions}: {describe(error)}"


def _missing(error: BaseException) -> list[str]:
    """Return the packages that an import did not find: transformers checks the folder's first."""
    if isinstance(error, ModuleNotFoundError) and error.name:
        package = error.name.partition(".")[0]
        return [] if util.find_spec(package) else [package]
    listed = re.search(r"not found in your environment: ([^`]+?)\. Run", str(error))
    return sorted(listed[1].split(", ")) if listed else []
