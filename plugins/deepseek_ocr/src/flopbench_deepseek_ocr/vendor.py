"""The real DeepSeek-OCR: which implementation runs, and which component its work belongs to."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Callable, Hashable, Mapping
from pathlib import Path
from typing import Any, Literal, Protocol, Self

import attrs
from attrs import frozen

from flopbench import UsageError, VendorModel, VendorStage
from flopbench.training_step import TrainOptions
from flopbench.vendor.transformers import VerifiedOptions
from flopbench_deepseek_ocr.architecture import Architecture
from flopbench_deepseek_ocr.workload import Workload


@frozen(kw_only=True)
class VendorOptions(VerifiedOptions):
    """What a user may set under ``vendor.`` for DeepSeek-OCR, in addition to `VerifiedOptions`.

    Attributes:
        remote_code: run the checkpoint folder's own code. This executes that code.
        model_root: the checkpoint folder, for ``remote_code``.
        executed_attention: attention for the counters that measure a GPU: ``sdpa`` (what torch
            chooses), ``flash`` or ``eager``. Verified counts are always eager.
    """

    remote_code: bool = False
    model_root: str | None = None
    executed_attention: Literal["sdpa", "flash", "eager"] = "sdpa"


Row = tuple[str, str] | tuple[str, str, str]
"""A row of a table of components: what a `Rule` is made of."""


@frozen
class Rule:
    """Which work belongs to a component.

    Attributes:
        module: a regular expression for the start of a module's path.
        component: the component's path.
        op: a regular expression for the whole name of an op, if the rule is for that op alone.
    """

    module: str
    component: str
    op: str | None = None

    def covers(self, module: str) -> bool:
        """Return whether a module, or one above it, is the rule's."""
        return bool(re.match(self.module + r"(\.|$)", module))


class Implementation(Protocol):
    """A real implementation of DeepSeek-OCR that can be called stage by stage."""

    @property
    def components(self) -> tuple[Row, ...]:
        """The table of components: the first row that matches counts, rows with an op first."""

    def stage(self, name: str, workload: Workload) -> VendorStage:
        """Build the calls of a stage."""

    def training(
        self,
        workloads: Mapping[str, Workload],
        options: TrainOptions,
        component_of: Callable[[str], str],
    ) -> VendorStage:
        """Build the call of a training step.

        Raises:
            CountError: the implementation cannot be trained in this way.
        """

    def provenance(self) -> Mapping[str, str]:
        """Return versions and settings."""


class PageVendor(VendorModel):
    """DeepSeek-OCR or a neighbour: stages of an implementation, called one by one.

    A neighbour's `Implementation` is built from an architecture alone.
    """

    summary = "transformers' native implementation on the meta device, eager attention"
    options_type = VerifiedOptions

    def __init__(self, implementation: Implementation, *, every_step: bool = False) -> None:
        self._implementation = implementation
        self._every_step = every_step
        self._rules = [Rule(*row) for row in implementation.components]

    @classmethod
    def from_options(cls, architecture: Any, options: Any) -> Self:
        return cls(cls.native(architecture), every_step=options.decode == "every")

    @classmethod
    @abstractmethod
    def native(cls, architecture: Any) -> Implementation:
        """Return transformers' implementation of an architecture; nothing is built yet.

        Raises:
            UsageError: it does not support this architecture.
        """

    def stage(self, name: str, workload: Workload) -> VendorStage:
        stage = self._implementation.stage(name, workload)
        return attrs.evolve(stage, sampled=stage.sampled and not self._every_step)

    def training(self, workloads: Mapping[str, Workload], options: TrainOptions) -> VendorStage:
        return self._implementation.training(workloads, options, self.component)

    def shapes(self, stage: str, workload: Workload) -> Hashable:
        """Vision sees images and no text; the decoder sees a context and no images."""
        w = workload
        if stage == "vision":
            return w.batch_size, w.view_size, w.tile_size, w.tiles
        if stage == "prefill":
            return w.batch_size, w.context_tokens, w.lm_head
        return w.batch_size, w.context_tokens, w.decode_steps

    def component(self, module: str) -> str:
        for rule in self._rules:
            if rule.op is None and rule.covers(module):
                return rule.component
        return f"unmapped/{module}"

    def component_of(self, module: str, op: str) -> str:
        for rule in self._rules:
            if rule.op is not None and re.fullmatch(rule.op, op) and rule.covers(module):
                return rule.component
        return self.component(module)

    def provenance(self) -> Mapping[str, str]:
        return self._implementation.provenance()

    @property
    def attention(self) -> str:
        return getattr(self._implementation, "attention", "eager")


class DeepseekOcrVendor(PageVendor):
    """DeepSeek-OCR as transformers implements it, on the meta device, or its original code."""

    name = "deepseek_ocr"
    options_type = VendorOptions

    def __init__(
        self,
        implementation: Implementation,
        *,
        every_step: bool = False,
        executed: Implementation | None = None,
    ) -> None:
        super().__init__(implementation, every_step=every_step)
        self._executed = executed

    @classmethod
    def from_options(cls, architecture: Architecture, options: VendorOptions) -> DeepseekOcrVendor:
        implementation = _implementation(architecture, options)
        return cls(
            implementation,
            every_step=options.decode == "every",
            executed=_executed(architecture, options),
        )

    @classmethod
    def native(cls, architecture: Architecture) -> Implementation:
        from flopbench_deepseek_ocr.vendor_native import Native

        return Native(architecture)

    def variant(self, name: str) -> VendorModel:
        if name == "executed" and self._executed is not None:
            return DeepseekOcrVendor(self._executed, every_step=self._every_step)
        return super().variant(name)


def _implementation(architecture: Architecture, options: VendorOptions) -> Implementation:
    if options.remote_code:
        from flopbench_deepseek_ocr.vendor_remote import RemoteCode

        if options.model_root is None:
            raise UsageError(
                "vendor.remote_code=true needs vendor.model_root=PATH, the checkpoint's folder"
            )
        return RemoteCode(Path(options.model_root), architecture)
    if options.model_root is not None:
        raise UsageError(
            "vendor.model_root is used only with vendor.remote_code=true, which executes "
            "the code in that folder"
        )
    return DeepseekOcrVendor.native(architecture)


def _executed(architecture: Architecture, options: VendorOptions) -> Implementation | None:
    """Return transformers' implementation on a GPU; None if remote code runs instead."""
    if options.remote_code:
        return None
    from flopbench_deepseek_ocr.vendor_executed import Executed

    return Executed(architecture, options.executed_attention)
