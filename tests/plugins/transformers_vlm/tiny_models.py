"""Small configs of all types, and the tokens that their image processors make of a page."""

from plugins.transformers_vlm import tiny_cells, tiny_first

TINY = {**tiny_cells.TINY, **tiny_first.TINY}
TOKENS = {**tiny_cells.TOKENS, **tiny_first.TOKENS}
