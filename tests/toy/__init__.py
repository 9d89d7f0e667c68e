"""One toy plugin for all tests: a model of one linear layer, its vendor, and a slow counter.

`toy.plugin` is a plugin as anyone would write it, in one file; `write_toy` puts it into a folder,
as it is or changed, where a command loads it as ``-p toy.py``. `toy.sized` has variants of it for
proofs, whose vendor runs torch, and `toy.sweep` runs sweeps of it.
"""

from pathlib import Path

SOURCE = Path(__file__).with_name("plugin.py").read_text(encoding="utf-8")


def changed(*changes):
    """Return the plugin's source with one text for another, which must be there, per change."""
    source = SOURCE
    for old, new in changes:
        assert old in source, f"the toy has no {old!r} to change"
        source = source.replace(old, new)
    return source


def write_toy(folder, *changes, name="toy"):
    """Write the plugin, changed, into a folder; return what -p takes there."""
    (folder / f"{name}.py").write_text(changed(*changes), encoding="utf-8")
    return f"{name}.py"
