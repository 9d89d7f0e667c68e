"""Entries and lock files, drawn."""

from hypothesis import strategies as st

from flopbench.guard.entry import Entry

amounts = st.integers(0, 2**80)
names = st.text(st.characters(codec="utf-8"), max_size=6) | st.sampled_from(
    ["layers.2", "layers.10"]
)
entries = st.builds(
    Entry,
    components=st.dictionaries(names, amounts, max_size=4),
    uncounted=st.dictionaries(names, amounts, max_size=2),
    parameters=amounts,
    peak_activation_bytes=st.none() | amounts,
)
tests = st.sampled_from([f"test_{file}.py::test_{name}" for file in "ab" for name in "xyz"])
checks = st.dictionaries(
    tests, st.dictionaries(st.sampled_from(["1", "2", "10", "encoder"]), entries, min_size=1)
)
