"""What may be asked of the referee, checked before any work."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from pathlib import Path

import yaml
from attrs import frozen

from flopbench.commands.referee.rate import check_rate
from flopbench.errors import UsageError, unknown
from flopbench.formulas import PHASES, Formula, Phase
from flopbench.inputs import read_text, yaml12
from flopbench.inputs.options import Names, some
from flopbench.registry.catalog import Catalog

REFERENCES = ("counted", "useful", "executed")
"""What differences are shown against."""


@frozen(kw_only=True)
class Request:
    """What is asked for.

    Attributes:
        formulas: their names; None for all.
        against: the reference whose differences are shown.
        waterfall: the formula to draw; None for the one with the largest difference.
        tokens_per_second, gpus: what was measured, over all GPUs, and how many there were.
    """

    phases: tuple[Phase, ...]
    formulas: tuple[str, ...] | None
    against: str
    waterfall: str | None
    tokens_per_second: float | None
    gpus: int | None


def requested(
    *,
    phases: Names = "train",
    formulas: Names = None,
    against: str = "counted",
    waterfall: str | None = None,
    tokens_per_second: float | None = None,
    gpu: str | None = None,
    gpus: int | None = None,
) -> Request:
    """Check the options of ``flopbench referee``.

    Raises:
        UsageError: one of them is wrong.
    """
    wanted = some("--phases", phases)
    for phase in wanted:
        if phase not in PHASES:
            raise UsageError(unknown("phase", str(phase), PHASES))
    if against not in REFERENCES:
        raise UsageError(unknown("--against", str(against), REFERENCES))
    if against == "executed" and set(wanted) != {"train"}:
        raise UsageError("--against executed is for --phases train alone: only a step recomputes")
    check_rate(tokens_per_second, gpus, gpu)
    if tokens_per_second is not None and len(set(wanted)) > 1:
        raise UsageError(
            "--tokens-per-second is the rate of one phase: give one of --phases "
            f"{','.join(dict.fromkeys(wanted))}"
        )
    return Request(
        phases=tuple(phase for phase in PHASES if phase in wanted),
        formulas=None if formulas is None else tuple(some("--formulas", formulas)),
        against=against,
        waterfall=waterfall,
        tokens_per_second=tokens_per_second,
        gpus=gpus,
    )


_REFUSED = {
    "train": "the referee prices a whole training step with all weights trained",
    "run": "the referee runs no counter",
    "conventions": "formulas are of matrix work, which no convention changes",
}
"""Sections of the configuration that have no effect here, and why."""


def refuse_settings(overrides: Iterable[str], file: Path | None = None) -> None:
    """Refuse settings without effect.

    Args:
        overrides: ``KEY=VALUE`` texts.
        file: a YAML file of configuration. It may be one that ``flopbench run`` reads, too: what
            it sets for other commands is left alone, but not how a model is trained.

    Raises:
        UsageError: one is given.
    """
    given = {text.partition("=")[0].strip().partition(".")[0] for text in overrides}
    for section, reason in _REFUSED.items():
        if section in given:
            raise UsageError(f"{reason}: leave {section}.* out")
    if file is not None and "train" in _sections(file):
        raise UsageError(f"{_REFUSED['train']}: leave train out of {file}")


def _sections(file: Path) -> Container[str]:
    """Return the sections of a file; none if it cannot be read, which the plan says."""
    try:
        values = yaml12.parse(read_text(file, "", most=yaml12.MOST_BYTES))
    except (UsageError, ValueError, RecursionError, yaml.YAMLError):
        return ()
    return values if isinstance(values, dict) else ()


def chosen(catalog: Catalog, request: Request) -> Sequence[type[Formula]]:
    """Return the formulas that are asked for.

    Raises:
        UsageError: one is not known, or none is of the phases asked for.
    """
    if request.waterfall is not None:
        catalog.formulas.get(request.waterfall)
    names = request.formulas or tuple(name for name, _, _ in catalog.formulas)
    found = [catalog.formulas.get(name) for name in dict.fromkeys(names)]
    kept = [formula for formula in found if set(formula.phases) & set(request.phases)]
    if not kept:
        shown = ", ".join(names)
        raise UsageError(f"none of the formulas {shown} is of --phases {','.join(request.phases)}")
    if request.waterfall is not None and request.waterfall not in {each.name for each in kept}:
        raise UsageError(f"--waterfall {request.waterfall} is not among the formulas shown")
    return kept
