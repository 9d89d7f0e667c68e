"""Any training of a model: what is frozen, adapted or recomputed, and what it costs."""

from hypothesis import strategies as st

from flopbench.analytic.price import Pricer
from flopbench.analytic.trained import TrainedModel
from flopbench.builtin.eager import Eager
from flopbench.conventions import Conventions
from flopbench.ops import Linear
from flopbench.training.frozen import has_weights
from flopbench.training_step import STAGE_OF, LoraOptions, TrainOptions
from support.training_toys import matrix


def analytic(model, workload, options):
    """Return the matrix FLOPs of each pass, by component."""
    trained, pricer = TrainedModel(model, options), Pricer(Eager(), Conventions())
    return tuple(
        matrix(pricer.price(trained.ops(stage, workload), Eager())) for stage in STAGE_OF.values()
    )


def trainings(ops, recompute=("none", "full", "selective")):
    """Return a strategy: any components frozen, or any layers with adapters, and recomputation."""
    components = st.sampled_from(sorted({op.component for op in ops if has_weights(op)}))
    layers = [op for op in ops if isinstance(op, Linear) and op.role not in {"", "router"}]
    targets = st.sampled_from(sorted({n for op in layers for n in (op.role, op.component)}))
    adapters = st.builds(
        LoraOptions, rank=st.integers(0, 3), targets=st.sets(targets, min_size=1).map(tuple)
    )
    return st.builds(
        TrainOptions,
        recompute=st.sampled_from(recompute),
        frozen=st.sets(components).map(sorted).map(tuple),
        lora=st.none() | adapters,
    )
