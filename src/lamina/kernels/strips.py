"""Strips: neighbouring places of a convolution, and the addresses of the pixels under all of them.

Neighbouring places share most of their pixels. A strip has the address of each pixel once for each
row of the kernel, so that it is loaded once for all places that it meets; what lies outside of the
image is the address of zeros. So nothing is copied into columns. Where lines of places are short, a
strip has several of them.

Source: M. Dukhan, "The indirect convolution algorithm", 2019, has an address for each place and
number of the kernel.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np
from llvmlite import ir

from ..machine.code import I64, Code, Index, Int
from .blocking import Cut
from .blocks import constants, digest, eight, entry, line
from .geometry import Geometry

INT64 = np.dtype(np.int64)
FACTS = 13  # numbers of `Strips` that its code reads, before those of the axes


def eights(x: int) -> int:
    """Rounded up: addresses are made 8 at a time."""
    return -(-x // 8) * 8


def largest_part(x: int, most: int) -> int:
    """The largest number that divides ``x`` and is not above ``most``, or 1."""
    return max([i for i in range(1, most + 1) if x % i == 0], default=1)


def strips_of(geometry: Geometry, index: int, most: int, wide: int) -> list[Strips]:
    """All places of a sweep, in strips of equal length, or else of two lengths.

    Args:
        geometry: two images, and how their places meet.
        index: the sweep.
        most: places of a strip, at most.
        wide: numbers of the kernel in one of its rows, at most; longer rows count as several.
    """
    grid = geometry.sweeps[index].grid
    n, equal = grid[2], largest_part(grid[2], most)
    if 2 * equal > most or equal == n:
        lines = largest_part(geometry.n * prod(grid[:2]), most // n) if 2 * n < most else 1
        return [Strips(geometry, index, wide, 0, n // equal, equal, lines)]
    cut = Cut(n, most)
    longer = Strips(geometry, index, wide, 0, cut.longer, cut.size, 1)
    shorter = cut.parts - cut.longer, cut.size - 1, 1
    return [longer, Strips(geometry, index, wide, cut.longer * cut.size, *shorter)]


@dataclass(frozen=True)
class Strips:
    """Places of one sweep, as strips of equal length.

    Attributes:
        geometry: two images, and how their places meet.
        index: the sweep.
        wide: numbers of the kernel in one of its rows, at most.
        first: where the first strip of a line begins.
        across: strips of a line.
        width: places of a strip in a line.
        lines: lines of a strip.
    """

    geometry: Geometry
    index: int
    wide: int
    first: int
    across: int
    width: int
    lines: int

    @property
    def grid(self) -> tuple[int, ...]:
        """Places of the sweep along each axis."""
        return self.geometry.sweeps[self.index].grid

    @property
    def places(self) -> int:
        """Of a strip."""
        return self.lines * self.width

    @cached_property
    def count(self) -> int:
        """How many strips there are."""
        return self.geometry.n * prod(self.grid[:2]) // self.lines * self.across

    @cached_property
    def along(self) -> list[int]:
        """Where the numbers of a row of the kernel lie, all of it."""
        return [at for _, at in self.geometry.sweeps[self.index].taps[2]]

    @cached_property
    def pieces(self) -> int:
        """Rows that one row of the kernel counts as."""
        return len(self.along) // largest_part(len(self.along), self.wide)

    @cached_property
    def rows(self) -> int:
        """Rows of the kernel."""
        return prod(map(len, self.geometry.sweeps[self.index].taps[:2])) * self.pieces

    @cached_property
    def taps(self) -> tuple[int, ...]:
        """Numbers in a row of the kernel, by the column that each meets at the first place."""
        row = self.along[: len(self.along) // max(1, self.pieces)]
        return tuple([(at - min(row)) // self.step for at in row])

    @cached_property
    def step(self) -> int:
        """Pixels from column to column."""
        return math.gcd(self.geometry.stride[2], *[at - self.along[0] for at in self.along])

    @cached_property
    def columns(self) -> int:
        """Of pixels under a line of a strip."""
        return (self.width - 1) * self.stride + max(self.taps, default=0) + 1

    @property
    def stride(self) -> int:
        """Columns from place to place."""
        return self.geometry.stride[2] // self.step

    @cached_property
    def head(self) -> int:
        """Addresses of the results of a strip."""
        return self._rounded(self.width)

    @cached_property
    def row(self) -> int:
        """Addresses of the pixels under one row of the kernel."""
        return self._rounded(self.columns)

    def _rounded(self, numbers: int) -> int:
        return (self.lines - 1) * numbers + eights(numbers)

    @cached_property
    def size(self) -> int:
        """Addresses of a strip: those of the results, and then one row for each of the kernel."""
        return self.head + self.rows * self.row

    @cached_property
    def meets(self) -> list[tuple[int, list[tuple[int, int]]]]:
        """Columns, and the pairs ``(place, number in the row)`` that meet in each."""
        found: dict[int, list[tuple[int, int]]] = {}
        for p in range(self.places):
            for i, at in enumerate(self.taps):
                column = p // self.width * self.columns + p % self.width * self.stride + at
                found.setdefault(column, []).append((p, i))
        return sorted(found.items())

    @cached_property
    def name(self) -> str:
        """Of what is written out for it."""
        return digest(self.places, self.head, self.row, self.meets)

    def nbytes(self, number: int) -> int:
        """Memory of so many strips."""
        return line(2 * number * self.size)

    @cached_property
    def before(self) -> int:
        """Numbers of the kernel in the sweeps before."""
        return sum([sweep.runs for sweep in self.geometry.sweeps[: self.index]])

    @cached_property
    def facts(self) -> list[int]:
        """What its code reads: `before` first, then what `_write` unpacks."""
        g, sweep = self.geometry, self.geometry.sweeps[self.index]
        row = self.along[: len(self.taps)]
        apart = self.along[len(row)] - self.along[0] if self.pieces > 1 else 0
        facts = [self.before, self.lines, self.across, self.width, self.first]
        facts += [self.size, self.head, self.row, self.columns, self.step]
        facts += [min(row, default=0), self.pieces, apart]
        for axis in zip(sweep.grid, sweep.start, g.stride, g.step, g.read, g.written):
            facts += axis
        facts += [len(taps) for taps in sweep.taps[:2]]
        return facts + [at for taps in sweep.taps[:2] for _, at in taps]

    @property
    def alike(self) -> tuple[Any, ...]:
        """What is equal for strips that run the same code, with other facts."""
        return self.name, self.count, self.rows, self.size, len(self.facts)

    def write(
        self, code: Code, facts: ir.Value, first: Int, number: Int, image: ir.Value, c_read: int,
        result: ir.Value, c_written: int, nothing: ir.Value, to: ir.Value,
    ) -> None:  # fmt: skip
        """Addresses for ``number`` strips from ``first`` on; outside of the image: ``nothing``.

        ``facts`` is where its own are, or those of one that is `alike`.
        """
        numbers = first, number, code.int(c_read), code.int(c_written)
        code.call(f"strips_{code.lanes}", _write, facts, *numbers, image, result, nothing, to)


def table_of(code: Code, strips: Sequence[Strips]) -> ir.Value:
    """The facts of strips that are alike."""
    facts = [x for each in strips for x in each.facts]
    return constants(code, f"strips_{digest(facts)}", facts)


def _write(code: Code, *rest: Any) -> None:
    facts, first, number, c_read, c_written, image, result, nothing, to = rest
    known = [entry(code, facts, i) for i in range(FACTS + 3 * 6 + 2)]
    lines, across, width, begin, size, head, row, columns, step, before = known[1:11]
    pieces, apart = known[11:FACTS]
    axes = [known[FACTS + 6 * a : FACTS + 6 * a + 6] for a in range(3)]
    grid, start, stride, written_step, read, written = map(list, zip(*axes))
    depths, heights = known[-2:]
    z_taps = code.at(facts, len(known), INT64)
    y_taps = code.at(z_taps, depths, INT64)
    for s in code.loop(0, number):
        strip, group = code.at(to, s * size, INT64), (first + s) // across
        x = (first + s) % across * width + begin
        for below in code.loop(0, lines):
            n, (z, y) = unravel(group * lines + below, grid[:2])
            at = [i * s + o for i, s, o in zip((z, y, x), written_step, start)]
            pixel = code.at(result, ravel(n, at, written) * c_written)
            here, apart_written = code.at(strip, below * width, INT64), written_step[2] * c_written
            _row(code, here, width, pixel, apart_written, code.int(0), code.int(0), code.int(1),
                 nothing)  # fmt: skip
            for i in code.loop(0, depths):
                for j in code.loop(0, heights):
                    at = [z * stride[0] + entry(code, z_taps, i),
                          y * stride[1] + entry(code, y_taps, j)]  # fmt: skip
                    inside = [code.b.icmp_unsigned("<", p.value, q.value) for p, q in zip(at, read)]
                    limit = code.b.select(code.b.and_(*inside), read[2].value, I64(0))
                    for k in code.loop(0, pieces):
                        column = x * stride[2] + before + k * apart
                        pixel = code.at(image, ravel(n, [*at, column], read) * c_read)
                        here = head + ((i * heights + j) * pieces + k) * row + below * columns
                        _row(code, code.at(strip, here, INT64), columns, pixel, c_read * step,
                             column, step, code.int(limit), nothing)  # fmt: skip


def _row(
    code: Code, to: ir.Value, count: Int, start: ir.Value, apart: Int, place: Int, step: Int,
    limit: Int, other: ir.Value,
) -> None:  # fmt: skip
    """``count`` addresses, ``apart`` numbers from each other; ``other`` where it is outside.

    They are inside where ``place``, which grows by ``step``, is below the limit.
    """
    b, kind = code.b, ir.VectorType(I64, 8)
    numbers = ir.Constant(kind, list(range(8)))
    nowhere, end = eight(code, b.ptrtoint(other, I64)), eight(code, limit.value)
    far, further = (b.mul(numbers, eight(code, x.value)) for x in (apart * 4, step))
    for i in code.loop(0, count, 8):
        at = b.add(eight(code, (place + i * step).value), further)
        here = b.add(eight(code, b.ptrtoint(code.at(start, i * apart), I64)), far)
        found = b.select(b.icmp_unsigned("<", at, end), here, nowhere)
        b.store(found, code.at(to, i, INT64), align=8)


def unravel(i: Int, grid: Sequence[Index]) -> tuple[Int, list[Int]]:
    """Place ``i`` of all images as the number of the image and the place in it."""
    places: list[Int] = []
    for length in reversed(grid):
        places.append(i % length)
        i = i // length
    return i, places[::-1]


def ravel(i: Int, places: Sequence[Int], size: Sequence[Index]) -> Int:
    """A place in image ``i`` as a place of all images."""
    for place, length in zip(places, size):
        i = i * length + place
    return i
