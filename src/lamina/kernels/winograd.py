"""Winograd's convolution: tiles, transformed; products of matrices; and back.

`tiles.py` holds the transforms and says where they come from.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from ..machine.code import Code, Index, Int
from ..machine.target import Target
from .blocks import (
    Algorithm,
    Weights,
    cheapest,
    chunk_of,
    fill,
    line,
    product,
    spread,
)
from .gemm import Then, Tile
from .microkernel import LINE
from .tiles import (
    TRANSFORMS,
    Axis,
    Tiling,
    both_axes,
    grid,
    result_tiles,
    rows_of_tile,
    transform_tiles,
    transform_weights,
)

# -- forward, and the gradient of the image ------------------------------------------------------


class ImageByTiles(Algorithm):
    """A convolution that gives images: tiles, transformed, times weights, transformed, and back.

    Either the weights are transformed once for all, and each thread takes tiles; or, where tiles
    are few, these are, and each thread takes channels of the result.
    """

    def __init__(self, target: Target, tiles: Tiling, to: Tiling, weights: Weights,
                 backwards: bool, by_channels: bool, chunk: int):  # fmt: skip
        self.facts = (tiles, to, weights, backwards, by_channels, chunk)
        self.tiles, self.to, self.weights = tiles, to, weights
        self.backwards, self.by_channels = backwards, by_channels
        self.many = (tiles.m + 2) ** 2
        self.chunk = tiles.count if by_channels else min(chunk, tiles.count)
        self.block = block = cheapest(target, self.chunk, weights.n)[1]
        self.wide = block.vectors * target.lanes
        self.panels = -(-weights.n // self.wide)
        rows = -(-self.chunk // block.rows) * block.rows
        self.v_row = -(-tiles.c // target.lanes) * target.lanes
        self.v_apart = rows * self.v_row + LINE
        self.m_row = self.wide if by_channels else self.wide * self.panels
        self.m_apart = rows * self.m_row + LINE
        self.panel = weights.k * self.wide
        self.u_apart = self.panel * (1 if by_channels else self.panels) + LINE
        v, u, m = (line(self.many * x) for x in (self.v_apart, self.u_apart, self.m_apart))
        nothing, waste = line(tiles.c), line(to.c)
        self.shared = v if by_channels else u
        self.scratch = (u if by_channels else v) + m + nothing + waste
        self._parts = ((u if by_channels else v), m, nothing)

    def write(self, code: Code, *pointers: ir.Value, then: Then | None = None) -> None:
        """Either by tiles or by channels."""
        write = self._write_by_channels if self.by_channels else self._write_by_tiles
        write(code, *pointers, then=then)

    def _memory(self, code: Code, scratch: ir.Value) -> list[ir.Value]:
        """Four parts of scratch; the third holds zeros."""
        places, at = [scratch], 0
        for nbytes in self._parts:
            at += nbytes
            places.append(code.at(scratch, at // 4))
        fill(code, places[2], self.tiles.c)
        return places

    def _write_by_tiles(self, code: Code, *rest: Any, then: Then | None = None) -> None:
        image, weights, result, scratch, u = rest
        v, m, nothing, waste = self._memory(code, scratch)
        registers, depth = self.panels * self.block.vectors, self.weights.k
        low, high = code.share(registers * depth)
        for unit in code.loop(low, high):
            along_k = unit // depth, unit % depth
            register, k = (unit % registers, unit // registers) if self.backwards else along_k
            self._weights(code, weights, register, k, u)
        code.barrier()
        count = self.tiles.count
        low, high = code.share(-(-count // self.chunk))
        for i in code.loop(low, high):
            first, number = chunk_of(code, i, self.chunk, count)
            self._tiles(code, image, first, number, v, nothing)
            for xi in code.loop(0, self.many):
                for panel in code.loop(0, self.panels):
                    b = code.at(u, xi * self.u_apart + panel * self.panel)
                    c = code.at(m, xi * self.m_apart + panel * self.wide)
                    self._rows(code, number, code.at(v, xi * self.v_apart), b, c)
            self._results(code, m, first, number, (code.int(0), code.int(self.to.c)), result, waste,
                          then)  # fmt: skip

    def _write_by_channels(self, code: Code, *rest: Any, then: Then | None = None) -> None:
        image, weights, result, scratch, v = rest
        u, m, nothing, waste = self._memory(code, scratch)
        count = self.tiles.count
        low, high = code.share(count)
        self._tiles(code, image, low, high - low, code.at(v, low * self.v_row), nothing)
        code.barrier()
        low, high = code.share(self.panels)
        for panel in code.loop(low, high):
            self._panel_of_weights(code, weights, panel, u)
            for xi in code.loop(0, self.many):
                b, c = code.at(u, xi * self.u_apart), code.at(m, xi * self.m_apart)
                self._rows(code, code.int(count), code.at(v, xi * self.v_apart), b, c)
            channels = panel * self.wide, (panel * self.wide + self.wide).least(self.to.c)
            self._results(code, m, code.int(0), code.int(count), channels, result, waste, then)

    def _panel_of_weights(self, code: Code, source: ir.Value, panel: Int, u: ir.Value) -> None:
        """Its registers for each k; neighbours in memory one after another."""
        registers, depth = self.block.vectors, self.weights.k
        for outer in code.loop(0, depth if self.backwards else registers):
            for inner in code.loop(0, registers if self.backwards else depth):
                k, j = (outer, inner) if self.backwards else (inner, outer)
                self._weights(code, source, panel * registers + j, k, u, j)

    def _axis(self, name: str) -> Axis:
        return TRANSFORMS[self.tiles.m][name]

    def _weights(self, code: Code, source: ir.Value, register: Int, k: Int, u: ir.Value,
                 place: Int | None = None) -> None:  # fmt: skip
        """A register of columns, which goes to ``place`` in the panels at ``u``."""
        place = register if place is None else place
        panel, j = place // self.block.vectors, place % self.block.vectors
        to = code.at(u, panel * self.panel + k * self.wide + j * code.lanes)
        n = (register * code.lanes).least(self.weights.n - 1)
        transform_weights(code, self.weights, self.backwards, self._axis("weight"), source, k, n,
                          to, self.u_apart)  # fmt: skip

    def _tiles(self, code: Code, image: ir.Value, low: Int, count: Int, v: ir.Value,
               nothing: ir.Value) -> None:  # fmt: skip
        transform_tiles(code, self.tiles, self.tiles.m + 2, self._axis("image"), image, low, count,
                        v, self.v_row, self.v_apart, nothing)  # fmt: skip

    def _results(
        self, code: Code, m: ir.Value, low: Int, count: Int, channels: tuple[Int, Int],
        result: ir.Value, waste: ir.Value, then: Then | None,
    ) -> None:  # fmt: skip
        """Back to pixels; what follows runs on each tile while the first cache holds it."""
        j0, j1 = channels

        def some(low: Int, count: Int, source: ir.Value) -> None:
            result_tiles(code, self.to, self._axis("result"), code.at(result, j0), low, count,
                         j1 - j0, source, self.m_row, self.m_apart, waste)  # fmt: skip

        if then is None:
            return some(low, count, m)
        for t in code.loop(0, count):
            some(low + t, code.int(1), code.at(m, t * self.m_row))
            for i0, i1 in rows_of_tile(code, self.to, low + t):
                place = code.at(result, i0 * self.to.c + j0)
                then(Tile(place, self.to.c, i0, i1, j0, j1, ()))
        return None

    def _rows(self, code: Code, count: Int, a: ir.Value, b: ir.Value, c: ir.Value) -> None:
        """The product of so many rows, in blocks; those behind the last are not looked at."""
        rows = self.block.rows
        product(code, self.block, a, self.v_row, 1, b, self.wide, c, self.m_row, self.weights.k,
                down=(count + (rows - 1)) // rows)  # fmt: skip


# -- the gradient of the kernel ------------------------------------------------------------------


class WeightByTiles(Algorithm):
    """Winograd's: the products of transformed tiles, summed up, and transformed back.

    Either chunk after chunk of tiles is transformed by all threads together, and added to sums that
    they share; or, where tiles are few, all of them, and a thread makes some kernels to the end.
    """

    def __init__(self, target: Target, tiles: Tiling, gradient: Tiling, chunk: int):
        self.facts = (tiles, gradient, chunk)
        self.tiles, self.gradient, self.many = tiles, gradient, (tiles.m + 2) ** 2
        self.chunk, self.few = min(chunk, tiles.count), tiles.count <= chunk
        self.block = cheapest(target, gradient.c, tiles.c)[1]
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

    def write(self, code: Code, *pointers: ir.Value, then: Then | None = None) -> None:
        """Chunk after chunk, or all tiles and then some kernels after others."""
        image, gradient, result, nothing, x = pointers
        y = code.at(x, self._parts[0] // 4)
        fill(code, nothing, self.nothing // 4)
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
