"""Small configs of all types, by type."""

from plugins.transformers_vlm import tiny_first

TINY = {**tiny_first.TINY}
