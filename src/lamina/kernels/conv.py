"""Convolutions as native code: which algorithm, how much memory, and the code.

The three operators of `functions.conv`, over images that lie as (n, *size, c) and weights that lie
as (c_out, c_in / groups, *kernel), all without gaps:

    forward     x, W  -> y     `Conv`
    data        gy, W -> gx    `ConvTranspose`
    weight      x, gy -> gW    `ConvWeight`
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from llvmlite import ir

from ..functions.window import Window
from ..machine.code import Code
from ..machine.target import Target
from .blocks import Algorithm, Weights, cheapest
from .direct import ImageByStrips
from .gemm import Then
from .geometry import data_geometry, forward_geometry
from .gradient import WeightByStrips
from .tiles import Tiling
from .winograd import ImageByTiles, WeightByTiles

KINDS = ("forward", "data", "weight")


class ConvPlan:
    """One convolution, planned from its shapes.

    Args:
        target: the processor.
        kind: ``"forward"``, ``"data"`` or ``"weight"``.
        window: the kernel over the image.
        groups: groups of channels.
        n: images.
        c_in: channels of the image.
        c_out: channels of the result of ``"forward"``.
        winograd: whether Winograd's algorithm may be taken; it is less exact, about 4e-6 of the
            largest number where others reach 4e-7.
    Attributes:
        scratch: bytes that each thread needs for itself, in whole cache lines.
        shared: bytes that all threads need together.
        algorithm: ``"winograd 4x4"``, ``"winograd 2x2"`` or ``"strips"``.
    """

    def __init__(
        self, target: Target, kind: str, window: Window, groups: int, n: int, c_in: int, c_out: int,
        winograd: bool = True,
    ):  # fmt: skip
        self.kind = kind
        shape = Shape(kind, window, groups, n, c_in, c_out)
        m = tile_for(target, shape) if winograd else 0
        self.algorithm = f"winograd {m}x{m}" if m else "strips"
        self._by = by_tiles(target, shape, m) if m else by_strips(target, shape)
        self.scratch, self.shared = self._by.scratch, self._by.shared

    @staticmethod
    def supports(kind: str, window: Window, groups: int, n: int, c_in: int, c_out: int) -> bool:
        """Whether there is code for it; if not, NumPy's operator computes it."""
        sizes = (n, c_in, c_out, *window.size, *window.out)
        tables = max(prod(window.kernel), prod(window.stride)) <= 1024
        return kind in KINDS and tables and min(sizes) > 0 and len(window.size) <= 3

    @staticmethod
    def takes_along(kind: str, window: Window, groups: int, n: int, c_in: int, c_out: int) -> bool:
        """Whether `emit` takes a ``then``: for images, of one group."""
        return kind != "weight" and groups == 1

    def emit(
        self, code: Code, first: ir.Value, second: ir.Value, result: ir.Value, scratch: ir.Value,
        shared: ir.Value, then: Then | None = None,
    ) -> None:  # fmt: skip
        """Write it: all threads take part, and a barrier has to follow.

        Args:
            code: where to.
            first: the address of ``x``, or of ``gy`` for ``"data"``.
            second: the address of ``W``, or of ``gy`` for ``"weight"``.
            result: the address of what comes of it.
            scratch: of `scratch` bytes that only this thread uses.
            shared: of `shared` bytes, the same for all.
            then: what runs for each block of the result, of pixels and channels, as soon as it is
                finished; see `Product.emit`. Only where `takes_along` says so.
        """
        self._by.emit(code, first, second, result, scratch, shared, then=then)


# -- which algorithm -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Shape:
    """What a `ConvPlan` was asked for."""

    kind: str
    window: Window
    groups: int
    n: int
    c_in: int
    c_out: int

    @property
    def weights(self) -> Weights:
        """The weights of one group, as the product sees them."""
        a, b, taps = self.c_in // self.groups, self.c_out // self.groups, prod(self.window.kernel)
        if self.kind == "data":
            return Weights(a, b, taps, taps, a * taps)
        return Weights(b, a, taps, a * taps, taps)


KERNEL_CYCLES = {4: 140, 2: 87, 0: 81}
"""To transform one register of kernels, or, without tiles, to pack it: measured on Zen 5."""

TILE_CYCLES = {4: 300, 2: 90}
"""To transform one register of a tile, with its way to the cache and back: measured there, too."""

CHUNK = 48  # tiles whose transformed numbers stay in the cache


def tile_for(target: Target, shape: Shape) -> int:
    """The tiles of Winograd's algorithm that need the least time, or 0 where none is faster."""
    window = shape.window
    simple = (
        window.kernel == (3, 3)
        and set(window.stride + window.dilation) == {1}
        and shape.groups == 1
        and min(shape.c_in, shape.c_out) >= target.lanes
    )
    sizes = (4, 2, 0) if simple else (0,)
    return min(sizes, key=lambda m: cycles(target, shape, m))


def cycles(target: Target, shape: Shape, m: int) -> float:
    """About how many cycles a convolution takes with tiles of ``m x m``, or (0) without.

    The products, as `blocks.cheapest` counts them; the transforms, as measured; and the way of the
    transformed weights to the second cache and back, at 32 bytes a cycle.
    """
    window, w = shape.window, shape.weights
    size = window.size if shape.kind == "data" else window.out
    tiles = shape.n * prod([-(-length // m) for length in size] if m else size)
    many = (m + 2) ** 2 if m else w.taps
    if shape.kind == "weight":
        multiplying = tiles * cheapest(target, shape.c_out, shape.c_in)[0]
    else:
        rows = min(tiles, CHUNK)
        multiplying = w.k * tiles / rows * cheapest(target, rows, w.n)[0]
    kernels = w.k * w.n * (KERNEL_CYCLES[m] / target.lanes + many * 4 / 32)
    moved = tiles * (w.k + w.n) / target.lanes * TILE_CYCLES[m] if m else 0
    return many * multiplying + kernels + moved


def by_tiles(target: Target, shape: Shape, m: int) -> Algorithm:
    """Winograd's algorithm with tiles of ``m x m``."""
    window, n = shape.window, shape.n
    (h, w), (oh, ow) = window.size, window.out
    (top, _), (left, _) = window.padding
    if shape.kind == "data":
        down, across = -(-h // m), -(-w // m)
        read = Tiling(n, oh, ow, shape.c_out, m, down, across, (2 - top, 2 - left))
        written = Tiling(n, h, w, shape.c_in, m, down, across, (0, 0))
    else:
        down, across = -(-oh // m), -(-ow // m)
        read = Tiling(n, h, w, shape.c_in, m, down, across, (top, left))
        written = Tiling(n, oh, ow, shape.c_out, m, down, across, (0, 0))
    if shape.kind == "weight":
        return WeightByTiles(target, read, written, CHUNK)
    by_channels = read.count < shape.weights.n  # what is smaller is transformed for all
    return ImageByTiles(
        target, read, written, shape.weights, shape.kind == "data", by_channels, CHUNK
    )


def by_strips(target: Target, shape: Shape) -> Algorithm:
    """Sums over strips of places."""
    make = data_geometry if shape.kind == "data" else forward_geometry
    geometry = make(shape.window, shape.n)
    if shape.kind == "weight":
        return WeightByStrips(target, geometry, shape.groups, shape.c_in, shape.c_out)
    return ImageByStrips(target, geometry, shape.weights, shape.groups)
