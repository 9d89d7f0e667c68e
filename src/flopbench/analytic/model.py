"""The abstract analytic model: which operations each stage of a model runs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import attrs
from attrs import frozen

from flopbench.analytic.sweeps import Sweep
from flopbench.dims import DEFAULT_DTYPE, Dim
from flopbench.ops import Op
from flopbench.wildcards import under_name

if TYPE_CHECKING:
    import sympy


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

    @property
    def base_names(self) -> tuple[str, ...]:
        """The names of the stages to price and count for this one: its parts, or itself."""
        return self.parts or (self.name,)


@frozen
class Size:
    """A size of the workload that a closed form can leave open, as a symbol.

    Attributes:
        name: the field's symbol, such as ``S``; ``k`` is taken, for the number of a step.
        meaning: what it counts, for people.
        minimum: the smallest value that is a workload.
        steps: whether it is the number of steps of a stage, such as decoding.
        batch: whether it is a batch size, that tensor FLOPs are a multiple of.
    """

    name: str = attrs.field()
    meaning: str
    minimum: int = 1
    steps: bool = False
    batch: bool = False

    @name.validator
    def _not_the_steps_number(self, _attribute: object, value: str) -> None:
        if value == "k" or not value.isidentifier():
            raise ValueError(f"a size's name must be a symbol other than k, got {value!r}")

    @property
    def symbol(self) -> sympy.Symbol:
        """The symbol that stands for it on both sides."""
        from flopbench.dims.forms import symbol

        return symbol(self.name, self.minimum)


@frozen
class Named:
    """A model whose dimensions are symbols, so that its closed forms keep their names.

    Attributes:
        model: the same model with symbols for dimensions.
        values: what each symbol stands for in the model as it is.
        meanings: what each symbol is called, by its name.
    """

    model: AnalyticModel
    values: Mapping[Any, int]
    meanings: Mapping[str, str]


class AnalyticModel(ABC):
    """Closed forms of a model: the operations that each stage runs, for any workload.

    A whole plugin::

        from attrs import frozen
        from flopbench import AnalyticModel, Linear, Stage, hookimpl

        @frozen(kw_only=True)
        class Options:
            width: int = 64

        @frozen(kw_only=True)
        class Inputs:
            tokens: int = 100

        class Layer(AnalyticModel):
            name = "layer"
            stages = (Stage("forward", "Forward"),)
            options_type = Options
            inputs_type = Inputs

            def __init__(self, options):
                self.options = options

            @classmethod
            def from_options(cls, options):
                return cls(options)

            @property
            def architecture(self):
                return self.options

            def workload(self, inputs):
                return inputs

            def workload_facts(self, workload):
                return {"tokens": workload.tokens}

            def ops(self, stage, workload):
                width = self.options.width
                yield Linear(component="layer", rows=workload.tokens, in_features=width,
                             out_features=width)

        @hookimpl
        def flopbench_analytic_models():
            return [Layer]

    The class declares two frozen attrs classes that say what a user may set:
    ``options_type`` for ``model.*`` and ``inputs_type`` for ``workload.*``. The framework
    fills them from the configuration and checks names and types; an attrs validator
    that raises ValueError becomes a one-sentence error with the full key.

    Between the inputs (what a user types: an image, a mode) and the operations stands the
    *workload*: a frozen value of the model's own whose dimensions may be ints, arrays or
    symbols. A sweep or a proof builds it directly.
    """

    name: ClassVar[str]
    """What ``flopbench run`` takes; a name that ends in ``*`` stands for all that begin so."""

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
    """Of weights, activations and KV cache: a name in `flopbench.dims.DTYPE_BYTES`."""
    sizes: ClassVar[tuple[Size, ...]] = ()
    """What `flopbench prove` may leave open in some stage; none if there is nothing to prove."""

    defaults: ClassVar[Path | None] = None
    """A YAML file of configuration defaults that ships with the plugin."""

    @classmethod
    def for_name(cls, name: str) -> type[Self]:
        """Return the class of one of the names that a ``name`` ending in ``*`` stands for."""
        return under_name(cls, name)

    @classmethod
    def known_names(cls) -> Iterable[str]:
        """Return the names for ``flopbench list`` that a ``name`` ending in ``*`` stands for.

        They are asked for only where names are shown, so that finding them may take time.
        """
        return ()

    @property
    def no_closed_forms(self) -> str | None:
        """Why this model has none, in one sentence; its vendor is then counted alone."""
        return None

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

    def stage_sizes(self, stage: str, workload: Any) -> Mapping[str, Dim]:
        """Return those of `sizes` that a stage of this workload has, each with its value."""
        return {}

    def stage_workload(self, stage: str, workload: Any, sizes: Mapping[str, Dim]) -> Any:
        """Return the workload of one stage with other sizes, such as symbols.

        What the FLOPs of the stage do not depend on may be dropped: two workloads that give
        the same here share their closed form.

        Args:
            sizes: a value for each name that `stage_sizes` returns.
        """
        return workload

    def named(self) -> Named | None:
        """Return the model with names for its own dimensions; None if it has none."""
        return None
