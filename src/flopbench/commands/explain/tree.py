"""A model as a tree of components, each with its closed form: where the FLOPs are, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

import sympy
from attrs import evolve, frozen

from flopbench import values
from flopbench.analytic import AttentionMode, Named, Stage
from flopbench.analytic.checked import CheckedModel, checked_model, with_symbols
from flopbench.analytic.price import Fallback, StagePrice
from flopbench.plan import Plan
from flopbench.plan.plan import refuse_hardware, require_closed_forms
from flopbench.tally import sums
from flopbench.values import Value
from flopbench.values.value import Format

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
        form: the closed form in the workload's sizes, with the model's dimensions as numbers.
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
class Explanation(Value):
    """What `flopbench explain` shows.

    Attributes:
        sizes: value and meaning of each symbol of the workload, by name.
        dimensions: value and meaning of each symbol of the model, by name.
        notes: what a reader must know of what the model stands for.
    """

    model: str
    attention: str
    work: Work
    root: Node
    sizes: Mapping[str, tuple[int, str]]
    dimensions: Mapping[str, tuple[int, str]]
    fallbacks: tuple[Fallback, ...]
    notes: tuple[str, ...] = ()

    def cut(self, depth: int) -> Explanation:
        """Return the same with at most ``depth`` levels of the tree."""
        return evolve(self, root=self.root.cut(depth))

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        from flopbench.commands.explain.views import as_dict

        return as_dict(self)

    def rows(self) -> list[dict[str, Any]]:
        """Return a row per part of the tree; closed forms are text."""
        from flopbench.commands.explain.views import rows

        return list(rows(self.root))

    def text(self) -> str:
        """Return what ``flopbench explain`` prints."""
        from flopbench.commands.explain.text import console

        return console(self)

    def to_markdown(self) -> str:
        """Return what ``explain.md`` holds."""
        from flopbench.commands.explain.text import markdown

        return markdown(self)

    def tree(self) -> values.Node:
        """Return the tree with the closed forms as notes."""
        from flopbench.commands.explain.views import tree

        return tree(self)

    def formats(self) -> Mapping[str, Format]:
        """Return what `save` writes, ``.folded`` for speedscope among it."""
        from flopbench.commands.explain.text import as_html

        own: dict[str, Format] = {
            ".html": lambda: as_html(self),
            ".folded": lambda: "\n".join(folded(self.root)),
        }
        return {**super().formats(), **own}


def explain(plan: Plan, work: Work = "tensor") -> Explanation:
    """Explain the plan's stages under its first attention mode.

    Raises:
        UsageError: the model has no closed forms.
        PluginError: the model or the attention mode raises, or takes no symbols.
    """
    refuse_hardware(plan)
    require_closed_forms(plan.model)
    model, mode = plan.model, plan.modes[0]
    stages = plan.base_stages
    with with_symbols(f"explaining model {model.name!r} with attention mode {mode.name!r}"):
        counted = {s.name: _price(plan, model, mode, s, symbolic=False) for s in stages}
        flops = {path: int(value) for path, value in _by_path(counted, work).items()}
        prices = {s.name: _price(plan, model, mode, s) for s in stages}
        named = model.named() or Named(model, {}, {})
        named_model = checked_model(named.model)
        named_prices = {s.name: _price(plan, named_model, mode, s) for s in stages}
        if not named.values or _fallbacks(named_prices) != _fallbacks(prices):
            # The mode needs numbers where the names give symbols, so named forms would mislead.
            named_prices = {}
        root = _tree(flops, _forms(prices, work), _forms(named_prices, work))
        sizes = {
            name: value
            for s in stages
            for name, value in model.stage_sizes(s.name, plan.workload).items()
        }
    meanings = {size.name: size.meaning for size in model.sizes}
    shown = {
        symbol.name
        for node in root.walk()
        for form in (node.form, node.named_form)
        if form is not None
        for symbol in form.free_symbols
    }
    return Explanation(
        model=model.name,
        attention=mode.name,
        work=work,
        root=root,
        sizes={name: (sizes[name], meanings[name]) for name in meanings if name in sizes},
        dimensions={
            s.name: (value, named.meanings[s.name])
            for s, value in named.values.items()
            if s.name in shown
        },
        fallbacks=_fallbacks(prices),
        notes=(*model.notes(), *model.notes_of(plan.workload)),
    )


def _fallbacks(prices: Mapping[str, StagePrice]) -> tuple[Fallback, ...]:
    return tuple(dict.fromkeys(f for priced in prices.values() for f in priced.fallbacks))


def _price(
    plan: Plan, model: CheckedModel, mode: AttentionMode, stage: Stage, *, symbolic: bool = True
) -> StagePrice:
    """Price a stage: the workload itself, or with symbols for its sizes."""
    workload = plan.workload
    if symbolic:
        known = {size.name: size for size in model.sizes}
        names = model.stage_sizes(stage.name, workload)
        symbols = {name: known[name].symbol for name in names}
        workload = model.stage_workload(stage.name, workload, symbols)
    return plan.pricer.price(model.ops(stage.name, workload), mode)


def _by_path(prices: Mapping[str, StagePrice], work: Work) -> dict[Path, Any]:
    """Return the work of each component of each stage."""
    return sums(
        (_path(stage, line.component), _work(line.cost, work))
        for stage, priced in prices.items()
        for line in priced.lines
    )


def _forms(prices: Mapping[str, StagePrice], work: Work) -> dict[Path, sympy.Expr]:
    return {path: sympy.expand(form) for path, form in _by_path(prices, work).items()}


def _work(cost: Any, work: Work) -> Any:
    return {
        "tensor": cost.tensor_flops,
        "vector": cost.vector_flops,
        "all": cost.flops,
    }[work]


def _path(stage: str, component: str) -> Path:
    """Return the stage's name, then the component's names without repeating the stage's."""
    names = tuple(component.split("/"))
    return names if names[0] == stage else (stage, *names)


def _tree(
    flops: Mapping[Path, int],
    forms: Mapping[Path, sympy.Expr],
    named_forms: Mapping[Path, sympy.Expr],
) -> Node:
    total = sum(flops.values())
    paths = [path for path, value in flops.items() if value]
    has_names = set(named_forms) == set(forms)

    def node(path: Path) -> Node:
        below = [other for other in paths if other[: len(path)] == path]
        named = None
        if has_names:
            named = sympy.factor_terms(sympy.Add(*(sympy.factor(named_forms[p]) for p in below)))
        own = sum(flops[other] for other in below)
        names = dict.fromkeys(other[: len(path) + 1] for other in below if other != path)
        return Node(
            path=path,
            flops=own,
            share=own / total if total else 0.0,
            form=sympy.expand(sympy.Add(*(forms[other] for other in below))),
            named_form=named,
            children=tuple(map(node, names)),
        )

    return node(())


def folded(root: Node) -> Iterable[str]:
    """Yield one line per leaf, ``a;b;c FLOPs``: the folded stacks that speedscope opens.

    Work of a part that is in none of its children gets a line for the part itself.
    """
    for node in root.walk():
        own = node.flops - sum(child.flops for child in node.children)
        if own:
            yield f"{';'.join(node.path) or 'model'} {own}"
