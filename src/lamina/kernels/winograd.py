"""Winograd's convolution: tiles, transformed; products of matrices; and back.

`tiles.py` holds the transforms and says where they come from.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from ..machine.code import Code, Int
from ..machine.target import Target
from .blocks import LINE, Weights, block_for, chunk_of, digest, line, product
from .gemm import Then, Tile
from .tiles import (
    TRANSFORMS,
    Axis,
    Tiling,
    result_tiles,
    rows_of_tile,
    transform_tiles,
    transform_weights,
)

# -- forward, and the gradient of the image ------------------------------------------------------


class ImageByTiles:
    """A convolution that gives images: tiles, transformed, times weights, transformed, and back.

    Either the weights are transformed once for all, and each thread takes tiles; or, where tiles
    are few, these are, and each thread takes channels of the result.

    Attributes:
        scratch: bytes for each thread.
        shared: bytes for all.
    """

    def __init__(self, target: Target, tiles: Tiling, to: Tiling, weights: Weights,
                 backwards: bool, by_channels: bool, chunk: int):  # fmt: skip
        self.tiles, self.to, self.weights = tiles, to, weights
        self.backwards, self.by_channels = backwards, by_channels
        self.many = (tiles.m + 2) ** 2
        self.chunk = tiles.count if by_channels else min(chunk, tiles.count)
        self.block = block = block_for(target, self.chunk, weights.n)
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

    def emit(
        self, code: Code, image: ir.Value, weights: ir.Value, result: ir.Value, scratch: ir.Value,
        shared: ir.Value, then: Then | None = None,
    ) -> None:  # fmt: skip
        """Write the convolution."""
        write = self._write_by_channels if self.by_channels else self._write_by_tiles
        if then is not None:
            write(code, image, weights, result, scratch, shared, then=then)
            return
        facts = (self.tiles, self.to, self.weights, self.backwards, self.by_channels, self.chunk)
        name = f"image_by_tiles_{code.lanes}_{digest(*facts)}"
        code.call(name, write, image, weights, result, scratch, shared)

    def _memory(self, code: Code, scratch: ir.Value) -> list[ir.Value]:
        """Four parts of scratch; the third holds zeros."""
        places, at = [scratch], 0
        for nbytes in self._parts:
            at += nbytes
            places.append(code.at(scratch, at // 4))
        for c in code.loop(0, line(self.tiles.c) // 4, code.lanes):
            code.store(code.number(0.0), places[2], c)
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
