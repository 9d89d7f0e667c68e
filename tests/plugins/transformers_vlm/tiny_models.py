"""Small configs of all types, and the tokens that their image processors make of a page."""

from plugins.transformers_vlm import tiny_first, tiny_tiles

TINY = {**tiny_first.TINY, **tiny_tiles.TINY}
TOKENS = {**tiny_first.TOKENS, **tiny_tiles.TOKENS}
