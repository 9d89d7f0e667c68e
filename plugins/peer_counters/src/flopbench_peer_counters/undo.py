"""Restore torch, the model and the terminal, whatever a peer does to them."""

from __future__ import annotations

import contextlib
import importlib
import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def quiet() -> Iterator[None]:
    """Keep a peer's prints, log messages and warnings out of flopbench's output."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with (
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


@contextmanager
def restored() -> Iterator[None]:
    """Restore every function of torch that a peer replaces, whether or not the call fails."""
    torch = importlib.import_module("torch")
    # Torch would otherwise load it during a call, and keep a peer's functions for good.
    importlib.import_module("torch._dynamo")
    places = (torch, torch.nn.functional, torch.Tensor)
    before = [(place, dict(vars(place))) for place in places]
    try:
        yield
    finally:
        for place, attributes in before:
            for name in set(vars(place)) & set(attributes):
                if vars(place)[name] is not attributes[name]:
                    setattr(place, name, attributes[name])
        # What a tensor inherits is restored by deleting what hides it.
        inherited = set(vars(torch.Tensor)) - set(before[-1][1])
        for name in inherited & set(dir(torch.Tensor.__base__)):
            delattr(torch.Tensor, name)


@contextmanager
def clean_modules(root: Any) -> Iterator[None]:
    """Restore the modules' attributes, buffers, hooks and mode."""
    before = [(module, dict(vars(module))) for module in root.modules()]
    tables = ("_buffers", "_forward_hooks", "_forward_pre_hooks")
    kept = [[(m, t, dict(getattr(m, t))) for t in tables] for m, _ in before]
    try:
        yield
    finally:
        for (module, attributes), inner in zip(before, kept, strict=True):
            for name in set(vars(module)) - set(attributes):
                delattr(module, name)
            vars(module).update(attributes)
            for _, table, entries in inner:
                getattr(module, table).clear()
                getattr(module, table).update(entries)
