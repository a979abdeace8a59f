"""Winograd's convolution with kernels of 3x3 and stride 1: fewer multiplications a pixel.

A tile of ``m x m`` pixels of the result (m = 4 or 2) comes of ``a x a`` of the image, a = m + 2:

    y = A' [(G w G') * (B' x B)] A            the sum over channels inside the brackets
    gw = G' [(A gy A') * (B' x B)] G          the sum over tiles inside the brackets

so that ``a a`` products of matrices do the work of ``9 m m``: 36 for 144, or 16 for 36.

Images are (n, h, w, c), and vectors run over channels. Tiles go in chunks whose transformed numbers
stay in the cache.

Source: A. Lavin, S. Gray, "Fast algorithms for convolutional neural networks", 2016, sections 4.1
and 4.3; the points of F(4x4, 3x3) are 0, 1, -1, 2, -2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from llvmlite import ir

from ..machine.code import I64, Code, Index, Int
from ..machine.lanes import Vec
from .blocks import (
    Weights,
    address,
    constants,
    digest,
    eight,
    entry,
    present,
    turn_taps,
)
from .microkernel import LINE, prefetch

Row = Sequence[Vec]

# -- the transforms of one axis ------------------------------------------------------------------


def image_4(a: Vec, b: Vec, c: Vec, d: Vec, e: Vec, f: Vec) -> Row:
    """``B' x`` of F(4, 3)."""
    p, q, r, t = c.fma(-4, e), b.fma(-4, d), e - c, d - b
    first, last = a.fma(4, c.fma(-5, e)), b.fma(4, d.fma(-5, f))
    return first, p + q, p - q, t.fma(2, r), t.fma(-2, r), last


def weight_4(a: Vec, b: Vec, c: Vec) -> Row:
    """``G w`` of F(4, 3)."""
    p, q, r, s = (a + c) * (-1 / 6), b * (-1 / 6), a.fma(1 / 24, c * (1 / 6)), b * (1 / 12)
    return a * 0.25, p + q, p - q, r + s, r - s, c


def result_4(a: Vec, b: Vec, c: Vec, d: Vec, e: Vec, f: Vec) -> Row:
    """``A' y`` of F(4, 3)."""
    p, q, r, s = b + c, b - c, d + e, d - e
    return a + p + r, s.fma(2, q), r.fma(4, p), s.fma(8, q) + f


def gradient_4(a: Vec, b: Vec, c: Vec, d: Vec) -> Row:
    """``A gy`` of F(4, 3)."""
    p, q, r, t = a + c, b + d, c.fma(4, a), d.fma(4, b)
    return a, p + q, p - q, t.fma(2, r), t.fma(-2, r), d


def kernel_4(a: Vec, b: Vec, c: Vec, d: Vec, e: Vec, f: Vec) -> Row:
    """``G' u`` of F(4, 3)."""
    p, q, r, s = (b + c) * (-1 / 6), (c - b) * (1 / 6), d + e, d - e
    first = a.fma(0.25, r.fma(1 / 24, p))
    return first, s.fma(1 / 12, q), r.fma(1 / 6, p) + f


def image_2(a: Vec, b: Vec, c: Vec, d: Vec) -> Row:
    """``B' x`` of F(2, 3)."""
    return a - c, b + c, c - b, b - d


def weight_2(a: Vec, b: Vec, c: Vec) -> Row:
    """``G w`` of F(2, 3)."""
    p, q = (a + c) * 0.5, b * 0.5
    return a, p + q, p - q, c


def result_2(a: Vec, b: Vec, c: Vec, d: Vec) -> Row:
    """``A' y`` of F(2, 3)."""
    return a + b + c, b - c - d


def gradient_2(a: Vec, b: Vec) -> Row:
    """``A gy`` of F(2, 3)."""
    return a, a + b, a - b, -b


def kernel_2(a: Vec, b: Vec, c: Vec, d: Vec) -> Row:
    """``G' u`` of F(2, 3)."""
    return (b + c).fma(0.5, a), (b - c) * 0.5, (b + c).fma(0.5, d)


Axis = Callable[..., Row]
TRANSFORMS: dict[int, dict[str, Axis]] = {
    4: dict(image=image_4, weight=weight_4, result=result_4, gradient=gradient_4, kernel=kernel_4),
    2: dict(image=image_2, weight=weight_2, result=result_2, gradient=gradient_2, kernel=kernel_2),
}


def both_axes(axis: Axis, square: Callable[[int, int], Vec], size: int) -> list[Vec]:
    """``axis`` along the columns of a square of ``size``, then along the rows of what comes."""
    columns = [axis(*[square(i, j) for i in range(size)]) for j in range(size)]
    return [x for row in zip(*columns) for x in axis(*row)]


# -- tiles of images -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Tiling:
    """Tiles of ``n`` images of ``h x w`` pixels and ``c`` channels.

    Attributes:
        m: tiles lie ``m`` pixels apart, along both axes.
        down, across: how many there are.
        before: the first tile begins so many pixels before the image.
    """

    n: int
    h: int
    w: int
    c: int
    m: int
    down: int
    across: int
    before: tuple[int, int]

    @property
    def count(self) -> int:
        """How many tiles there are."""
        return self.n * self.down * self.across

    def table(self, code: Code) -> ir.Value:
        """Its numbers, for the functions that all tilings share; `tiles_at` reads them."""
        numbers = [self.h, self.w, self.c, self.down, self.across, *self.before]
        return constants(code, f"tiling_{digest(numbers)}", numbers)


def tiles_at(
    code: Code, tiling: ir.Value, m: int, size: int, image: ir.Value, other: ir.Value
) -> tuple[Int, Callable[[Int], None], Callable[[int, int], ir.Value]]:
    """Tiles of ``size x size`` pixels, ``m`` apart: addresses of their pixels; ``other`` outside.

    Returns:
        How many channels there are; a function that turns to a tile; and one that gives the address
        of a pixel of that tile.
    """
    b, kind = code.b, ir.VectorType(I64, 8)
    h, w, channels, down, across, top, left = [entry(code, tiling, i) for i in range(7)]
    places = code.reserve(size * 64)  # rows of 8
    pixel, row = channels * 4, w * channels * 4
    width, step = eight(code, w.value), eight(code, pixel.value)
    nowhere, start = eight(code, b.ptrtoint(other, I64)), b.ptrtoint(image, I64)

    def turn_to(tile: Int) -> None:
        x, y = tile % across * m - left, tile // across % down * m - top
        columns = b.add(eight(code, x.value), ir.Constant(kind, list(range(8))))
        inside = b.icmp_unsigned("<", columns, width)
        columns = b.mul(columns, step)
        n = tile // (across * down) * h
        for i in range(size):
            at = eight(code, b.add(start, ((n + y + i) * row).value))
            here = b.and_(inside, eight(code, b.icmp_unsigned("<", (y + i).value, h.value)))
            at = b.select(here, b.add(columns, at), nowhere)
            b.store(at, b.gep(places, [I64(8 * i)], source_etype=I64), align=8)

    return channels, turn_to, lambda i, j: address(code, places, 8 * i + j)


def grid(code: Code, place: ir.Value, size: int, apart: Int) -> Callable[[int, int], ir.Value]:
    """The address of ``[i, j]`` among ``size x size`` that lie ``apart``."""
    return lambda i, j: code.at(code.at(place, apart * (i * size)), apart * j)


def transform_tiles(
    code: Code, tiling: Tiling, size: int, axis: Axis, image: ir.Value, low: Int, count: Int,
    to: ir.Value, row: int, apart: int, nothing: ir.Value,
) -> None:  # fmt: skip
    """Tiles ``low`` and so on of an image, transformed: ``to[i, j][tile][channel]``.

    Args:
        code: where to.
        tiling: the tiles.
        size: pixels of a tile along one axis that are read.
        axis: the transform of one axis.
        image: its address.
        low: the first tile.
        count: how many.
        to: where the transformed numbers go.
        row: numbers from tile to tile there.
        apart: numbers from ``[i, j]`` to the next.
        nothing: ``c`` zeros, what lies around the image.
    """
    m, ragged = tiling.m, tiling.c % code.lanes > 0

    def write(code: Code, *rest: Any) -> None:
        tiling, image, low, count, to, row, apart, nothing = rest
        channels, turn_to, pixel = tiles_at(code, tiling, m, size, image, nothing)
        for t in code.loop(0, count):
            turn_to(low + t)
            for c in code.loop(0, channels, code.lanes):
                here = present(code, c, channels) if ragged else None
                place = grid(code, code.at(to, t * row + c), m + 2, apart)
                read = lambda i, j: code.load(pixel(i, j), c, mask=here)  # noqa: B023, E731
                for k, x in enumerate(both_axes(axis, read, size)):
                    code.store(x, place(*divmod(k, m + 2)))

    name = f"{axis.__name__}_{code.lanes}{'_ragged' * ragged}"
    numbers = low, count, to, code.int(row), code.int(apart)
    code.call(name, write, tiling.table(code), image, *numbers, nothing)


def result_tiles(
    code: Code, tiling: Tiling, axis: Axis, image: ir.Value, low: Int, count: Int,
    channels: Index, source: ir.Value, row: int, apart: int, waste: ir.Value,
) -> None:  # fmt: skip
    """Back from the transformed numbers of some channels to pixels; ``image`` at the first one.

    ``waste`` takes pixels outside of the image: ``c`` numbers.
    """
    m, ragged = tiling.m, tiling.c % code.lanes > 0

    def write(code: Code, *rest: Any) -> None:
        tiling, image, low, count, channels, source, row, apart, waste = rest
        _, turn_to, pixel = tiles_at(code, tiling, m, m, image, waste)
        for t in code.loop(0, count):
            turn_to(low + t)
            for c in code.loop(0, channels, code.lanes):
                here = present(code, c, channels) if ragged else None
                place = grid(code, code.at(source, t * row + c), m + 2, apart)
                read = lambda i, j: code.load(place(i, j))  # noqa: B023, E731
                for k, x in enumerate(both_axes(axis, read, m + 2)):
                    code.store(x, pixel(*divmod(k, m)), c, mask=here)

    name = f"{axis.__name__}_{code.lanes}{'_ragged' * ragged}"
    numbers = low, count, code.int(channels), source, code.int(row), code.int(apart)
    code.call(name, write, tiling.table(code), image, *numbers, waste)


def rows_of_tile(code: Code, tiling: Tiling, tile: Int) -> Iterator[tuple[Int, Int]]:
    """Where the rows of a tile begin and end, counted in pixels of all images."""
    m, row, n = tiling.m, tile // tiling.across, tile // (tiling.across * tiling.down)
    x, y = tile % tiling.across * m, row % tiling.down * m
    end = (x + m).least(tiling.w)
    for i in code.loop(y, (y + m).least(tiling.h)):
        start = (n * tiling.h + i) * tiling.w
        yield start + x, start + end


def transform_weights(
    code: Code, weights: Weights, backwards: bool, axis: Axis, source: ir.Value, k: Int, n: Int,
    to: ir.Value, apart: int,
) -> None:  # fmt: skip
    """One ``k`` and a register of ``n`` of the kernel, transformed: ``to[i, j]``."""
    size = len(axis(*[code.number(0.0)] * 3))

    def write(code: Code, *rest: Any) -> None:
        start, stride, last, to, apart, ahead = rest
        square = code.reserve(9 * code.lanes * 4)
        if backwards:  # from k to k it is far, and processors do not look so far ahead
            for i in range(0, 9 * code.lanes, LINE):
                prefetch(code, code.at(ahead, i))
        turn_taps(code, 9, start, stride, last, square)
        place = grid(code, to, size, apart)

        def tap(i: int, j: int) -> Vec:
            number = 8 - (i * 3 + j) if backwards else i * 3 + j
            return code.load(square, number * code.lanes)

        for i, x in enumerate(both_axes(axis, tap, 3)):
            code.store(x, place(*divmod(i, size)))

    name = f"{axis.__name__}_{code.lanes}{'_backwards' * backwards}"
    start = code.at(source, n * weights.n_stride + k * weights.k_stride)
    last = code.int(weights.n - 1) - n
    ahead = code.at(start, weights.k_stride)
    code.call(name, write, start, code.int(weights.n_stride), last, to, code.int(apart), ahead)
