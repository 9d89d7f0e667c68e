"""Prove the laws of the models of the site's explorers, and store them in docs/laws.

Run `python scripts/make_explorers.py [MODEL ...]` after a change of a model or of what is exported;
it takes some minutes. The pages themselves are made from these files when the site is built.
"""

from __future__ import annotations

import json
import sys

from explorer_pages import FOLDER, MODELS

import flopbench


def main() -> None:
    """Prove and write each model's laws."""
    for model in sys.argv[1:] or MODELS:
        laws = flopbench.export(model)
        data = laws.to_dict()
        for stage in data["stages"]:  # for tests of code, which a page has none of
            stage["golden"], stage["refused"] = [], []
        FOLDER.mkdir(exist_ok=True)
        text = json.dumps(data, separators=(",", ":"), ensure_ascii=False)
        (FOLDER / f"{laws.identifier}.json").write_text(text + "\n", encoding="utf-8")
        print(f"{model}: {laws.verdict}, {len(text):,} bytes")


if __name__ == "__main__":
    main()
