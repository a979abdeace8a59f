"""Tables of addresses: where the pixels are that a convolution meets at neighbouring places."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
from llvmlite import ir

from ..machine.code import I64, Code, Index, Int
from .blocks import constants, digest, eight, entry, line
from .geometry import Geometry

HEAD = 5  # numbers of a sweep before those of its axes
AXIS = 7  # numbers of each axis before the places of its taps


class Sweeps:
    """What the code knows of all sweeps, as a table: one row for each.

    A row holds: places, runs before it, runs, channels read, channels written; for each axis grid,
    start, stride, step, size read, size written, taps; and the places of its taps.
    """

    def __init__(self, code: Code, geometry: Geometry, c_read: int, c_written: int):
        g, rows, before = geometry, [], 0
        for sweep in g.sweeps:
            row = [g.n * prod(sweep.grid), before, sweep.runs, c_read, c_written]
            before += sweep.runs
            axes = zip(sweep.grid, sweep.start, g.stride, g.step, g.read, g.written, sweep.taps)
            for *numbers, taps in axes:
                row += [*numbers, len(taps)]
            row += [at for taps in sweep.taps for _, at in taps]
            rows.append(row)
        self.code, self.wide, self.count = code, max(map(len, rows)), len(rows)
        padded = [x for row in rows for x in row + [0] * (self.wide - len(row))]
        self.table = constants(code, f"sweeps_{digest(padded)}", padded)

    def row(self, sweep: Int) -> ir.Value:
        """Where a row begins."""
        return self.code.at(self.table, sweep * self.wide, np.int64)


def pitch(places: int) -> int:
    """Addresses from one row of a table to the next: whole registers of 8."""
    return -(-places // 8) * 8


def table_bytes(runs: int, places: int) -> int:
    """Memory of a table: results, runs, and four rows to make it with."""
    return line(2 * (runs + 5) * pitch(places))


def addresses(
    code: Code, sweep: ir.Value, first: Int, number: Int, rows: int, image: ir.Value,
    result: ir.Value, nothing: ir.Value, waste: ir.Value, to: ir.Value, places: int,
) -> None:  # fmt: skip
    """A table of addresses for ``number`` places of a sweep, rounded up to ``rows``.

    ``to[p]`` is that of the result at place ``first + p``, ``to[(run + 1) * pitch + p]`` that of
    the pixel under each number of the kernel: ``nothing`` outside of the image and behind the last
    place, where the result is ``waste``. A table has ``places`` columns at most.
    """
    end = (number + (rows - 1)) // rows * rows
    code.call(f"addresses_{code.lanes}", _write, sweep, first, number, end, image, result, nothing,
              waste, to, code.int(pitch(places)))  # fmt: skip


def _write(code: Code, *rest: Any) -> None:
    sweep, first, number, end, image, result, nothing, waste, to, row = rest
    _, _, runs, c_read, c_written = [entry(code, sweep, i) for i in range(HEAD)]
    axes = [[entry(code, sweep, HEAD + a * AXIS + i) for i in range(AXIS)] for a in range(3)]
    grid, start, stride, step, read, written, counts = map(list, zip(*axes))
    made = [code.at(to, (runs + (1 + i)) * row, np.int64) for i in range(4)]
    n, i = unravel(first, grid)
    loop = code.loop(0, end, carry=[x.value for x in (n, *i)])
    for p in loop:
        n, *i = map(code.int, loop.now)
        at = ravel(n, [x * s + o for x, s, o in zip(i, step, start)], written)
        here = code.b.select(p.below(number), code.at(result, at * c_written), waste)
        put_address(code, here, to, p)
        corner = [x * s for x, s in zip(i, stride)]
        put_address(code, code.at(image, ravel(n, corner, read) * c_read), made[0], p)
        for x, place in zip(corner, made[1:]):
            code.put(x.value, place, p)
        loop.carry(*[x.value for x in following(code, n, i, grid)])
    taps = [code.at(sweep, HEAD + 3 * AXIS, np.int64)]
    for a in range(2):
        taps.append(code.at(taps[a], counts[a], np.int64))
    for z in code.loop(0, counts[0]):
        for y in code.loop(0, counts[1]):
            for x in code.loop(0, counts[2]):
                run = (z * counts[1] + y) * counts[2] + x
                tap = [entry(code, *pair) for pair in zip(taps, (z, y, x))]
                under = code.at(to, (run + 1) * row, np.int64)
                _tap(code, tap, read, c_read, number, end, made, nothing, under)


def _tap(
    code: Code, tap: list[Int], size: list[Int], channels: Int, number: Int, end: Int,
    made: list[ir.Value], nothing: ir.Value, to: ir.Value,
) -> None:  # fmt: skip
    """One row: all places, 8 at a time."""
    b, kind = code.b, ir.VectorType(I64, 8)
    far = ravel(code.int(0), tap, size) * channels * 4
    step, nowhere = eight(code, far.value), eight(code, b.ptrtoint(nothing, I64))
    tap_of = [eight(code, x.value) for x in tap]
    size_of, last = [eight(code, x.value) for x in size], eight(code, number.value)
    for p in code.loop(0, end, 8):
        start, *corner = [b.load(code.at(x, p, np.int64), typ=kind, align=8) for x in made]
        places = b.add(eight(code, p.value), ir.Constant(kind, list(range(8))))
        inside = b.icmp_signed("<", places, last)
        for x, at, length in zip(corner, tap_of, size_of):
            inside = b.and_(inside, b.icmp_unsigned("<", b.add(x, at), length))
        found = b.select(inside, b.add(start, step), nowhere)
        b.store(found, code.at(to, p, np.int64), align=8)


def following(code: Code, n: Int, i: list[Int], grid: list[Int]) -> list[Int]:
    """The place after ``i`` of image ``n``."""
    b, carried, places = code.b, code.int(1), []
    for x, length in zip(reversed(i), reversed(grid)):
        next_x = x + carried
        over = next_x.equals(length)
        places.append(Int(code, b.select(over, I64(0), next_x.value)))
        carried = Int(code, b.zext(over, I64))
    return [n + carried, *reversed(places)]


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


def put_address(code: Code, x: ir.Value, table: ir.Value, i: Int) -> None:
    """Store address ``i`` of a table."""
    code.b.store(x, code.b.gep(table, [i.value], source_etype=I64), align=8)


def under_taps(
    code: Code, taps: Sequence[Sequence[int]], size: Sequence[int], n: Int, corner: Sequence[Int],
    channels: int, image: ir.Value, nothing: ir.Value, table: ir.Value,
) -> None:  # fmt: skip
    """The address of the pixel under each tap at one place, or that of nothing."""
    b = code.b

    def axis(a: int, inside: ir.Value, place: Int, run: Int) -> None:
        known = constants(code, f"taps_{digest(taps[a])}", taps[a])
        for t in code.loop(0, len(taps[a])):
            at = corner[a] + entry(code, known, t)
            here = b.and_(inside, b.icmp_unsigned("<", at.value, I64(size[a])))
            next_place, next_run = place * size[a] + at, run * len(taps[a]) + t
            if a < 2:
                axis(a + 1, here, next_place, next_run)
            else:
                pixel = b.select(here, code.at(image, next_place * channels), nothing)
                put_address(code, pixel, table, next_run)

    axis(0, ir.IntType(1)(1), n, code.int(0))
