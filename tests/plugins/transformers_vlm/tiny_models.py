"""Small configs of all types, and the tokens that their image processors make of a page."""

from plugins.transformers_vlm import tiny_crossing, tiny_first

TINY = {**tiny_crossing.TINY, **tiny_first.TINY}
TOKENS = {**tiny_crossing.TOKENS, **tiny_first.TOKENS}
