"""GOT-OCR2: tiles of 1024, SAM's encoder, and 256 tokens for each."""

from __future__ import annotations

from collections.abc import Iterator

from flopbench import Linear, Op
from flopbench.blocks import Site, WindowedEncoder, halved_twice
from flopbench.dims import Dim, ceil_div
from flopbench_transformers_vlm.families.tiles import CroppedFamily


class GotOcr2(CroppedFamily):
    """GOT-OCR2 (arXiv:2409.01704): SAM's encoder, two strided convolutions and a projection."""

    source = "GOT-OCR2 (arXiv:2409.01704)"

    @property
    def same_size(self) -> bool:
        return True

    @property
    def _grid(self) -> int:
        fields = self.config.vision
        return fields.size("image_size") // fields.size("patch_size")

    @property
    def tile(self) -> tuple[int, int]:
        side = int(ceil_div(ceil_div(self._grid, 2), 2))
        return side, side

    def tiles(self, count: Dim) -> Iterator[Op]:
        fields, site, grid = self.config.vision, Site("vision"), self._grid
        layers, window = fields.layers, fields.size("window_size", least=0)
        said = fields.get("global_attn_indexes")
        whole = tuple(each for each in range(layers) if not window or each in said)
        encoder = WindowedEncoder(
            layers=layers,
            width=fields.width,
            heads=fields.heads,
            inner=fields.size("mlp_dim"),
            in_channels=fields.size("num_channels"),
            patch_size=fields.size("patch_size"),
            window=window or grid,
            global_layers=whole,
            trained=grid,
            out_channels=fields.size("output_channels"),
            activation=fields.activation(),
            bias=fields.flag("qkv_bias"),
            positions=fields.flag("use_abs_pos"),
            relative=fields.flag("use_rel_pos"),
        )
        yield from encoder.ops(site, count, grid)
        channels, text = fields.size("output_channels"), self.config.language.get("hidden_size")
        place, (rows, cols) = site.at("projector"), self.tile
        yield from halved_twice(place, count, grid, (channels, 2 * channels, text))
        yield place.op(
            Linear, rows=count * rows * cols, in_features=text, out_features=text, bias=True
        )


FAMILIES = {"got_ocr2": GotOcr2}
