"""Small configs of all types, and the tokens that their image processors make of a page."""

from plugins.transformers_vlm import tiny_cells, tiny_crossing, tiny_first, tiny_tiles

_GROUPS = (tiny_cells, tiny_crossing, tiny_first, tiny_tiles)

TINY = {kind: tiny for group in _GROUPS for kind, tiny in group.TINY.items()}
TOKENS = {kind: counts for group in _GROUPS for kind, counts in group.TOKENS.items()}
