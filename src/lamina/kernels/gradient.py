"""The gradient of a convolution's kernel: sums over places, as products and by Winograd's tiles.

Each thread makes some numbers of the gradient and goes over all places for them, in one order: so
the sums do not depend on how many threads there are.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir

from ..machine.code import I64, Code, Index, Int
from ..machine.lanes import Vec
from ..machine.target import Target
from .blocks import (
    LINE,
    address,
    block_for,
    chunk_of,
    digest,
    line,
    product,
)
from .geometry import Geometry
from .indirect import clear, present_columns, where
from .microkernel import FLOAT32
from .packing import transposed
from .places import Sweeps, addresses, pitch, table_bytes
from .tiles import TRANSFORMS, Tiling, both_axes, grid, transform_tiles

PLACES = 128
"""Places at a time, whose numbers stay in the second cache."""


def spread(code: Code, taps: int, source: ir.Value, apart: int, to: ir.Value, count: Index) -> None:
    """``to[i, tap] = source[tap][i]``: registers side by side become kernels, for ``i < count``.

    Args:
        code: where to.
        taps: numbers of a kernel.
        source: one register for each tap.
        apart: numbers from tap to tap there.
        to: kernels without gaps.
        count: how many, at most as many as there are lanes.
    """

    def write(code: Code, *rest: Any) -> None:
        source, apart, to, count = rest
        square = code.reserve(code.lanes * code.lanes * 4)
        for low, width in code.unequal(taps, code.lanes):
            rows = [code.load(source, apart * (low + j)) for j in range(width)]
            rows += [code.number(0.0)] * (code.lanes - width)
            for i, x in enumerate(transposed(rows)):
                code.store(x, square, i * code.lanes)
            for i in code.loop(0, count):
                code.store(code.load(square, i * code.lanes), to, i * taps + low, width)

    numbers = code.int(apart), to, code.int(count)
    code.call(f"spread_{code.lanes}_{taps}", write, source, *numbers)


class WeightByAddress:
    """Products over places: rows are channels of the result, columns those of the image.

    Attributes:
        scratch: bytes for each thread.
        shared: bytes for all.
    """

    def __init__(self, target: Target, geometry: Geometry, groups: int, c_in: int, c_out: int):
        (self.sweep,) = geometry.sweeps
        self.geometry, self.groups = geometry, groups
        self.c_in, self.c_out = c_in // groups, c_out // groups
        self.block = block_for(target, self.c_out, self.c_in)
        self.places = min(PLACES, geometry.places)
        wide = self.block.vectors * target.lanes
        self.down, self.panels = -(-self.c_out // self.block.rows), -(-self.c_in // wide)
        self.row, self.tap = self.panels * wide, self.down * self.block.rows * self.panels * wide
        self.shared = line(groups * self.sweep.runs * self.tap)
        self.table = table_bytes(self.sweep.runs, self.places)
        self.scratch = self.table + line(c_in)

    def emit(
        self, code: Code, image: ir.Value, gradient: ir.Value, result: ir.Value, scratch: ir.Value,
        shared: ir.Value,
    ) -> None:  # fmt: skip
        """Write the sums."""
        name = f"weight_by_address_{digest(self.geometry, self.groups, self.c_in, self.c_out)}"
        name = f"{name}_{code.lanes}"
        code.call(name, self._write, image, gradient, result, scratch, shared)

    def _write(self, code: Code, *rest: Any) -> None:
        image, gradient, result, table, sums = rest
        nothing = code.at(table, self.table // 4)
        clear(code, nothing, line(self.c_in * self.groups) // 4)
        low, high = code.share(self.groups * self.sweep.runs * self.down)
        places = self.geometry.places
        sweep = Sweeps(code, self.geometry, self.c_in * self.groups, 0).table
        for chunk in code.loop(0, -(-places // self.places)):
            first, number = chunk_of(code, chunk, self.places, places)
            addresses(code, sweep, first, number, 1, image, nothing, nothing, nothing, table,
                      self.places)  # fmt: skip
            y = code.at(gradient, first * (self.c_out * self.groups))
            for unit in code.loop(low, high):
                o, at = unit % self.down * self.block.rows, unit // self.down
                run, group = at % self.sweep.runs, at // self.sweep.runs
                to = code.at(sums, at * self.tap + o * self.row)
                under = code.at(table, (run + 1) * pitch(self.places), np.int64)
                for panel in code.loop(0, self.panels):
                    column = panel * (self.block.vectors * code.lanes)
                    self._block(
                        code, number, chunk, code.at(y, group * self.c_out), o, group * self.c_in,
                        column, under, code.at(to, column),
                    )  # fmt: skip
        code.barrier()
        self._spread(code, sums, result)

    def _block(
        self, code: Code, number: Int, chunk: Int, y: ir.Value, o: Int, c: Int, column: Int,
        under: ir.Value, to: ir.Value,
    ) -> None:  # fmt: skip
        """Places of one chunk, summed up for a block; added to what earlier chunks gave."""
        block = self.block
        wide = block.vectors * code.lanes
        broken, ragged = self.c_out % block.rows > 0, self.c_in % wide > 0

        def write(code: Code, *rest: Any) -> None:
            number, chunk, y, o, c, column, under, to, pitch, c_out, run, row = rest
            old = where(code, None, code.b.icmp_signed("!=", chunk.value, I64(0)))
            there: list[ir.Value | None] = [None] * block.vectors
            if ragged:
                there = present_columns(code, block, column, run)
            places = [code.at(code.at(to, row * i), j * code.lanes)
                      for i in range(block.rows) for j in range(block.vectors)]  # fmt: skip
            rows = [(o + i).least(c_out - 1) if broken else o + i for i in range(block.rows)]
            loop = code.loop(0, number, carry=[code.load(x, mask=old).value for x in places])
            for p in loop:
                pixel, z = code.at(address(code, under, p), c + column), code.at(y, p * pitch)
                columns = [code.load(pixel, j * code.lanes, mask=m) for j, m in enumerate(there)]
                new: list[ir.Value] = []
                for i in rows:
                    x = code.splat(z, i)
                    for v in columns:
                        new.append(x.fma(v, Vec(code, loop.now[len(new)], FLOAT32)).value)
                loop.carry(*new)
            for x, place in zip(loop.now, places):
                code.store(Vec(code, x, FLOAT32), place)

        name = f"places_{code.lanes}_{block.rows}x{block.vectors}"
        name += "_broken" * broken + "_ragged" * ragged
        facts = (self.c_out * self.groups, self.c_out, self.c_in, self.row)
        code.call(name, write, number, chunk, y, o, c, column, under, to, *map(code.int, facts))

    def _spread(self, code: Code, sums: ir.Value, result: ir.Value) -> None:
        """The sums as kernels: (c_out, c_in / groups, *kernel)."""
        registers, taps = -(-self.c_in // code.lanes), self.sweep.runs
        low, high = code.share(self.groups * self.c_out * registers)
        for unit in code.loop(low, high):
            c, o = unit % registers * code.lanes, unit // registers
            group, row = o // self.c_out, o % self.c_out
            source = code.at(sums, group * (taps * self.tap) + row * self.row + c)
            to = code.at(result, (o * self.c_in + c) * taps)
            spread(code, taps, source, self.tap, to, (code.int(self.c_in) - c).least(code.lanes))


class WeightByTiles:
    """Winograd's: the products of transformed tiles, summed up, and transformed back.

    Either chunk after chunk of tiles is transformed by all threads together, and added to sums that
    they share; or, where tiles are few, all of them, and a thread makes some kernels to the end.

    Attributes:
        scratch: bytes for each thread.
        shared: bytes for all.
    """

    def __init__(self, target: Target, tiles: Tiling, gradient: Tiling, chunk: int):
        self.tiles, self.gradient, self.many = tiles, gradient, (tiles.m + 2) ** 2
        self.chunk, self.few = min(chunk, tiles.count), tiles.count <= chunk
        self.block = block_for(target, gradient.c, tiles.c)
        self.wide, rows = self.block.vectors * target.lanes, self.block.rows
        self.down, self.panels = -(-gradient.c // rows), -(-tiles.c // self.wide)
        self.together = min(max(1, 32 // rows), self.down)  # blocks that a thread makes to the end
        self.groups = -(-self.down // self.together)
        self.x_row, self.y_row = self.panels * self.wide, self.groups * self.together * rows
        self.y_row = -(-self.y_row // target.lanes) * target.lanes
        self.u_row = self.wide if self.few else self.x_row
        self.x_apart = self.chunk * self.x_row + LINE
        self.y_apart = self.chunk * self.y_row + LINE
        self.u_apart = (self.together if self.few else self.down) * rows * self.u_row + LINE
        x, y, u = (line(self.many * apart) for apart in (self.x_apart, self.y_apart, self.u_apart))
        self._parts = (x, y)
        self.shared = x + y + (0 if self.few else u)
        self.nothing = line(max(tiles.c, gradient.c))
        self.scratch = self.nothing + (u if self.few else 0)

    def emit(
        self, code: Code, image: ir.Value, gradient: ir.Value, result: ir.Value, scratch: ir.Value,
        shared: ir.Value,
    ) -> None:  # fmt: skip
        """Write the sums."""
        name = f"weight_by_tiles_{code.lanes}_{digest(self.tiles, self.gradient, self.chunk)}"
        code.call(name, self._write, image, gradient, result, scratch, shared)

    def _write(self, code: Code, *rest: Any) -> None:
        image, gradient, result, nothing, x = rest
        y = code.at(x, self._parts[0] // 4)
        clear(code, nothing, self.nothing // 4)
        if self.few:
            self._transform(code, code.int(0), code.int(self.chunk), image, gradient, x, y, nothing)
            code.barrier()
            low, high = code.share(self.groups * self.panels)
            for unit in code.loop(low, high):
                self._to_the_end(code, unit, x, y, code.at(nothing, self.nothing // 4), result)
            return
        u = code.at(y, self._parts[1] // 4)
        for chunk in code.loop(0, -(-self.tiles.count // self.chunk)):
            first, number = chunk_of(code, chunk, self.chunk, self.tiles.count)
            self._transform(code, first, number, image, gradient, x, y, nothing)
            code.barrier()
            low, high = code.share(self.many * self.down)
            for unit in code.loop(low, high):
                xi, o = unit // self.down, unit % self.down * self.block.rows
                for panel in code.loop(0, self.panels):
                    c = panel * self.wide
                    to = code.at(u, xi * self.u_apart + o * self.u_row + c)
                    self._block(code, xi, o, c, x, y, to, number, chunk)
            code.barrier()
        registers = -(-self.tiles.c // code.lanes)
        low, high = code.share(self.gradient.c * registers)
        for unit in code.loop(low, high):
            c, o = unit % registers * code.lanes, unit // registers
            self._kernels(code, code.at(u, o * self.u_row + c), o, c, result)

    def _transform(
        self, code: Code, first: Int, number: Int, image: ir.Value, gradient: ir.Value,
        x: ir.Value, y: ir.Value, nothing: ir.Value,
    ) -> None:  # fmt: skip
        """Tiles of both images; the threads share it, a barrier has to follow."""
        axes, m = TRANSFORMS[self.tiles.m], self.tiles.m
        low, high = code.share(number)
        mine, count = first + low, high - low
        transform_tiles(
            code, self.tiles, m + 2, axes["image"], image, mine, count,
            code.at(x, low * self.x_row), self.x_row, self.x_apart, nothing,
        )  # fmt: skip
        transform_tiles(
            code, self.gradient, m, axes["gradient"], gradient, mine, count,
            code.at(y, low * self.y_row), self.y_row, self.y_apart, nothing,
        )  # fmt: skip

    def _block(
        self, code: Code, xi: Int, o: Int, c: Int, x: ir.Value, y: ir.Value, to: ir.Value,
        number: Index, add: Index,
    ) -> None:  # fmt: skip
        left, right = code.at(y, xi * self.y_apart + o), code.at(x, xi * self.x_apart + c)
        product(code, self.block, left, 1, self.y_row, right, self.x_row, to, self.u_row, number,
                add)  # fmt: skip

    def _to_the_end(
        self, code: Code, unit: Int, x: ir.Value, y: ir.Value, u: ir.Value, result: ir.Value
    ) -> None:
        """Some rows and a panel of columns: all products, and the kernels."""
        rows = self.together * self.block.rows
        first, column = unit // self.panels * rows, unit % self.panels * self.wide
        for xi in code.loop(0, self.many):
            for i in code.loop(0, self.together):
                o = i * self.block.rows
                to = code.at(u, xi * self.u_apart + o * self.u_row)
                self._block(code, xi, first + o, column, x, y, to, self.chunk, 0)
        for i in code.loop(0, (code.int(self.gradient.c) - first).least(rows)):
            for j in code.loop(0, self.wide, code.lanes):
                self._kernels(code, code.at(u, i * self.u_row + j), first + i, column + j, result)

    def _kernels(self, code: Code, source: ir.Value, o: Int, c: Int, result: ir.Value) -> None:
        """One register of kernels, transformed back."""
        size, axis = self.tiles.m + 2, TRANSFORMS[self.tiles.m]["kernel"]

        def write(code: Code, *rest: Any) -> None:
            source, apart, to, count = rest
            square, place = code.reserve(9 * code.lanes * 4), grid(code, source, size, apart)
            for k, x in enumerate(both_axes(axis, lambda i, j: code.load(place(i, j)), size)):
                code.store(x, square, k * code.lanes)
            spread(code, 9, square, code.lanes, to, count)

        name = f"{axis.__name__}_{code.lanes}"
        to = code.at(result, (o * self.tiles.c + c) * 9)
        count = (code.int(self.tiles.c) - c).least(code.lanes)
        code.call(name, write, source, code.int(self.u_apart), to, count)
