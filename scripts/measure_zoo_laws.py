"""Measure the laws of the zoo of tests/modules/zoo, each at sizes drawn at random.

`python scripts/measure_zoo_laws.py` takes about half an hour on two cores and writes
measurements/zoo_laws.json: of each specimen the sizes that its law leaves open, those that were
interpolated, and at how many of the sizes drawn the law gives what a count gives. A size that
breaks an assumption of the law is *outside*.
"""

from __future__ import annotations

import json
import signal
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

RESULT = ROOT / "measurements" / "zoo_laws.json"
SECONDS = 200
"""The most that one specimen may take."""


def main() -> None:
    """Measure all specimens, and write what was found."""
    import torch

    from modules.zoo import SPECIMENS

    names = [specimen.name for specimen in SPECIMENS]
    with ProcessPoolExecutor() as pool:
        found = dict(zip(names, pool.map(measured, names), strict=True))
    document = {"torch": str(torch.__version__), "laws": found}
    RESULT.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def measured(name: str) -> dict[str, Any]:
    """Return what the law of a specimen is worth, or why it has none."""
    from flopbench import CountError
    from modules.zoo import SPECIMENS
    from modules.zoo.laws import agreement, law_of

    (specimen,) = (each for each in SPECIMENS if each.name == name)
    if specimen.refused or not specimen.sizes:
        return {"none": specimen.refused or "it has no sizes"}
    signal.signal(signal.SIGALRM, _too_long)
    signal.alarm(SECONDS)
    try:
        made = specimen.make()
        law = law_of(specimen, made)
        exact, outside = agreement(specimen, made, law)
    except (CountError, TimeoutError) as error:
        return {"none": str(error)}
    finally:
        signal.alarm(0)
    return {
        "open": [*law.open],
        "interpolated": sorted(law.interpolated),
        "exact": exact,
        "outside": outside,
    }


def _too_long(*_: object) -> None:
    raise TimeoutError(f"it takes more than {SECONDS} s")


if __name__ == "__main__":
    main()
