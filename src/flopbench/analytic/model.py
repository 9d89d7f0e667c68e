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
from flopbench.storage import Storage
from flopbench.wildcards import under_name

if TYPE_CHECKING:
    import sympy


@frozen
class Stage:
    """A stage of a model's work, such as prefill; or a sum of stages.

    Attributes:
        name: what ``--stages`` takes and reports carry.
        title: the title that people read.
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
        name: its usual symbol, such as ``S``; ``k`` is reserved for the number of a step.
        meaning: what it counts, for people.
        minimum: the smallest valid value.
        steps: whether it is the number of steps of a stage, such as decoding.
        batch: whether it is a batch size, so that tensor FLOPs are a multiple of it.
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
        values: the value of each symbol in the model as it is.
        meanings: what each symbol means, by its name.
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
    that raises ValueError becomes a one-sentence error with the full key. Keys that the class
    names in a property ``unused_keys`` are left out of reports.

    The *workload* comes between the inputs (what a user types: an image, a mode) and the
    operations. It is a frozen value of a type that the model defines, and its dimensions may be
    ints, arrays or symbols. A sweep or a proof builds it directly.
    """

    name: ClassVar[str]
    """What ``flopbench run`` takes; a name that ends in ``*`` stands for all with that prefix."""

    summary: ClassVar[str] = ""
    """One line for ``flopbench list``."""

    reads_beside: ClassVar[tuple[str, ...]] = ()
    """Names of files that it reads beside a config file, if they are there."""

    stages: ClassVar[tuple[Stage, ...]]
    """The stages in the order of reports; composed ones after their parts."""

    options_type: ClassVar[type]
    inputs_type: ClassVar[type]

    sweeps: ClassVar[tuple[Sweep, ...]] = ()
    """Named sweeps that ``flopbench sweep`` takes."""

    first_token: ClassVar[tuple[str, ...]] = ()
    """The stages before the first output token, for ``--ttft``."""

    per_token: ClassVar[str | None] = None
    """The stage that generates ``decode_steps`` further tokens, for ``--tpot``."""

    trained: ClassVar[tuple[str, ...]] = ()
    """The stages that a training step runs forward, in this order; by default those before the
    first output token, or else the first one."""

    parts: ClassVar[Mapping[str, str]] = {}
    """Prefixes of component paths and their names in plots, for the share of each part."""

    dtype: str = DEFAULT_DTYPE
    """Of weights, activations and KV cache: a name in `flopbench.storage.DTYPE_BITS`."""

    sizes: ClassVar[tuple[Size, ...]] = ()
    """What `flopbench prove` may leave open in some stage; empty if there is nothing to prove."""

    defaults: ClassVar[Path | None] = None
    """A YAML file of configuration defaults that ships with the plugin."""

    @classmethod
    def for_name(cls, name: str) -> type[Self]:
        """Return the class for a name that matches a ``name`` ending in ``*``."""
        return under_name(cls, name)

    @classmethod
    def known_names(cls) -> Iterable[str]:
        """Return the names for ``flopbench list`` that match a ``name`` ending in ``*``.

        This is called only where names are shown, so it may take its time.
        """
        return ()

    @classmethod
    def for_file(cls, path: Path) -> str | None:  # noqa: ARG003 - for those that override it
        """Return the name of the model that a config file or its folder describes, if any.

        A user may name the path in place of the model, which then gets it as ``model.config``.

        Raises:
            flopbench.errors.UsageError: the file cannot be read.
        """
        return None

    @property
    def no_closed_forms(self) -> str | None:
        """Why this model has no closed forms, in one sentence; only its vendor is then counted."""
        return None

    @property
    def max_positions(self) -> int | None:
        """The positions of a sequence that the model is made for; None if there is no such limit.

        What is longer still has a price.
        """
        return None

    @classmethod
    @abstractmethod
    def from_options(cls, options: Any) -> AnalyticModel:
        """Build the model from an instance of ``options_type``.

        Raises:
            flopbench.errors.UsageError: a file that the options name cannot be used.
        """

    @property
    def storage(self) -> Storage:
        """How its tensors are stored: all in ``dtype``, unless a model says otherwise."""
        return Storage.of(self.dtype)

    @property
    @abstractmethod
    def architecture(self) -> Any:
        """The model's dimensions: a frozen value from which the vendor model is built, too."""

    @abstractmethod
    def workload(self, inputs: Any) -> Any:
        """Derive the workload from an instance of ``inputs_type``.

        Raises:
            flopbench.errors.UsageError: the inputs contradict each other or cannot be read.
        """

    @abstractmethod
    def workload_facts(self, workload: Any) -> Mapping[str, Any]:
        """Return what reports say about a workload: at least every size that FLOPs depend on."""

    def stages_of(self, workload: Any) -> tuple[Stage, ...]:
        """Return those of the `stages` that a workload has, in their order: by default, all."""
        return self.stages

    @abstractmethod
    def ops(self, stage: str, workload: Any) -> Iterable[Op]:
        """Yield the operations of one stage that is not composed."""

    def assumptions(self) -> tuple[str, ...]:
        """Return what the closed forms assume, one sentence each, for the report."""
        return ()

    def notes(self) -> tuple[str, ...]:
        """Return what a reader must know of what the model stands for, one sentence each.

        Every report shows them: that a file is run as another type, say, or only in part.
        """
        return ()

    def notes_of(self, workload: Any) -> tuple[str, ...]:
        """Return what a reader must know of a workload, one sentence each; reports show them."""
        return ()

    def stage_sizes(self, stage: str, workload: Any) -> Mapping[str, Dim]:
        """Return the `sizes` that a stage of this workload has, each with its value."""
        return {}

    def stage_workload(self, stage: str, workload: Any, sizes: Mapping[str, Dim]) -> Any:
        """Return the workload of one stage with other sizes, such as symbols.

        It may drop whatever the FLOPs of the stage do not depend on: two workloads for which it
        returns the same share a closed form.

        Args:
            sizes: a value for each name that `stage_sizes` returns.
        """
        return workload

    def layer_names(self, component: str, role: str) -> tuple[str, ...]:
        """Return what a linear layer is called besides its role, for ``train.lora.targets``."""
        return (f"{role}_proj",)

    def named(self) -> Named | None:
        """Return the model with symbols for its dimensions; None if it has no names for them."""
        return None
