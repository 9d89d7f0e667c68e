"""The tile of a matrix product, read from the kernel's name where the name gives it."""

from __future__ import annotations

import re

from attrs import frozen

_NAMES: tuple[re.Pattern[str], ...] = (
    # cuBLAS on Hopper and later: tile m x n, tile k x stages, cluster m x n.
    re.compile(r"nvjet_\w*?_(?P<m>\d+)x(?P<n>\d+)_(?P<k>\d+)x\d+_(?P<cm>\d+)x(?P<cn>\d+)_"),
    # CUTLASS 3: cluster, then tile, as template arguments.
    re.compile(
        r"cute::tuple<cute::C<(?P<cm>\d+)>, cute::C<(?P<cn>\d+)>, cute::C<\d+>>, [^<>]*>, "
        r"cute::tuple<cute::C<(?P<m>\d+)>, cute::C<(?P<n>\d+)>, cute::C<(?P<k>\d+)>>"
    ),
    # cuBLAS and cuDNN, sm80 and sm90.
    re.compile(r"tilesize(?P<m>\d+)x(?P<n>\d+)x(?P<k>\d+)"),
    # CUTLASS: tile m x n, tile k x stages or the alignment.
    re.compile(
        r"(?:cutlass|ampere|turing|sm\d\d)_\w*?gemm_\w*?_(?P<m>\d+)x(?P<n>\d+)(?:_(?P<k>\d+)x\d+)?"
    ),
    # Memory-efficient attention: queries x keys.
    re.compile(r"fmha_cutlassF_\w*?_(?P<m>\d+)x(?P<n>\d+)_"),
    # cuDNN's attention: query rows of a warpgroup x keys x head width.
    re.compile(r"sdpa_\w*?_knob_\d+_(?P<m>\d+)x(?P<n>\d+)x(?P<k>\d+)"),
    re.compile(
        r"flash_fwd(?:_splitkv)?_kernel<Flash_fwd_kernel_traits"
        r"<(?P<k>\d+), (?P<m>\d+), (?P<n>\d+)"
    ),
    # As `short_name` writes it.
    re.compile(r"<(?P<m>\d+)x(?P<n>\d+)(?:x(?P<k>\d+))?(?:, cluster (?P<cm>\d+)x(?P<cn>\d+))?>$"),
)


@frozen
class GemmTile:
    """What a thread block multiplies at once; ``cluster`` is how many blocks run together.

    ``k`` is None where the name does not give it.
    """

    m: int
    n: int
    k: int | None = None
    cluster: tuple[int, int] = (1, 1)

    def __str__(self) -> str:
        sides = "x".join(str(side) for side in (self.m, self.n, self.k) if side)
        if self.cluster == (1, 1):
            return sides
        return f"{sides}, cluster {self.cluster[0]}x{self.cluster[1]}"


def tile_of(kernel: str) -> GemmTile | None:
    """Return the tile that a kernel's name gives, or None."""
    for pattern in _NAMES:
        found = pattern.search(kernel)
        if found:
            part = found.groupdict()
            cluster = (int(part.get("cm") or 1), int(part.get("cn") or 1))
            k = int(part["k"]) if part.get("k") else None
            return GemmTile(int(part["m"]), int(part["n"]), k, cluster)
    return None


_LONGEST_NAME = 120


def short_name(kernel: str) -> str:
    """Return a kernel's name without its arguments; the tile replaces long template arguments."""
    name = kernel.removeprefix("void ").split("(")[0].split(", cutlass::")[0]
    if len(name) <= _LONGEST_NAME or "<" not in name:
        return name
    tile = tile_of(kernel)
    return f"{name.split('<')[0]}<{tile}>" if tile else name[:_LONGEST_NAME]


def base_name(kernel: str) -> str:
    """Return a kernel's name without arguments, template arguments and ``void``."""
    name, depth = "", 0
    for sign in re.sub(r"(<unnamed>|\(anonymous namespace\))::", "", kernel):
        depth += {"<": 1, ">": -1}.get(sign, 0)
        name += "" if depth or sign == ">" else sign
    return name.removeprefix("void ").split("(")[0]
