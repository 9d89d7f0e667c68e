"""Any module or callable: its count, its law, and what watches both. All of it needs torch."""

from importlib.util import find_spec

from flopbench.errors import UsageError

if find_spec("torch") is None:
    raise UsageError("counting modules needs torch: pip install 'flopbench[torch]'")
