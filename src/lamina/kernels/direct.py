"""Convolutions that give images: vectors run over channels of the result, places go in strips.

A block of sums stays in registers: the places of a strip times one or more registers of channels.
Each turn takes one row of the kernel and one channel of the image, number j of a group. Small
groups share a register; then it is a register of pixels, whose lanes have been exchanged for
channel j of their groups. A depthwise convolution has groups of one channel, and nothing to
exchange.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from math import prod
from typing import Any

from llvmlite import ir

from ..machine.code import I32, I64, Code, Index, Int
from ..machine.lanes import Vec
from ..machine.target import Target
from .blocks import (
    Algorithm,
    Weights,
    address,
    chunk_of,
    constants,
    digest,
    entry,
    fill,
    line,
    present,
    turn_taps,
)
from .dots import added
from .gemm import Then, Tile
from .geometry import Geometry
from .microkernel import FLOAT32, zeros
from .packing import shuffled
from .strips import INT64, Strips, largest_part, strips_of, table_of

TABLE = 4 << 10  # bytes of addresses: a part of the first cache
PLACES = {32: (14, 12), 16: (8, 6)}  # of strips, by registers there are and those at a time
KERNELS = 1 << 14  # numbers of kernels at a time: a small part of the second cache
PARTS = 16  # of the work at least, so that several threads have as much to do


class Channels:
    """How the channels of groups lie in registers.

    Attributes:
        k, n: channels of a group that are read and written.
        read, written: all of them.
        small: several groups share a register of channels written.
        each: registers of a group; 1 where groups are small.
        registers: all of them.
    """

    def __init__(self, target: Target, groups: int, k: int, n: int):
        self.k, self.n, self.lanes = k, n, target.lanes
        self.read, self.written = groups * k, groups * n
        self.small = groups > 1 and self.lanes % n == 0 and k <= n < self.lanes
        self.each = -(-n // self.lanes)
        # channels of ``each`` registers
        self._wide, self._reach = (self.lanes, self.lanes // n * k) if self.small else (n, k)
        self.registers = -(-self.written // self._wide) * self.each
        self.ragged = self.written % self.lanes > 0 if self.small else n % self.lanes > 0
        begin = (self.registers - 1) * self._reach
        self.broken = self.small and begin + self.lanes > self.read
        self.name = f"{groups > 1}{k}to{n}" + "_broken" * self.broken + "_ragged" * self.ragged

    def first(self, r: Int) -> Int:
        """The first channel read for register ``r``."""
        return r // self.each * self._reach

    def place(self, r: Int) -> Int:
        """The first channel of register ``r``."""
        return r // self.each * self._wide + r % self.each * self.lanes

    def left(self, r: Int, written: Index) -> Int:
        """Channels from the first one of register ``r`` on: of all, or of a large group."""
        if self.small:
            return written - self.place(r)
        return self.n - r % self.each * self.lanes

    def present(self, code: Code, r: Int, written: Index) -> ir.Value | None:
        """The lanes of register ``r`` that there are."""
        return code.first(self.left(r, written)) if self.ragged else None

    def pixels(self, code: Code, r: Int, read: Index) -> Callable[[ir.Value, Index], Vec]:
        """``pixel(place, j)``: channel ``j`` of each lane's group of register ``r``, at a pixel."""
        first = self.first(r)
        there = code.first(read - first) if self.broken else None

        def pixel(place: ir.Value, j: Index) -> Vec:
            if not (self.small and isinstance(j, int)):
                return code.splat(place, first + j)
            x = code.load(place, first, mask=there)
            return shuffled(x, x, [i // self.n * self.k + j for i in range(self.lanes)])

        return pixel


class ImageByStrips(Algorithm):
    """A convolution that gives images."""

    def __init__(self, target: Target, geometry: Geometry, weights: Weights, groups: int):
        self.facts = (geometry, weights, groups)
        self.geometry, self.weights = geometry, weights
        self.channels = Channels(target, groups, weights.k, weights.n)
        self.registers, self.depth = self.channels.registers, weights.k
        self.vectors = largest_part(self.channels.each, 2 if weights.k >= target.lanes else 1)
        most = PLACES[target.registers][self.vectors - 1]
        depth = -(-weights.k // target.lanes)
        self.turned = (
            groups == 1 and 2 * weights.n <= target.lanes and weights.n * depth < weights.k
        )
        if self.turned:  # registers of the image's channels, for each of the result's
            self.registers = self.vectors = weights.n
            self.depth, most = depth, min(most, max(1, (target.registers - 4) // weights.n))
        # numbers of a row of the kernel: all turns of small groups are written out
        wide = max(7, 32 // weights.k) if self.channels.small else 32
        self.strips: dict[Any, list[Strips]] = {}  # those that are alike
        for i in range(len(geometry.sweeps)):
            for strips in strips_of(geometry, i, most, wide):
                self.strips.setdefault(strips.alike, []).append(strips)
        self.panel = weights.taps * self.depth * target.lanes
        self.block = max(1, KERNELS // self.panel // self.vectors) * self.vectors
        self.shared = line(self.registers * self.panel)
        self.table = max([s.nbytes(self._together(s)) for s, *_ in self.strips.values()])
        self.scratch = self.table + line(self.channels.read)

    def _together(self, strips: Strips) -> int:
        """Strips whose addresses are made at a time.

        Threads share the strips; or, where the kernels are the larger part of what is read, these.
        """
        pixels = self.geometry.n * prod(self.geometry.read)
        blocks = self.registers // self.vectors
        by_kernels = self.registers * self.panel > pixels * self.channels.read
        chunks = -(-PARTS // blocks) if by_kernels else PARTS
        return max(1, min(TABLE // (8 * strips.size), -(-strips.count // chunks)))

    def write(self, code: Code, *pointers: ir.Value, then: Then | None = None) -> None:
        """Some strips after others, and ``then`` for them; it is for one group."""
        image, source, result, table, packed = pointers
        nothing = code.at(table, self.table // 4)
        fill(code, nothing, self.channels.read)
        self._pack(code, source, packed)
        code.barrier()
        for strips, *more in self.strips.values():
            facts = table_of(code, [strips, *more])
            for i in code.loop(0, 1 + len(more)):
                known = code.at(facts, i * len(strips.facts), INT64)
                weights = code.at(packed, entry(code, known, 0) * (self.depth * code.lanes))
                self._write(code, strips, known, image, weights, result, nothing, table, then)

    def _write(
        self, code: Code, strips: Strips, facts: ir.Value, image: ir.Value, weights: ir.Value,
        result: ir.Value, nothing: ir.Value, table: ir.Value, then: Then | None,
    ) -> None:  # fmt: skip
        """Strips of one sweep, as their facts say."""
        together, blocks = self._together(strips), self.registers // self.vectors
        read, written = self.channels.read, self.channels.written
        chunks = -(-strips.count // together)
        parts = min(blocks, -(-PARTS // chunks))
        low, high = code.share(chunks * parts)
        for unit in code.loop(low, high):
            first, number = chunk_of(code, unit // parts, together, strips.count)
            strips.write(code, facts, first, number, image, read, result, written, nothing, table)
            r0, r1 = (blocks * (unit % parts + i) // parts * self.vectors for i in (0, 1))
            for r in code.loop(r0, r1, self.block):
                end = (r + self.block).least(r1)
                self._strips(code, strips, number, r, end, weights, table)
            if then:
                self._then(code, strips, number, (r0, r1), table, result, then)

    def _then(
        self, code: Code, strips: Strips, number: Int, registers: tuple[Int, Int], table: ir.Value,
        result: ir.Value, then: Then,
    ) -> None:  # fmt: skip
        """``then`` for some channels of some strips, as rows of a matrix of pixels and channels."""
        row, places, step = self.channels.written, strips.places, self.geometry.step
        j0, j1 = ((r * code.lanes).least(row) for r in registers)
        run = code.int(strips.width if step[2] == 1 else 1)  # places that are neighbours as pixels
        if prod(step) == 1 and strips.across * strips.width == strips.grid[2]:
            run = number * places
        for p in code.loop(0, number * places, run):
            place = address(code, table, p // places * strips.size + p % places)
            apart = code.b.sub(*[code.b.ptrtoint(x, I64) for x in (place, result)])
            i = code.int(apart) // (4 * row)
            then(Tile(code.at(place, j0), row, i, i + run, j0, j1, ()))

    def _pack(self, code: Code, source: ir.Value, to: ir.Value) -> None:
        """The weights as ``to[register][tap in order][turn][lane]``; the threads share it."""
        w, order, channels = self.weights, self.geometry.order, self.channels
        far, group = w.n * w.k * w.taps, w.n if channels.small else 0
        square = code.reserve(w.taps * code.lanes * 4)
        table = constants(code, f"order_{digest(order)}", order)
        low, high = code.share(self.registers * self.depth)
        for unit in code.loop(low, high):
            r, j = unit // self.depth, unit % self.depth
            if self.turned:
                stride, left = w.k_stride, w.k - j * code.lanes
                at = r * w.n_stride + j * (code.lanes * stride)
            else:
                stride, left, c = w.n_stride, channels.left(r, channels.written), channels.place(r)
                at = c // w.n * (w.n * w.k * w.taps) + c % w.n * stride + j * w.k_stride
            turn_taps(code, w.taps, code.at(source, at), stride, left - 1, square, group, far)
            for tap in code.loop(0, w.taps):
                place = (r * w.taps + entry(code, table, tap)) * self.depth + j
                x = code.load(square, tap * code.lanes, mask=code.first(left))
                code.store(x, to, place * code.lanes)

    def _strips(
        self, code: Code, strips: Strips, number: Int, low: Int, high: Int, weights: ir.Value,
        table: ir.Value,
    ) -> None:  # fmt: skip
        """Some registers of channels of some strips."""
        channels, vectors = self.channels, self.vectors
        turn = len(strips.taps) * self.depth * code.lanes  # numbers of one row of the kernel

        def write(code: Code, *rest: Any) -> None:
            number, low, high, weights, table, rows, size, panel, read, written = rest
            blocks = (high - low) // vectors
            for unit in code.loop(0, number * blocks):
                strip, r = unit // blocks * size, low + unit % blocks * vectors
                strip = code.at(table, strip, INT64)
                loop = code.loop(0, rows, carry=zeros(code, strips.places, vectors))
                for row in loop:
                    w = [code.at(weights, (r + v) * panel + row * turn) for v in range(vectors)]
                    under = code.at(strip, row * strips.row + strips.head, INT64)
                    loop.carry(*self._row(code, strips, under, r, w, loop.now, read))
                if self.turned:
                    put_added(code, strip, loop.now, vectors)
                    continue
                for v in range(vectors):
                    there, c = channels.present(code, r + v, written), channels.place(r + v)
                    for p, x in enumerate(loop.now[v::vectors]):
                        code.store(Vec(code, x, FLOAT32), address(code, strip, p), c, mask=there)

        name = f"strips_{code.lanes}x{vectors}_{channels.name}_{strips.name}"
        numbers = [strips.rows, strips.size, self.panel, channels.read, channels.written]
        code.call(name, write, number, low, high, weights, table, *map(code.int, numbers))

    def _row(
        self, code: Code, strips: Strips, under: ir.Value, r: Int, weights: list[ir.Value],
        sums: list[ir.Value], read: Int,
    ) -> list[ir.Value]:  # fmt: skip
        """One row of the kernel: ``sums[place][register]`` plus its products."""
        depth, vectors = self.depth, self.vectors
        pixel = (self._register if self.turned else self.channels.pixels)(code, r, read)

        def turn(sums: list[ir.Value], j: Index) -> list[ir.Value]:
            new = list(sums)
            w = [[code.load(x, (t * depth + j) * code.lanes) for x in weights]
                 for t in range(len(strips.taps))]  # fmt: skip
            for column, pairs in strips.meets:
                x = pixel(address(code, under, column), j)
                for p, t in pairs:
                    for v in range(vectors):
                        at = p * vectors + v
                        new[at] = x.fma(w[t][v], Vec(code, new[at], FLOAT32)).value
            return new

        if self.channels.small:
            return functools.reduce(turn, range(depth), sums)
        loop = code.loop(0, depth, carry=sums)
        for j in loop:
            loop.carry(*turn(loop.now, j))
        return loop.now

    def _register(self, code: Code, r: Int, read: Int) -> Callable[[ir.Value, Index], Vec]:
        """``pixel(place, j)``: register ``j`` of a pixel's channels."""

        def pixel(place: ir.Value, j: Index) -> Vec:
            there = present(code, code.int(j) * code.lanes, self.weights.k)
            return code.load(place, j * code.lanes, mask=there)

        return pixel


def put_added(code: Code, strip: ir.Value, sums: list[ir.Value], channels: int) -> None:
    """The sums of all lanes of ``sums[place][channel]``, at the addresses of a strip."""
    for low in range(0, len(sums), code.lanes):
        some = [Vec(code, x, FLOAT32) for x in sums[low : low + code.lanes]]
        together = added(some + [code.number(0.0)] * (code.lanes - len(some)))
        for i in range(len(some)):
            place, c = divmod(low + i, channels)
            x = code.b.extract_element(together.value, I32(i))
            code.put(x, address(code, strip, place), c)
