"""What all plots share: settings, colours, and how a figure becomes a file."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from flopbench.errors import FlopbenchError, UsageError, describe

SETTINGS = {
    "svg.hashsalt": "flopbench",
    "svg.fonttype": "none",
    "path.simplify": True,
    "font.size": 10,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "hatch.linewidth": 0.6,
    "figure.figsize": (7, 4.8),
    "legend.frameon": False,
}


def saved(name: str, figure: Any) -> Iterator[tuple[str, bytes]]:
    """Yield a figure's files, the same bytes for the same figure, and close it."""
    from matplotlib import pyplot as plt

    for kind, metadata in (("svg", {"Date": None}), ("png", {"Software": None})):
        data = io.BytesIO()
        figure.savefig(data, format=kind, dpi=150, metadata=metadata)
        yield f"{name}.{kind}", data.getvalue()
        figure.set_layout_engine("none")  # what was laid out stays so: that takes half of the time
    plt.close(figure)


COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")


HATCHES = ("", "//", "--", "xx", "\\\\", "++", "||")


_NEEDED = "plots need matplotlib (pip install 'flopbench[plot]')"


def require_matplotlib(otherwise: str = "") -> None:
    """Refuse to draw without matplotlib, before any work.

    Args:
        otherwise: what the user may do instead; it ends the sentence.

    Raises:
        UsageError: matplotlib is not installed.
    """
    if find_spec("matplotlib") is None:
        raise UsageError(f"{_NEEDED}{otherwise}")


@contextmanager
def drawing(settings: Mapping[str, Any]) -> Iterator[None]:
    """Draw with these matplotlib settings, without a display; texts are shown as they are.

    Raises:
        UsageError: matplotlib is not installed, or cannot draw; flopbench's own errors pass.
    """
    try:
        import matplotlib as mpl
    except ImportError as error:
        raise UsageError(_NEEDED) from error
    mpl.use("Agg")
    # A name may hold dollar signs, which matplotlib takes for a formula, and signs that its font
    # has not, of which it warns.
    plain = {**settings, "text.parse_math": False}
    with mpl.rc_context(plain), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except FlopbenchError:
            raise
        except Exception as error:
            raise UsageError(f"matplotlib cannot draw the plots: {describe(error)}") from error
