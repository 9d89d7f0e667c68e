"""The abstract analytic model: which operations each stage of a model runs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from attrs import Factory, frozen

from flopbench.dtypes import DEFAULT_DTYPE
from flopbench.ops import Op


@frozen
class Stage:
    """A stage of a model's work, such as prefill; or a sum of stages.

    Attributes:
        name: what ``--stages`` takes and reports carry.
        title: what people read.
        parts: for a composed stage, the names of the stages that it sums.
    """

    name: str
    title: str
    parts: tuple[str, ...] = ()


@frozen(kw_only=True)
class SweepPoint:
    """One point of a sweep.

    Attributes:
        label: what tables and plots call it, such as ``2x3``.
        inputs: values of keys below ``workload.``, nested as in a configuration file.
        facts: what ``sweep.json`` says of the point beside the workload's own facts.
    """

    label: str
    inputs: Mapping[str, Any]
    facts: Mapping[str, Any] = Factory(dict)


@frozen(kw_only=True)
class SweepLimits:
    """What the command line says of the points of a named sweep.

    Attributes:
        grids: (rows, columns) by hand; none means the sweep's own candidates.
        max_image_tokens: candidates up to so many image tokens, instead of the usual ones.
    """

    grids: tuple[tuple[int, int], ...] = ()
    max_image_tokens: int | None = None


@frozen(kw_only=True)
class Sweep:
    """A named sweep of a model.

    Attributes:
        stages: names of the stages that it reports.
        x: the fact that plots have on the horizontal axis.
        points: gives the points within the limits; raises
            `flopbench.errors.UsageError` if the limits are not for this sweep.
    """

    name: str
    description: str
    stages: tuple[str, ...]
    x: str
    points: Callable[[SweepLimits], Iterable[SweepPoint]]


class AnalyticModel(ABC):
    """Closed forms of a model: the operations that each stage runs, for any workload.

    The class declares two frozen attrs classes that say what a user may set:
    ``options_type`` for ``model.*`` and ``inputs_type`` for ``workload.*``. The framework
    fills them from the configuration and checks names and types; an attrs validator
    that raises ValueError becomes a one-sentence error with the full key.

    Between the inputs (what a user types: an image, a mode) and the operations stands the
    *workload*: a frozen value of the model's own whose dimensions may be ints, arrays or
    symbols. A sweep or a proof builds it directly.
    """

    name: ClassVar[str]
    """The name that ``flopbench run`` takes."""

    summary: ClassVar[str] = ""
    """One line for ``flopbench list``."""

    stages: ClassVar[tuple[Stage, ...]]
    """The stages in the order of reports; composed ones after their parts."""

    options_type: ClassVar[type]
    inputs_type: ClassVar[type]

    sweeps: ClassVar[tuple[Sweep, ...]] = ()
    """Named sweeps that ``flopbench sweep`` takes."""

    first_token: ClassVar[tuple[str, ...]] = ()
    """The stages before the first output token, for ``--ttft``."""

    per_token: ClassVar[str | None] = None
    """The stage that makes ``decode_steps`` further tokens, for ``--tpot``."""

    parts: ClassVar[Mapping[str, str]] = {}
    """Starts of component paths and what plots call them, for the share of each part."""

    dtype: str = DEFAULT_DTYPE
    """Of weights, activations and KV cache: a name in `flopbench.dtypes.DTYPE_BYTES`."""

    defaults: ClassVar[Path | None] = None
    """A YAML file of configuration defaults that ships with the plugin."""

    @classmethod
    @abstractmethod
    def from_options(cls, options: Any) -> AnalyticModel:
        """Build the model from an instance of ``options_type``.

        Raises:
            flopbench.errors.UsageError: a file that the options name cannot be used.
        """

    @property
    @abstractmethod
    def architecture(self) -> Any:
        """The model's dimensions: a frozen value that the vendor model is built from, too."""

    @abstractmethod
    def workload(self, inputs: Any) -> Any:
        """Derive the workload from an instance of ``inputs_type``.

        Raises:
            flopbench.errors.UsageError: the inputs contradict each other or cannot be read.
        """

    @abstractmethod
    def workload_facts(self, workload: Any) -> Mapping[str, Any]:
        """Return what reports say of a workload: at least every size that FLOPs depend on."""

    @abstractmethod
    def ops(self, stage: str, workload: Any) -> Iterable[Op]:
        """Yield the operations of one stage that is not composed."""

    def assumptions(self) -> tuple[str, ...]:
        """Return what the closed forms take for granted, one sentence each, for the report."""
        return ()
