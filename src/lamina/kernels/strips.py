"""Strips: neighbouring places along the last axis, and the pixels that lie under all of them.

Neighbouring places of a convolution share most of their pixels. A strip has the address of each
pixel once for each row of the kernel, so that it is loaded once for all places that it meets.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np
from llvmlite import ir

from ..machine.code import I64, Code, Int
from .blocks import constants, digest, eight, entry, line
from .geometry import Geometry
from .places import ravel, unravel


def eights(x: int) -> int:
    """Rounded up: addresses are made 8 at a time."""
    return -(-x // 8) * 8


def largest_part(x: int, most: int) -> int:
    """The largest number that divides ``x`` and is not above ``most``, or 1."""
    return max([i for i in range(1, most + 1) if x % i == 0], default=1)


@dataclass(frozen=True)
class Strips:
    """The places of one sweep, as strips.

    Attributes:
        geometry: two images, and how their places meet.
        index: the sweep.
        most: places of a strip, at most.
        wide: numbers of the kernel in one of its rows, at most; longer rows count as several.
    """

    geometry: Geometry
    index: int
    most: int
    wide: int

    @cached_property
    def grid(self) -> tuple[int, ...]:
        """Places of the sweep along each axis."""
        return self.geometry.sweeps[self.index].grid

    @cached_property
    def across(self) -> int:
        """Strips along the last axis: equal ones, if these are not too short."""
        equal = largest_part(self.grid[2], self.most)
        return self.grid[2] // equal if 2 * equal > self.most else -(-self.grid[2] // self.most)

    @cached_property
    def places(self) -> int:
        """Of a strip; the last one of a line may have some that there are not."""
        return -(-self.grid[2] // self.across)

    @cached_property
    def count(self) -> int:
        """How many strips there are."""
        return self.geometry.n * prod(self.grid[:2]) * self.across

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
        return tuple([at - min(row) for at in row])

    @cached_property
    def columns(self) -> int:
        """Of pixels under a strip."""
        return (self.places - 1) * self.geometry.stride[2] + max(self.taps, default=0) + 1

    @cached_property
    def size(self) -> int:
        """Addresses of a strip: those of the results, and then one row for each of the kernel."""
        return eights(self.places) + self.rows * eights(self.columns)

    @cached_property
    def meets(self) -> list[tuple[int, list[tuple[int, int]]]]:
        """Columns, and the pairs ``(place, number in the row)`` that meet in each."""
        stride, found = self.geometry.stride[2], {}
        for p in range(self.places):
            for i, at in enumerate(self.taps):
                found.setdefault(p * stride + at, []).append((p, i))
        return sorted(found.items())

    def nbytes(self, number: int) -> int:
        """Memory of so many strips."""
        return line(2 * number * self.size)

    def write(
        self, code: Code, first: Int, number: Int, image: ir.Value, c_read: int, result: ir.Value,
        c_written: int, nothing: ir.Value, waste: ir.Value, to: ir.Value,
    ) -> None:  # fmt: skip
        """Addresses for ``number`` strips from ``first`` on.

        ``nothing`` stands for pixels outside of the image, ``waste`` for results at places that
        there are not.
        """
        g, sweep = self.geometry, self.geometry.sweeps[self.index]
        row = self.along[: len(self.taps)]
        apart = self.along[len(row)] - self.along[0] if self.pieces > 1 else 0
        facts = [self.places, self.across, self.size, min(row, default=0), self.columns, c_read,
                 c_written, self.pieces, apart]  # fmt: skip
        for axis in zip(sweep.grid, sweep.start, g.stride, g.step, g.read, g.written):
            facts += axis
        for taps in sweep.taps[:2]:
            facts += [len(taps)]
        facts += [at for taps in sweep.taps[:2] for _, at in taps]
        table = constants(code, f"strips_{digest(facts)}", facts)
        code.call(
            f"strips_{code.lanes}", _write, table, first, number, image, result, nothing, waste, to
        )


def _write(code: Code, *rest: Any) -> None:
    facts, first, number, image, result, nothing, waste, to = rest
    places, across, size, before, columns, c_read, c_written, pieces, apart = [
        entry(code, facts, i) for i in range(9)
    ]
    axes = [[entry(code, facts, 9 + 6 * a + i) for i in range(6)] for a in range(3)]
    grid, start, stride, step, read, written = map(list, zip(*axes))
    depths, heights = entry(code, facts, 27), entry(code, facts, 28)
    z_taps = code.at(facts, 29, np.int64)
    y_taps = code.at(z_taps, depths, np.int64)
    for s in code.loop(0, number):
        n, (z, y, x) = unravel(first + s, [*grid[:2], across])
        x = x * places
        at = [z * step[0] + start[0], y * step[1] + start[1], x * step[2] + start[2]]
        row = code.at(to, s * size, np.int64)
        pixel = code.at(result, ravel(n, at, written) * c_written)
        _row(code, row, places, pixel, step[2] * c_written, x, grid[2], waste)
        row, x = code.at(row, rounded(places), np.int64), x * stride[2] + before
        for i in code.loop(0, depths):
            for j in code.loop(0, heights):
                at = [
                    z * stride[0] + entry(code, z_taps, i),
                    y * stride[1] + entry(code, y_taps, j),
                ]
                inside = [code.b.icmp_unsigned("<", p.value, q.value) for p, q in zip(at, read)]
                width = code.b.select(code.b.and_(*inside), read[2].value, I64(0))
                for k in code.loop(0, pieces):
                    column = x + k * apart
                    pixel = code.at(image, ravel(n, [*at, column], read) * c_read)
                    to_row = ((i * heights + j) * pieces + k) * rounded(columns)
                    _row(code, code.at(row, to_row, np.int64), columns, pixel, c_read, column,
                         code.int(width), nothing)  # fmt: skip


def rounded(x: Int) -> Int:
    """`eights` of a number of the running code."""
    return (x + 7) // 8 * 8


def _row(
    code: Code, to: ir.Value, count: Int, start: ir.Value, apart: Int, place: Int, limit: Int,
    other: ir.Value,
) -> None:  # fmt: skip
    """Addresses ``start``, and each so many numbers after the last, while their place is inside."""
    b, kind = code.b, ir.VectorType(I64, 8)
    numbers = ir.Constant(kind, list(range(8)))
    nowhere, end = eight(code, b.ptrtoint(other, I64)), eight(code, limit.value)
    step = b.mul(numbers, eight(code, (apart * 4).value))
    for i in code.loop(0, count, 8):
        inside = b.icmp_unsigned("<", b.add(eight(code, (place + i).value), numbers), end)
        here = b.add(eight(code, b.ptrtoint(code.at(start, i * apart), I64)), step)
        b.store(b.select(inside, here, nowhere), code.at(to, i, np.int64), align=8)
