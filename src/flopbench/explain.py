"""A model as a tree of components, each with its closed form: where the FLOPs are, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

import sympy
from attrs import evolve, frozen

from flopbench.attention import AttentionMode
from flopbench.counting import sums
from flopbench.errors import calling
from flopbench.forms import evaluate, symbol
from flopbench.model import AnalyticModel, Stage
from flopbench.plan import Plan
from flopbench.pricing import Fallback, StagePrice, price

Work = Literal["tensor", "vector", "all"]
"""Matrix work, the rest, or both."""

Path = tuple[str, ...]


@frozen(eq=False)
class Node:
    """A part of the model.

    Attributes:
        path: names from the root to this part; empty for the root.
        flops: at the workload.
        share: of the root's FLOPs.
        form: the closed form in the workload's sizes, the model's dimensions put in.
        named_form: the same with the model's dimensions as symbols; None if it has no names.
    """

    path: Path
    flops: int
    share: float
    form: sympy.Expr
    named_form: sympy.Expr | None
    children: tuple[Node, ...] = ()

    def cut(self, depth: int) -> Node:
        """Return the tree with at most ``depth`` levels below this part."""
        if not depth:
            return evolve(self, children=())
        return evolve(self, children=tuple(child.cut(depth - 1) for child in self.children))

    def walk(self) -> Iterator[Node]:
        """Yield this part, then all below it, depth first."""
        yield self
        for child in self.children:
            yield from child.walk()


@frozen(kw_only=True, eq=False)
class Explanation:
    """What `flopbench explain` shows.

    Attributes:
        sizes: value and meaning of each symbol of the workload, by name.
        dimensions: value and meaning of each symbol of the model, by name.
    """

    model: str
    attention: str
    work: Work
    root: Node
    sizes: Mapping[str, tuple[int, str]]
    dimensions: Mapping[str, tuple[int, str]]
    fallbacks: tuple[Fallback, ...]

    def cut(self, depth: int) -> Explanation:
        """Return the same with at most ``depth`` levels of the tree."""
        return evolve(self, root=self.root.cut(depth))


def explain(plan: Plan, work: Work = "tensor") -> Explanation:
    """Explain the plan's stages under its first attention mode.

    Raises:
        PluginError: the model or the attention mode raises, or takes no symbols.
    """
    model, mode = plan.model, plan.modes[0]
    stages = plan.base_stages
    with calling(f"explaining model {model.name!r} with attention mode {mode.name!r}"):
        values = {s.name: dict(model.stage_sizes(s.name, plan.workload)) for s in stages}
        known = {size.name: size for size in model.sizes}
        present = {name: value for found in values.values() for name, value in found.items()}
        sizes = {
            name: (int(present[name]), size.meaning)
            for name, size in known.items()
            if name in present
        }
        prices = {s.name: _price(plan, model, mode, s) for s in stages}
        forms = _forms(prices, work)
        named = model.named()
        named_forms: dict[Path, sympy.Expr] | None = None
        if named:
            named_prices = {s.name: _price(plan, named.model, mode, s) for s in stages}
            named_forms = _forms(named_prices, work)
    numbers = {name: value for name, (value, _) in sizes.items()}
    return Explanation(
        model=model.name,
        attention=mode.name,
        work=work,
        root=_tree(forms, named_forms, numbers),
        sizes=sizes,
        dimensions={s.name: (v, named.meanings[s.name]) for s, v in named.values.items()}
        if named
        else {},
        fallbacks=tuple(dict.fromkeys(f for p in prices.values() for f in p.fallbacks)),
    )


def _price(plan: Plan, model: AnalyticModel, mode: AttentionMode, stage: Stage) -> StagePrice:
    """Price a stage with symbols for the workload's sizes."""
    known = {size.name: size for size in model.sizes}
    values: dict[str, Any] = {
        name: symbol(name, known[name].minimum)
        for name in model.stage_sizes(stage.name, plan.workload)
    }
    workload = model.stage_workload(stage.name, plan.workload, values)
    return price(model.ops(stage.name, workload), mode, plan.eager, plan.conventions)


def _forms(prices: Mapping[str, StagePrice], work: Work) -> dict[Path, sympy.Expr]:
    """Return the closed form of each component of each stage that does any work."""
    found = sums(
        (_path(stage, line.component), sympy.expand(_work(line.cost, work)))
        for stage, priced in prices.items()
        for line in priced.lines
    )
    return {path: form for path, form in found.items() if form != 0}


def _work(cost: Any, work: Work) -> Any:
    return {
        "tensor": cost.tensor_flops,
        "vector": cost.vector_flops,
        "all": cost.flops,
    }[work]


def _path(stage: str, component: str) -> Path:
    """Return the stage, then the component, whose first name may be the stage's."""
    names = tuple(component.split("/"))
    return names if names[0] == stage else (stage, *names)


def _tree(
    forms: Mapping[Path, sympy.Expr],
    named_forms: Mapping[Path, sympy.Expr] | None,
    numbers: Mapping[str, int],
) -> Node:
    total = _at(sympy.Add(*forms.values()), numbers)

    def node(path: Path) -> Node:
        below = [other for other in forms if other[: len(path)] == path]
        form = sympy.expand(sympy.Add(*(forms[other] for other in below)))
        named = None
        if named_forms is not None:
            named = sympy.factor_terms(sympy.Add(*(sympy.factor(named_forms[p]) for p in below)))
        flops = _at(form, numbers)
        names = dict.fromkeys(other[: len(path) + 1] for other in below if other != path)
        return Node(
            path=path,
            flops=flops,
            share=flops / total if total else 0.0,
            form=form,
            named_form=named,
            children=tuple(map(node, names)),
        )

    return node(())


def _at(form: sympy.Expr, numbers: Mapping[str, int]) -> int:
    return int(evaluate(form, numbers))


def folded(root: Node) -> Iterable[str]:
    """Yield one line per leaf, ``a;b;c FLOPs``: the folded stacks that speedscope opens.

    The work of a part that is in none of its children is a line of the part itself.
    """
    for node in root.walk():
        own = node.flops - sum(child.flops for child in node.children)
        if own:
            yield f"{';'.join(node.path) or 'model'} {own}"
