"""Convolutions of groups of channels, or of few: vectors run over the channels of the result.

A register of channels of the result belongs to several small groups, or to a part of a large one.
In each turn it takes one number of the kernel and one channel of each group, number j: a register
of pixels whose lanes have been exchanged for channel j of their groups. A depthwise convolution has
groups of one channel, and nothing to exchange. Places go in `Strips`, whose sums stay in registers.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from llvmlite import ir

from ..machine.code import I64, Code, Index, Int
from ..machine.lanes import Vec
from ..machine.target import Target
from .blocks import (
    Weights,
    address,
    chunk_of,
    constants,
    digest,
    entry,
    line,
    present,
    turn_taps,
)
from .gemm import Then, Tile
from .geometry import Geometry
from .gradient import spread
from .indirect import clear, where
from .microkernel import FLOAT32
from .strips import Strips, eights, largest_part

INT64 = np.dtype(np.int64)
TABLE = {"image": 4 << 10, "weight": 16 << 10}  # bytes of addresses: a part of the first cache
KERNELS = 1 << 14  # numbers of kernels at a time: a small part of the second cache
PARTS = 16  # of the work at least, so that several threads have as much to do
SUMS = 1 << 18  # numbers of a gradient and of its parts, which are added up in the end


def fits(lanes: int, k: int, n: int) -> bool:
    """Whether there is code for groups of ``k`` channels that are read and ``n`` written."""
    return n % lanes == 0 or (lanes % n == 0 and k <= n)


def together(strips: Strips, kind: str, most: int) -> int:
    """Strips whose addresses are made at a time."""
    return max(1, min(TABLE[kind] // (8 * strips.size), most))


class Channels:
    """How the channels of groups lie in registers.

    Attributes:
        k, n: channels of a group that are read and written.
        read, written: all of them.
        registers: of channels written.
    """

    def __init__(self, target: Target, groups: int, k: int, n: int):
        self.k, self.n, self.lanes = k, n, target.lanes
        self.read, self.written = groups * k, groups * n
        self.registers = -(-self.written // target.lanes)
        self.small = groups > 1 and n < target.lanes
        reach = self.lanes // n * k if self.small else 0  # channels that a register reads
        begin = (self.registers - 1) * reach
        self.broken = self.small and begin + self.lanes > self.read
        self.ragged = self.written % target.lanes > 0
        self.name = f"{k}to{n}" + "_broken" * self.broken + "_ragged" * self.ragged

    def first(self, c: Int) -> Int:
        """The first channel read for a register that begins with ``c``."""
        return c // self.n * self.k

    def present(self, code: Code, c: Int, read: Int) -> ir.Value | None:
        """The lanes that may be read for a register that begins with ``c``."""
        return present(code, self.first(c), read) if self.broken else None

    def pixel(self, code: Code, place: ir.Value, j: Index, lanes: ir.Value | None) -> Vec:
        """Channel ``j`` of each lane's group; ``place`` is the first channel of the first group."""
        if not self.small:
            return code.splat(place, j)
        x = code.load(place, mask=lanes)
        order = [i // self.n * self.k + j for i in range(self.lanes)]
        mask = ir.Constant(ir.VectorType(ir.IntType(32), self.lanes), order)
        return Vec(code, code.b.shuffle_vector(x.value, x.value, mask), FLOAT32)


# -- images --------------------------------------------------------------------------------------


class ImageByStrips:
    """A convolution that gives images.

    Attributes:
        scratch: bytes for each thread.
        shared: bytes for all.
    """

    def __init__(self, target: Target, geometry: Geometry, weights: Weights, groups: int):
        self.geometry, self.weights, self.groups = geometry, weights, groups
        self.channels = Channels(target, groups, weights.k, weights.n)
        most = 14 if target.registers == 32 else 8
        wide = max(7, 32 // (weights.k if self.channels.small else 1))  # all of it is written out
        self.sweeps = [Strips(geometry, i, most, wide) for i in range(len(geometry.sweeps))]
        self.together = min([together(s, "image", -(-s.count // PARTS)) for s in self.sweeps])
        self.panel = weights.taps * weights.k * target.lanes
        self.block = max(1, KERNELS // self.panel)
        self.shared = line(self.channels.registers * self.panel)
        table = max([s.nbytes(self.together) for s in self.sweeps])
        self._parts = [table, line(self.channels.read)]
        self.scratch = sum(self._parts) + line(self.channels.written)

    def emit(
        self, code: Code, image: ir.Value, weights: ir.Value, result: ir.Value, scratch: ir.Value,
        shared: ir.Value, then: Then | None = None,
    ) -> None:  # fmt: skip
        """Write the convolution; ``then`` as of `Product.emit`, for one group."""
        if then is not None:
            self._write(code, image, weights, result, scratch, shared, then=then)
            return
        name = f"image_by_strips_{code.lanes}_{digest(self.geometry, self.weights, self.groups)}"
        code.call(name, self._write, image, weights, result, scratch, shared)

    def _write(self, code: Code, *rest: Any, then: Then | None = None) -> None:
        image, source, result, table, packed = rest
        nothing = code.at(table, self._parts[0] // 4)
        waste = code.at(nothing, self._parts[1] // 4)
        clear(code, nothing, self._parts[1] // 4)
        self._pack(code, source, packed)
        code.barrier()
        before = 0
        for strips in self.sweeps:
            low, high = code.share(-(-strips.count // self.together))
            weights = code.at(packed, before * self.weights.k * code.lanes)
            before += strips.rows * len(strips.taps)
            for chunk in code.loop(low, high):
                first, number = chunk_of(code, chunk, self.together, strips.count)
                strips.write(code, first, number, image, self.channels.read, result,
                             self.channels.written, nothing, waste, table)  # fmt: skip
                for r in code.loop(0, self.channels.registers, self.block):
                    end = (r + self.block).least(self.channels.registers)
                    self._strips(code, strips, number, r, end, weights, table)
                if then:
                    self._then(code, strips, first, number, result, then)

    def _then(
        self, code: Code, strips: Strips, first: Int, number: Int, result: ir.Value, then: Then
    ) -> None:
        """``then`` for all channels of some strips, as rows of a matrix of pixels and channels."""
        places, width, row = strips.places, strips.grid[2], self.channels.written
        equal = strips.across * places == width  # strips lie one behind the other
        for s in code.loop(first, first + number, number if equal else 1):
            x = s % strips.across * places
            low = s // strips.across * width + x
            high = low + (number * places if equal else (code.int(width) - x).least(places))
            place = code.at(result, low * row)
            then(Tile(place, row, low, high, code.int(0), code.int(row), ()))

    def _pack(self, code: Code, source: ir.Value, to: ir.Value) -> None:
        """The weights as ``to[register][tap in order][j][lane]``; the threads share it."""
        w, order, c_written = self.weights, self.geometry.order, self.channels.written
        group, far = min(w.n, code.lanes), w.n * w.k * w.taps
        square = code.reserve(w.taps * code.lanes * 4)
        table = constants(code, f"order_{digest(order)}", order)
        low, high = code.share(self.channels.registers * w.k)
        for unit in code.loop(low, high):
            r, j = unit // w.k, unit % w.k
            c = r * code.lanes
            at = c // w.n * far + c % w.n * w.n_stride + j * w.k_stride
            last = code.int(c_written - 1) - c
            turn_taps(code, w.taps, code.at(source, at), w.n_stride, last, square, group, far)
            for tap in code.loop(0, w.taps):
                place = (r * w.taps + entry(code, table, tap)) * w.k + j
                code.store(code.load(square, tap * code.lanes), to, place * code.lanes)

    def _strips(
        self, code: Code, strips: Strips, number: Int, low: Int, high: Int, weights: ir.Value,
        table: ir.Value,
    ) -> None:  # fmt: skip
        """Some registers of channels of some strips."""
        channels, places, taps = self.channels, strips.places, strips.taps
        start, width = eights(places), eights(strips.columns)
        turn = len(taps) * channels.k * code.lanes  # numbers of one row of the kernel

        def write(code: Code, *rest: Any) -> None:
            number, low, high, weights, table, rows, size, panel, read, written = rest
            for unit in code.loop(0, number * (high - low)):
                r, s = low + unit % (high - low), unit // (high - low)
                c, to = r * code.lanes, code.at(table, s * size, INT64)
                loop = code.loop(0, rows, carry=[code.number(0.0).value] * places)
                for row in loop:
                    w = code.at(weights, r * panel + row * turn)
                    under = code.at(to, row * width + start, INT64)
                    loop.carry(*self._row(code, strips, under, c, w, loop.now, read))
                there = present(code, c, written) if channels.ragged else None
                for p, x in enumerate(loop.now):
                    code.store(Vec(code, x, FLOAT32), address(code, to, p), c, mask=there)

        name = f"strips_{code.lanes}_{channels.name}_{digest(strips.meets)}"
        numbers = [strips.rows, strips.size, self.panel, channels.read, channels.written]
        code.call(name, write, number, low, high, weights, table, *map(code.int, numbers))

    def _row(
        self, code: Code, strips: Strips, under: ir.Value, c: Int, weights: ir.Value,
        sums: list[ir.Value], read: Int,
    ) -> list[ir.Value]:  # fmt: skip
        """One row of the kernel: ``sums``, one for each place of a strip, plus its products."""
        channels, k = self.channels, self.channels.k
        first, there = channels.first(c), channels.present(code, c, read)

        def turn(sums: list[ir.Value], j: Index) -> list[ir.Value]:
            new = list(sums)
            w = [code.load(weights, (t * k + j) * code.lanes) for t in range(len(strips.taps))]
            for column, pairs in strips.meets:
                pixel = code.at(address(code, under, column), first)
                x = channels.pixel(code, pixel, j, there)
                for p, t in pairs:
                    new[p] = x.fma(w[t], Vec(code, new[p], FLOAT32)).value
            return new

        if channels.small:
            return functools.reduce(turn, range(k), sums)
        loop = code.loop(0, k, carry=sums)
        for j in loop:
            loop.carry(*turn(loop.now, j))
        return loop.now


# -- the gradient of kernels ---------------------------------------------------------------------


class WeightByStrips:
    """The gradient of kernels: each unit takes some strips and channels, for all threads the same.

    Attributes:
        scratch: bytes for each thread.
        shared: bytes for all.
    """

    def __init__(self, target: Target, geometry: Geometry, groups: int, c_in: int, c_out: int):
        self.geometry = geometry
        self.channels = channels = Channels(target, groups, c_in // groups, c_out // groups)
        (sweep,) = geometry.sweeps
        most = 25 if target.registers == 32 else 9  # sums at a time
        row = largest_part(len(sweep.taps[2]), most)
        self.js = largest_part(channels.k, most // row)
        self.rows = largest_part(sweep.runs // row, most // (row * self.js))
        sums = row * self.rows * self.js
        self.strips = Strips(geometry, 0, min(8, target.registers - sums - 2), row)
        self.panel = channels.k * sweep.runs * target.lanes
        count = channels.registers * self.panel
        self.parts = largest_part(PARTS, min(self.strips.count // 8, SUMS // count))
        self.pieces = largest_part(channels.registers, PARTS // self.parts)
        self.shared = line(self.parts * count)
        self.together = together(self.strips, "weight", -(-self.strips.count // self.parts))
        self.table = self.strips.nbytes(self.together)
        self.nothing = line(max(c_in, c_out))
        self.scratch = self.table + self.nothing

    def emit(
        self, code: Code, image: ir.Value, gradient: ir.Value, result: ir.Value, scratch: ir.Value,
        shared: ir.Value,
    ) -> None:  # fmt: skip
        """Write the sums."""
        c = self.channels
        name = f"weight_by_strips_{code.lanes}_{digest(self.geometry, c.k, c.read, c.written)}"
        code.call(name, self._write, image, gradient, result, scratch, shared)

    def _write(self, code: Code, *rest: Any) -> None:
        image, gradient, result, table, sums = rest
        strips, channels, registers = self.strips, self.channels, self.channels.registers
        nothing = code.at(table, self.table // 4)
        clear(code, nothing, self.nothing // 4)
        low, high = code.share(self.parts * self.pieces)
        for unit in code.loop(low, high):
            part, piece = unit // self.pieces, unit % self.pieces
            ends = [strips.count * i // self.parts for i in (part, part + 1)]
            ends += [registers * i // self.pieces for i in (piece, piece + 1)]
            for first in code.loop(ends[0], ends[1], self.together):
                number = (ends[1] - first).least(self.together)
                strips.write(code, first, number, image, channels.read, gradient, channels.written,
                             nothing, nothing, table)  # fmt: skip
                for r in code.loop(ends[2], ends[3]):
                    to = code.at(sums, (part * registers + r) * self.panel)
                    self._kernels(code, first - ends[0], number, r * code.lanes, table, to)
        code.barrier()
        low, high = code.share(registers)
        for r in code.loop(low, high):
            self._add_up(code, code.at(sums, r * self.panel))
            c = r * code.lanes
            count, taps = (
                (code.int(channels.written) - c).least(code.lanes),
                self.panel // code.lanes,
            )
            spread(code, taps, code.at(sums, r * self.panel), code.lanes,
                   code.at(result, c * taps), count)  # fmt: skip

    def _add_up(self, code: Code, sums: ir.Value) -> None:
        """What all parts found for a register of channels, in their order."""
        apart = self.channels.registers * self.panel
        if self.parts == 1:
            return
        for i in code.loop(0, self.panel, code.lanes):
            loop = code.loop(1, self.parts, carry=[code.load(sums, i).value])
            for part in loop:
                now = Vec(code, loop.now[0], FLOAT32)
                loop.carry((now + code.load(sums, part * apart + i)).value)
            code.store(Vec(code, loop.now[0], FLOAT32), sums, i)

    def _kernels(
        self, code: Code, before: Int, number: Int, c: Int, table: ir.Value, to: ir.Value
    ) -> None:
        """A register of channels, some strips: all numbers of the kernel."""
        js = range(0, self.channels.k, self.js)
        for row in code.loop(0, self.strips.rows, self.rows):
            for j in js if self.channels.small else code.loop(0, self.channels.k, self.js):
                self._sums(code, j, before, number, c, row, table, to)

    def _sums(
        self, code: Code, j: Index, before: Int, number: Int, c: Int, row: Int, table: ir.Value,
        to: ir.Value,
    ) -> None:  # fmt: skip
        """Some rows of the kernel, from channel ``j`` of the groups on."""
        strips, channels = self.strips, self.channels
        start, width = eights(strips.places), eights(strips.columns)
        many, taps = [(r, i) for r in range(self.rows) for i in range(self.js)], len(strips.taps)

        def write(code: Code, *rest: Any) -> None:
            before, number, c, row, table, to, size, kernel, read, written, *more = rest
            first = channels.first(c)
            y_there = present(code, c, written) if channels.ragged else None
            x_there = channels.present(code, c, read)
            from_j = more[0] if more else j
            old = where(code, None, code.b.icmp_signed("!=", before.value, I64(0)))
            places = [
                code.at(to, ((i + from_j) * kernel + (row + r) * taps + t) * code.lanes)
                for r, i in many
                for t in range(taps)
            ]
            loop = code.loop(0, number, carry=[code.load(x, mask=old).value for x in places])
            for s in loop:
                strip, new = code.at(table, s * size, INT64), list(loop.now)
                ys = [
                    code.load(address(code, strip, p), c, mask=y_there)
                    for p in range(strips.places)
                ]
                for m, (r, i) in enumerate(many):
                    under = code.at(strip, (row + r) * width + start, INT64)
                    for column, pairs in strips.meets:
                        pixel = code.at(address(code, under, column), first)
                        x = channels.pixel(code, pixel, i + from_j, x_there)
                        for p, t in pairs:
                            at = m * taps + t
                            new[at] = x.fma(ys[p], Vec(code, new[at], FLOAT32)).value
                loop.carry(*new)
            for x, place in zip(loop.now, places):
                code.store(Vec(code, x, FLOAT32), place)

        name = f"strip_sums_{code.lanes}_{channels.name}_{digest(strips.meets)}"
        name += f"_{self.rows}x{self.js}" + f"_{j}" * channels.small
        facts = (strips.size, strips.rows * taps, channels.read, channels.written)
        numbers = [*map(code.int, facts), *([] if channels.small else [j])]
        code.call(name, write, before, number, c, row, table, to, *numbers)
