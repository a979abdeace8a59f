"""The gradient of a convolution's kernel: sums over places, which go in strips.

A block of sums stays in registers: some numbers of the kernel, for some channels of one image and
registers of channels of the other, those of the gradient or, if there are few of these, the image.
Each unit of work takes some of the strips and of the kernels, and its sums are added up in one
order: so they do not depend on how many threads there are.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from llvmlite import ir

from ..machine.code import I64, Code, Index, Int
from ..machine.lanes import Vec
from ..machine.target import Target
from .blocks import Algorithm, address, fill, line, spread
from .direct import PARTS, Channels
from .gemm import Then
from .geometry import Geometry
from .microkernel import FLOAT32
from .strips import INT64, Strips, largest_part, strips_of, table_of

TABLE = 16 << 10  # bytes of addresses at a time: a part of the first cache
IMAGES = 256 << 10  # and of the numbers that lie there: a part of the second
BOOL = np.dtype(bool)
SUMS = 1 << 18  # numbers of a gradient and of its parts, which are added up in the end


class WeightByStrips(Algorithm):
    """The gradient of kernels.

    A job is one block of sums: registers of channels, rows of the kernel, and all channels of the
    other image, one after another.
    """

    def __init__(self, target: Target, geometry: Geometry, groups: int, c_in: int, c_out: int):
        self.facts = (geometry, groups, c_in, c_out)
        self.turned = groups == 1 and c_out < min(c_in, target.lanes)  # registers of the image's
        k, n = (c_out, c_in) if self.turned else (c_in // groups, c_out // groups)
        self.c_in, self.c_out = c_in, c_out
        self.channels = channels = Channels(target, groups, k, n)
        (sweep,) = geometry.sweeps
        most = 25 if target.registers == 32 else 9  # sums at a time
        row = largest_part(len(sweep.taps[2]), most)
        pairs = k > 1 and row < 5 and channels.each > 2  # measured, as the places below
        self.vectors = largest_part(channels.each, 2) if pairs else 1
        self.js = largest_part(k, most // (row * self.vectors))
        self.rows = largest_part(sweep.runs // row, most // (row * self.vectors * self.js))
        sums = row * self.vectors * self.js * self.rows
        if self.turned:
            more = largest_part(channels.each // self.vectors, most // sums)
            self.vectors, sums = self.vectors * more, sums * more
        places = 14 if 2 * sums <= most else 6 if self.vectors == 1 else 4
        self.strips = strips_of(geometry, 0, places, row)
        self.taps = sweep.runs
        self.jobs = channels.registers // self.vectors * (sweep.runs // (row * self.rows))
        self.panel = k * sweep.runs * target.lanes
        count = channels.registers * self.panel
        fewest = min([s.count for s in self.strips])
        self.parts = largest_part(PARTS, min(fewest // 8, SUMS // count))
        self.pieces = min(self.jobs, -(-PARTS // self.parts))
        self.shared = line(self.parts * count)
        self.table = max([s.nbytes(self._together(s)) for s in self.strips])
        self.scratch = self.table + line(c_in)

    def _together(self, strips: Strips) -> int:
        """Strips whose addresses are made at a time."""
        most = IMAGES // (4 * (self.c_in + self.c_out) * strips.places)
        return max(1, min(TABLE // (8 * strips.size), most, -(-strips.count // self.parts)))

    def write(self, code: Code, *pointers: ir.Value, then: Then | None = None) -> None:
        """Part after part; then they are added up."""
        image, gradient, result, table, sums = pointers
        nothing = code.at(table, self.table // 4)
        fill(code, nothing, self.c_in)
        low, high = code.share(self.parts * self.pieces)
        for unit in code.loop(low, high):
            part, piece = unit // self.pieces, unit % self.pieces
            job0, job1 = (self.jobs * (piece + i) // self.pieces for i in (0, 1))
            to = code.at(sums, part * (self.channels.registers * self.panel))
            for strips in self.strips:
                first, last = (strips.count * (part + i) // self.parts for i in (0, 1))
                together, facts = self._together(strips), table_of(code, [strips])
                for s in code.loop(first, last, together):
                    number = (last - s).least(together)
                    strips.write(code, facts, s, number, image, self.c_in, gradient, self.c_out,
                                 nothing, table)  # fmt: skip
                    add = s - first if strips is self.strips[0] else code.int(1)
                    for job in code.loop(job0, job1):
                        self._job(code, strips, job, add, number, table, to)
        code.barrier()
        low, high = code.share(self.channels.registers)
        for r in code.loop(low, high):
            here = code.at(sums, r * self.panel)
            self._add_up(code, here)
            self._spread(code, r, here, result)

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

    def _spread(self, code: Code, r: Int, sums: ir.Value, result: ir.Value) -> None:
        """A register's sums as kernels: (c_out, c_in / groups, *kernel)."""
        channels, taps, k = self.channels, self.taps, self.channels.k
        c = channels.place(r)
        count = channels.left(r, channels.written).least(code.lanes)
        if not self.turned:
            spread(code, k * taps, sums, code.lanes, code.at(result, c * (k * taps)), count)
            return
        for j in code.loop(0, k):
            to = code.at(result, (j * self.c_in + c) * taps)
            spread(code, taps, code.at(sums, j * (taps * code.lanes)), code.lanes, to, count)

    def _job(
        self, code: Code, strips: Strips, job: Int, add: Int, number: Int, table: ir.Value,
        to: ir.Value,
    ) -> None:  # fmt: skip
        """Some registers of channels and rows of the kernel, over some strips."""
        rows = strips.rows // self.rows
        r, row = job // rows * self.vectors, job % rows * self.rows
        js = range(0, self.channels.k, self.js)
        for j in js if self.channels.small else code.loop(0, self.channels.k, self.js):
            self._sums(code, strips, j, add, number, r, row, table, to)

    def _sums(
        self, code: Code, strips: Strips, j: Index, add: Int, number: Int, r: Int, row: Int,
        table: ir.Value, to: ir.Value,
    ) -> None:  # fmt: skip
        """One block of sums, from channel ``j`` of the groups on; set, or added to."""
        channels, vectors, taps = self.channels, self.vectors, len(strips.taps)
        many = [(i, v) for i in range(self.js) for v in range(vectors)]

        def write(code: Code, *rest: Any) -> None:
            add, number, r, row, table, to, size, panel, kernel, c_in, c_out, *more = rest
            from_j = more[0] if more else j
            old = Vec.splat(code, code.b.icmp_signed("!=", add.value, I64(0)), BOOL).value
            numbers = [
                (r + v) * panel + ((from_j + i) * kernel + (row + y) * taps + t) * code.lanes
                for y in range(self.rows)
                for i, v in many
                for t in range(taps)
            ]
            places = [code.at(to, x) for x in numbers]
            loop = code.loop(0, number, carry=[code.load(x, mask=old).value for x in places])
            for s in loop:
                strip, new = code.at(table, s * size, INT64), list(loop.now)
                for y in range(self.rows):
                    under = code.at(strip, (row + y) * strips.row + strips.head, INT64)
                    pixel, z = self._factors(code, strip, under, r, from_j, c_in, c_out)
                    for column, pairs in strips.meets:
                        for m, (i, v) in enumerate(many, y * len(many)):
                            for p, t in pairs:
                                now = Vec(code, new[m * taps + t], FLOAT32)
                                now = pixel(column, i, v).fma(z(p, i, v), now)
                                new[m * taps + t] = now.value
                loop.carry(*new)
            for x, place in zip(loop.now, places):
                code.store(Vec(code, x, FLOAT32), place)

        name = f"strip_sums_{code.lanes}x{vectors}_{channels.name}_{strips.name}"
        name += f"_{self.rows}x{self.js}" + "_turned" * self.turned + f"_{j}" * channels.small
        facts = (strips.size, self.panel, self.taps, self.c_in, self.c_out)
        numbers = [*map(code.int, facts), *([] if channels.small else [j])]
        code.call(name, write, add, number, r, row, table, to, *numbers)

    def _factors(
        self, code: Code, strip: ir.Value, under: ir.Value, r: Int, j: Index, c_in: Int, c_out: Int
    ) -> tuple[Any, Any]:
        """Numbers of the image by column, and of the gradient by place; each is loaded once."""
        channels, all_of = self.channels, c_in if self.turned else c_out
        pixel = channels.pixels(code, r, c_in)
        starts = [(channels.place(r + v), channels.present(code, r + v, all_of))
                  for v in range(self.vectors)]  # fmt: skip

        @functools.cache
        def many(table: ir.Value, at: int, v: int) -> Vec:
            c, there = starts[v]
            return code.load(address(code, table, at), c, mask=there)

        @functools.cache
        def one(table: ir.Value, at: int, i: int) -> Vec:
            return pixel(address(code, table, at), j + i)

        if self.turned:
            return lambda at, i, v: many(under, at, v), lambda at, i, v: one(strip, at, i)
        return lambda at, i, v: one(under, at, i), lambda at, i, v: many(strip, at, v)
