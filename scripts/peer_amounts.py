"""What a peer misses of an ordinary module for one reason, in its unit; negative is too much."""

from __future__ import annotations

from math import prod

from peer_cells import Cell, Layer
from peer_modules import STATES


def whole(cell: Cell) -> int:
    """Return all work."""
    return cell.exact


def core(cell: Cell) -> int:
    """Return attention's two products, which run as `bmm` on meta."""
    return cell.flops("bmm")


def addmm(cell: Cell) -> int:
    """Return the products with a bias."""
    return cell.flops("addmm")


def grouped(cell: Cell) -> int:
    """Return the products of the experts."""
    return cell.flops("_grouped_mm")


def router(cell: Cell) -> int:
    """Return Mixtral's router."""
    return cell.within("gate")


def self_attention(cell: Cell) -> int:
    """Return the attention of nn.TransformerEncoder."""
    return cell.within("self_attn")


def self_attention_and_biases(cell: Cell) -> int:
    """Return the same with four biases in each of two layers."""
    return self_attention(cell) + 2 * 4 * STATES


def relu(cell: Cell) -> int:
    """Return 1 per element."""
    return cell.case.elements["relu"]


def relu_again(cell: Cell) -> int:
    """Return what counts twice."""
    return -relu(cell)


def softmax(cell: Cell) -> int:
    """Return 1 per element."""
    return cell.case.elements["softmax"]


def gelu(cell: Cell) -> int:
    """Return 1 per element, but for Whisper's convolutions: their module calls the function."""
    called = 384 * (3000 + 1500) if cell.case.specimen.name.startswith("Whisper") else 0
    return cell.case.elements["gelu"] - called


def bias_once(_cell: Cell) -> int:
    """Return GPT-2's biases of type Conv1D: 3, 1, 4 and 1 widths of 768 in each of 12 blocks."""
    return -12 * (3 + 1 + 4 + 1) * 768


def biases_but_once(cell: Cell) -> int:
    """Return the biases of all tokens without those of one."""
    return cell.case.elements["linear bias"] + bias_once(cell)


def half_the_biases(cell: Cell) -> int:
    """Return the biases of a GRU's input; those of its states are as many."""
    return cell.case.elements["linear bias"] // 2


def rounded(cell: Cell) -> int:
    """Return two products, of which NumPy prints the FLOPs plus 1, in 4 digits."""
    macs = 2 * 4 * 48 * 48 * 16
    printed = int(float(f"{2 * macs + 1:.3e}"))
    return 2 * (macs - printed // 2 if cell.unit == "MAC" else 2 * macs - printed)


def transposed(cell: Cell) -> int:
    """Return what a stride of 2 in two dimensions adds: 4 outputs for each input."""
    return -3 * cell.flops()


def per_group_twice(cell: Cell) -> int:
    """Return all but a quarter, for 4 groups, and all biases but those of 8 channels of 7 x 7."""
    return cell.flops() * 3 // 4 + cell.case.elements["conv bias"] - 2 * 8 * 7 * 7


def second_product(_cell: Cell) -> int:
    """Return 8 vectors of 40, times 16 outputs."""
    return 8 * 16 * 40


def tokens(cell: Cell) -> int:
    """Return all positions of linear layers but those of the first dimension."""
    return sum(_positions_after_the_first(layer) for layer in _layers(cell, "Linear"))


def no_products(cell: Cell) -> int:
    """Return the parameters of norms and tables, times the first dimension."""
    layers = [*_layers(cell, "Norm"), *_layers(cell, "Embedding")]
    return -sum(layer.shape[0] * layer.parameters for layer in layers)


def tables(_cell: Cell) -> int:
    """Return Swin's 13 x 13 biases by relative position, times the heads twice, in each block."""
    return -13 * 13 * sum(blocks * heads**2 for blocks, heads in ((2, 3), (2, 6), (6, 12), (2, 24)))


def conv1d(cell: Cell) -> int:
    """Return GPT-2's linear layers: features are taken for positions."""
    layers = _layers(cell, "Conv1D")
    return sum(_positions_after_the_first(layer) for layer in layers) - sum(
        layer.parameters * layer.shape[0] * (prod(layer.shape[2:]) - 1) for layer in layers
    )


def _layers(cell: Cell, kind: str) -> list[Layer]:
    """Return the layers of a type whose name contains a kind; ``Linear`` is the whole name."""
    names = ((layer, type(layer.module).__name__) for layer in cell.case.layers)
    return [layer for layer, name in names if kind in name and (name == kind or kind != "Linear")]


def _positions_after_the_first(layer: Layer) -> int:
    return (prod(layer.shape[:-1]) - layer.shape[0]) * layer.parameters
