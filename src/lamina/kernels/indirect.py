"""Convolutions of any stride, dilation, padding and groups as products over addresses of pixels.

A block of the product takes, for each number of the kernel, the addresses of the pixels that lie
under it at neighbouring places; what lies outside of the image is the address of zeros. So nothing
is copied into columns. Images are (n, *size, c).

Source: M. Dukhan, "The indirect convolution algorithm", 2019.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir

from ..machine.code import I64, Code, Index, Int
from ..machine.lanes import Vec
from ..machine.target import Target
from .blocks import (
    Block,
    Weights,
    address,
    block_for,
    chunk_of,
    constants,
    digest,
    entry,
    line,
    present,
    turn_taps,
)
from .gemm import Then, Tile, at_least
from .geometry import Geometry
from .microkernel import FLOAT32, micro
from .places import Sweeps, addresses, pitch, table_bytes

PIXELS = 96
"""Places at a time: their addresses and numbers stay in the first and second cache."""
DEPTH = 64 << 10
"""Bytes of the weights that blocks read again and again, from the first or second cache."""


# -- weights, packed -----------------------------------------------------------------------------


def pack(
    code: Code, weights: Weights, order: list[int], block: Block, source: ir.Value, to: ir.Value
) -> None:
    """Weights in panels of the block's columns: ``to[panel][tap in order][k][column]``.

    The threads share it; a barrier has to follow.
    """
    wide = block.vectors * code.lanes
    panels = -(-weights.n // wide)

    def place(register: Int, position: Index, k: Index) -> ir.Value:
        panel, j = register // block.vectors, register % block.vectors
        row = (panel * weights.taps + position) * weights.k + k
        return code.at(to, row * wide + j * code.lanes)

    low, high = code.share(panels * block.vectors)
    for register in code.loop(low, high):
        n = (register * code.lanes).least(weights.n - 1)
        square = code.reserve(weights.taps * code.lanes * 4)
        for k in code.loop(0, weights.k):
            start = code.at(source, n * weights.n_stride + k * weights.k_stride)
            turn_taps(code, weights.taps, start, weights.n_stride, code.int(weights.n - 1) - n,
                      square)  # fmt: skip
            table = constants(code, "order_" + "_".join(map(str, order)), order)
            for tap in code.loop(0, weights.taps):
                x = code.load(square, tap * code.lanes)
                code.store(x, place(register, entry(code, table, tap), k))


# -- memory --------------------------------------------------------------------------------------


def clear(code: Code, place: ir.Value, numbers: int) -> None:
    """Zeros, in whole cache lines."""
    for i in code.loop(0, numbers, code.lanes):
        code.store(code.number(0.0), place, i)


def present_columns(code: Code, block: Block, column: Int, n: Int) -> list[ir.Value | None]:
    """Which lanes of a block's columns there are, of ``n``."""
    return [present(code, column + j * code.lanes, n) for j in range(block.vectors)]


def where(code: Code, lanes: ir.Value | None, bit: ir.Value) -> ir.Value:
    """Those lanes, or none of them where ``bit`` is not set."""
    every = Vec.splat(code, bit, np.dtype(bool)).value
    return every if lanes is None else code.b.and_(every, lanes)


# -- images --------------------------------------------------------------------------------------


class ImageByAddress:
    """A convolution that gives images, as products over addresses.

    Attributes:
        scratch: bytes for each thread.
        shared: bytes for all.
    """

    def __init__(self, target: Target, geometry: Geometry, weights: Weights, groups: int):
        self.geometry, self.weights, self.groups = geometry, weights, groups
        self.block = block_for(target, min(PIXELS, geometry.places), weights.n)
        self.wide = self.block.vectors * target.lanes
        self.panels = -(-weights.n // self.wide)
        even = -(-geometry.places // -(-geometry.places // PIXELS))
        self.pixels = -(-even // self.block.rows) * self.block.rows
        self.chunks = -(-geometry.places // self.pixels)
        self.parts = min(self.panels, -(-16 // (self.chunks * groups)))
        self.run = weights.k
        self.together = max(1, DEPTH // (self.wide * 4) // self.run)  # runs at a time
        self.most = max(s.runs for s in geometry.sweeps)
        self.panel = weights.taps * weights.k * self.wide
        self.shared = line(groups * self.panels * self.panel)
        self._parts = [table_bytes(self.most, self.pixels), line(self.run)]
        self.scratch = sum(self._parts) + line(weights.n)

    def emit(
        self, code: Code, image: ir.Value, weights: ir.Value, result: ir.Value, scratch: ir.Value,
        shared: ir.Value, then: Then | None = None,
    ) -> None:  # fmt: skip
        """Write the convolution."""
        if then is not None:
            self._write(code, image, weights, result, scratch, shared, then=then)
            return
        name = f"image_by_address_{code.lanes}_{digest(self.geometry, self.weights, self.groups)}"
        code.call(name, self._write, image, weights, result, scratch, shared)

    def _write(self, code: Code, *rest: Any, then: Then | None = None) -> None:
        image, source, result, table, packed = rest
        w = self.weights
        nothing = code.at(table, self._parts[0] // 4)
        waste = code.at(table, sum(self._parts) // 4)
        clear(code, nothing, line(self.run) // 4)
        for group in code.loop(0, self.groups):
            kernels = code.at(source, group * (w.n * w.k * w.taps))
            panels = code.at(packed, group * (self.panels * self.panel))
            pack(code, w, self.geometry.order, self.block, kernels, panels)
        code.barrier()
        sweeps = Sweeps(code, self.geometry, w.k * self.groups, w.n * self.groups)
        for sweep in code.loop(0, sweeps.count):
            row = sweeps.row(sweep)
            count, before, runs = [entry(code, row, i) for i in range(3)]
            chunks = (count + (self.pixels - 1)) // self.pixels
            low, high = code.share(chunks * (self.groups * self.parts))
            for unit in code.loop(low, high):
                part, unit = unit % self.parts, unit // self.parts
                group, chunk = unit % self.groups, unit // self.groups
                first, number = chunk_of(code, chunk, self.pixels, count)
                x, y = code.at(image, group * w.k), code.at(result, group * w.n)
                addresses(code, row, first, number, self.block.rows, x, y, nothing, waste, table,
                          self.pixels)  # fmt: skip
                at = group * (self.panels * self.panel) + before * (self.run * self.wide)
                ends = [self.panels * i // self.parts for i in (part, part + 1)]
                for panel in code.loop(ends[0], ends[1]):
                    b = code.at(packed, at + panel * self.panel)
                    self._panel(code, runs, number, b, panel * self.wide, table)
                if then:
                    self._then(code, first, number, ends, result, table, then)

    def _then(
        self, code: Code, first: Int, number: Int, panels: list[Int], result: ir.Value,
        table: ir.Value, then: Then,
    ) -> None:  # fmt: skip
        """``then`` for some columns of some places, as rows of a matrix of pixels and channels."""
        n = self.weights.n
        j0, j1 = ((p * self.wide).least(n) for p in panels)
        result = code.at(result, j0)
        if len(self.geometry.sweeps) == 1:  # places are pixels, in their order
            then(Tile(code.at(result, first * n), n, first, first + number, j0, j1, ()))
            return
        for p in code.loop(0, number):
            place = code.at(address(code, table, p), j0)
            i = Int(code, code.b.sub(*[code.b.ptrtoint(x, I64) for x in (place, result)])) // (
                4 * n
            )
            then(Tile(place, n, i, i + 1, j0, j1, ()))

    def _panel(
        self, code: Code, runs: Int, number: Int, b: ir.Value, column: Int, table: ir.Value
    ) -> None:
        """All places times one panel of weights, some runs at a time that stay in the cache."""
        rows = self.block.rows
        blocks = (number + (rows - 1)) // rows
        for run in code.loop(0, at_least(runs, 1), self.together):  # once for none: zeros
            weights = code.at(b, run * (self.run * self.wide))
            for i in code.loop(0, blocks):
                self._block(code, weights, column, table, i * rows, run,
                            (run + self.together).least(runs))  # fmt: skip

    def _block(
        self, code: Code, b: ir.Value, column: Int, table: ir.Value, row: Int, low: Int, high: Int
    ) -> None:
        """One block: runs ``low`` to ``high``; the first sets it."""
        block, ragged = self.block, self.weights.n % self.wide > 0

        def write(code: Code, *rest: Any) -> None:
            b, table, column, columns, row, low, high, length, pixels = rest
            begun = code.b.icmp_signed("!=", low.value, I64(0))
            there: list[ir.Value | None] = [None] * block.vectors
            if ragged:
                there = present_columns(code, block, column, columns)
            old = [where(code, lanes, begun) for lanes in there]
            to = [code.at(address(code, table, row + i), column) for i in range(block.rows)]
            start = [code.load(y, j * code.lanes, mask=lanes).value
                     for y in to for j, lanes in enumerate(old)]  # fmt: skip
            found = sum_of_runs(code, block, start, b, table, row, low, high, length, pixels)
            for i, y in enumerate(to):
                for j, lanes in enumerate(there):
                    x = Vec(code, found[i * block.vectors + j], FLOAT32)
                    code.store(x, y, j * code.lanes, mask=lanes)

        name = f"block_{code.lanes}_{block.rows}x{block.vectors}{'_ragged' * ragged}"
        numbers = [code.int(x) for x in (self.run, pitch(self.pixels))]
        columns = code.int(self.weights.n)
        code.call(name, write, b, table, column, columns, row, low, high, *numbers)


def sum_of_runs(
    code: Code, block: Block, start: list[ir.Value], b: ir.Value, table: ir.Value, row: Int,
    low: Int, high: Int, length: Int, pixels: Int,
) -> list[ir.Value]:  # fmt: skip
    """``start`` plus a block of places times weights, over runs ``low`` to ``high``."""
    wide = block.vectors * code.lanes
    loop = code.loop(low, high, carry=start)
    for run in loop:
        at = (run + 1) * pixels + row
        rows = [address(code, table, at + i) for i in range(block.rows)]
        weights = code.at(b, (run - low) * (length * wide))
        loop.carry(*micro(code, loop.now, rows, 1, weights, wide, length))
    return loop.now
