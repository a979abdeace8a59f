"""Products of matrices in float32, planned for their sizes, with room for what follows.

Source: the blocking is that of Goto and van de Geijn, "Anatomy of High-Performance Matrix
Multiplication" (2008), with two changes. Only b is copied into panels; numbers of a are broadcast
from where they lie. And nothing is shared: each thread takes a range of results, copies the panels
that it needs itself and waits for nobody. A number of the result is summed by one thread in one
order, whatever the number of threads.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from llvmlite import ir

from .code import I64, Code, Index, Int
from .microkernel import micro_routine, most_rows
from .packing import columns_routine, rows_routine, strided_routine
from .target import Target

# Sums longer than this are cut and their parts added: it bounds the rounding error, and a panel of
# so many rows fits the second-level cache.
LONGEST = 1024
# Bytes of a block of results: `then` finds it in the first-level cache, or in the second.
BLOCK = 32 << 10


class Strides(NamedTuple):
    """Elements from one row, and from one column, to the next."""

    row: int
    column: int


@dataclass
class Tile:
    """A block of finished results, for `then`.

    Number (i, j) of the matrix, ``i0 <= i < i1`` and ``j0 <= j < j1``, is at
    ``pointer + (i - i0) * row_stride + (j - j0)``. `stack` holds the indices of the leading axes.
    """

    pointer: ir.Value
    row_stride: int
    i0: Int
    i1: Int
    j0: Int
    j1: Int
    stack: tuple[Int, ...]


Then: TypeAlias = Callable[[Tile], None]


class Cut:
    """0..n in parts of nearly equal length: the first ``longer`` have ``size``, others one less."""

    def __init__(self, n: int, most: int):
        self.n = n
        self.parts = max(1, -(-n // most))
        self.size = max(1, -(-n // self.parts))
        self.longer = n - self.parts * (self.size - 1)

    def start(self, part: Int) -> Int:
        """Where a part begins."""
        return part * self.size - (part - part.least(self.longer))

    def kinds(self, low: Int, high: Int) -> Iterator[tuple[int, Int, Int]]:
        """``(size, from, to)``: the parts low..high, those of each size by themselves."""
        yield self.size, low, high.least(self.longer)
        if self.longer < self.parts:
            yield self.size - 1, at_least(low, self.longer), high


def at_least(x: Int, y: Index) -> Int:
    """The larger of two."""
    return x + y - x.least(y)


class Product:
    """``c[s, i, j] = sum_k a[s, i, k] b[s, k, j]``, planned.

    Any strides are right. Fast are: a of any strides, b with one stride of 1, c with column stride
    1 (or row stride 1: then the transposed product is computed).

    Args:
        target: the processor.
        m: rows of a and c; may be 0, like the others.
        n: columns of b and c.
        k: columns of a and rows of b.
        a: its strides.
        b: its strides.
        c: its strides; None: results go to no array, only to `then`.
        stack: ``(count, stride of a, of b, of c)`` for each leading axis; that of c is not looked
            at where c is None.
    Attributes:
        scratch: bytes of memory for each thread, 64-byte aligned, a multiple of 64.
        shared: bytes of memory that all threads share; 0.
    """

    def __init__(
        self,
        target: Target,
        m: int,
        n: int,
        k: int,
        a: Strides,
        b: Strides,
        c: Strides | None,
        stack: tuple[tuple[int, int, int, int], ...] = (),
    ):
        # n == 1: b is one column, which is as good as a row of b transposed; so is c
        upright = c is not None and c.row == 1 != c.column
        self.turned = m > 1 if n == 1 else upright
        if self.turned:
            m, n = n, m
            a, b = Strides(b.column, b.row), Strides(a.column, a.row)
            c = c and Strides(c.column, c.row)
        self.target, self.m, self.n, self.k = target, m, n, k
        self.a, self.b, self.stack = a, b, stack
        self.count = math.prod(count for count, *_ in stack)
        self.staged = c is None or (c.column != 1 and n > 1)
        self.c = c
        lanes = target.lanes
        rows, vectors = shape(target, m, -(-n // lanes), k)
        self.rows = Cut(m, rows)
        self.panels = Cut(-(-n // lanes), vectors)
        self.tail = n - (-(-n // lanes) - 1) * lanes  # lanes of the last vector
        self.chunk = -(-k // max(1, -(-k // LONGEST)))
        self._plan_blocks()

    def _plan_blocks(self) -> None:
        lanes, cache, k = self.target.lanes, self.target.cache, self.k
        small = self.k * self.n * 4 <= 16 << 10
        fits = lanes > 4 or self.n % lanes == 0  # narrow processors have no masked loads
        self.direct = self.b.column == 1 and fits and (self.rows.parts <= 2 or small)
        wide = self.panels.size * lanes
        self.deep = not self.direct and 4 * k * wide > cache * 5 // 8
        depth = self.chunk if self.deep else k
        self.depth = depth
        columns = self.panels.parts
        if not self.direct:
            columns = max(1, min(columns, cache // 2 // max(1, 4 * depth * wide)))
        elif self.staged or self.panels.parts > 4:
            columns = max(1, min(columns, BLOCK // 4 // (4 * wide * self.rows.size)))
        self.columns = even(self.panels.parts, columns)  # panels a block
        self.across = -(-self.panels.parts // self.columns)
        self.stage_row = self.columns * wide
        height = max(1, (8 if self.deep else 1) * BLOCK // (4 * self.stage_row * self.rows.size))
        self.units = even(self.rows.parts, min(height, self.rows.parts))  # tiles a block
        self.down = -(-self.rows.parts // self.units)
        self.packed = 0 if self.direct else 4 * depth * self.columns * wide
        stage = 4 * self.units * self.rows.size * self.stage_row if self.staged else 0
        self.scratch = (self.packed + 63) // 64 * 64 + (stage + 63) // 64 * 64
        self.shared = 0

    # -- writing -----------------------------------------------------------------------------

    def emit(
        self,
        code: Code,
        a: ir.Value,
        b: ir.Value,
        c: ir.Value | None,
        scratch: ir.Value,
        shared: ir.Value | None = None,
        then: Then | None = None,
    ) -> None:
        """Write the product; every thread computes its share, and a barrier has to follow.

        Args:
            code: where it goes.
            a: pointer to the first number.
            b: pointer to the first number.
            c: pointer to the first number; None if it was planned so.
            scratch: this thread's memory.
            shared: not used.
            then: called once while the code is written, with a `Tile`; what it writes runs for each
                block of results as soon as it is finished. It may change the numbers in place. Not
                for c of row stride 1 and another column stride.
        """
        if self.m * self.n * self.count == 0:
            return
        if then and self.turned and self.m > 1:
            raise ValueError(f"Product: `then` needs c with column stride 1, got {self.c}")
        Writer(self, code, a, b, c, scratch, then).write()


def even(n: int, most: int) -> int:
    """The length of the parts, if 0..n is cut into as few parts of at most ``most`` as possible."""
    return -(-n // -(-n // most))


def shape(target: Target, m: int, vectors: int, k: int) -> tuple[int, int]:
    """The largest tile, rows and vectors, that all tiles of the product should keep to.

    That with the least cost a turn: half a cycle for each multiply-add and each load, at least the
    four cycles that a chain of them waits; and what a tile costs outside of its turns.
    """
    best, result = math.inf, (1, 1)
    for wide in (1, 2, 3, 4, 6, 8, 12):
        high = most_rows(target, wide)
        if high * wide + wide + 1 > target.registers and wide > 1:
            continue
        rows, panels = Cut(max(1, m), high), Cut(max(1, vectors), wide)
        cost = 0.0
        for r, count in ((rows.size, rows.longer), (rows.size - 1, rows.parts - rows.longer)):
            for v, across in (
                (panels.size, panels.longer),
                (panels.size - 1, panels.parts - panels.longer),
            ):
                turn = max(r * v / 2, (r + v) / 2, 4)
                cost += count * across * (turn + (12 + 2 * r * v) / max(1, k))
        cost *= 1 + 0.02 * ((rows.longer < rows.parts) + (panels.longer < panels.parts))
        if cost < best:
            best, result = cost, (rows.size, panels.size)
    return result


class Writer:
    """One product as it is written."""

    def __init__(
        self,
        plan: Product,
        code: Code,
        a: ir.Value,
        b: ir.Value,
        c: ir.Value | None,
        scratch: ir.Value,
        then: Then | None,
    ):
        self.plan, self.code, self.then = plan, code, then
        self.a, self.b, self.c = (b, a, c) if plan.turned else (a, b, c)
        self.panels = scratch
        self.stage = code.at(scratch, (plan.packed + 63) // 64 * 16)

    def write(self) -> None:
        """Blocks in the order columns, rows: the panels stay while the rows pass."""
        plan, code = self.plan, self.code
        units = plan.rows.parts
        low, high = code.share(plan.count * plan.across * units)
        with code.when(low.below(high)):
            begin = self._block_of(low)
            for block in code.loop(begin, self._block_of(high - 1) + 1):
                column, row = block // plan.down, block % plan.down
                start = column * units
                u0 = at_least(low - start, row * plan.units)
                u1 = (row * plan.units + plan.units).least(units).least(high - start)
                stack = self._stack(column // plan.across)
                fresh = code.b.or_(block.equals(begin), row.equals(0))
                self._block(stack, column % plan.across, u0, u1, fresh)

    def _block_of(self, unit: Int) -> Int:
        plan = self.plan
        units = plan.rows.parts
        return unit // units * plan.down + unit % units // plan.units

    def _stack(self, index: Int) -> tuple[Int, ...]:
        indices: list[Int] = []
        for axis, (count, *_) in enumerate(reversed(self.plan.stack), 1):
            last = axis == len(self.plan.stack)
            indices.append(index if last else index % count)
            index = index // count
        return tuple(reversed(indices))

    def _offset(self, stack: tuple[Int, ...], operand: int) -> Int:
        if self.plan.turned:
            operand = (1, 0, 2)[operand]
        total = self.code.int(0)
        for i, strides in zip(stack, self.plan.stack):
            total = total + i * strides[1 + operand]
        return total

    def _block(self, stack: tuple[Int, ...], column: Int, u0: Int, u1: Int, fresh: ir.Value):
        plan, code = self.plan, self.code
        p0 = column * plan.columns
        p1 = (p0 + plan.columns).least(plan.panels.parts)
        v0, i0 = plan.panels.start(p0), plan.rows.start(u0)
        j0 = v0 * code.lanes
        a = code.at(self.a, self._offset(stack, 0))
        b = code.at(self.b, self._offset(stack, 1))
        result, row = self.stage, plan.stage_row
        if plan.c and self.c and not plan.staged:
            row = plan.c.row
            result = code.at(self.c, self._offset(stack, 2) + i0 * row + j0)
        if not plan.direct and not plan.deep:
            with code.when(fresh):
                self._pack(b, p0, p1, code.int(0), code.int(plan.k))
        for k0 in code.loop(0, max(1, plan.k), plan.chunk or 1):
            k = code.int(plan.k) if plan.chunk == plan.k else (plan.k - k0).least(plan.chunk)
            if plan.deep:
                self._pack(b, p0, p1, k0, k)
            self._tiles(a, b, result, row, (u0, u1), (p0, p1), k0, k)
        i1, j1 = plan.rows.start(u1), (plan.panels.start(p1) * code.lanes).least(plan.n)
        self._finish(Tile(result, row, i0, i1, j0, j1, stack))

    def _pack(self, b: ir.Value, p0: Int, p1: Int, k0: Int, k: Int) -> None:
        """Rows k0..k0+k of the panels p0..p1."""
        plan, code, lanes = self.plan, self.code, self.code.lanes
        v0 = plan.panels.start(p0)
        b = code.at(b, k0 * plan.b.row)
        for size, low, high in plan.panels.kinds(p0, p1):
            for p in code.loop(low, high):
                v = plan.panels.start(p)
                panel = code.at(self.panels, (v - v0) * (lanes * plan.depth))
                if plan.b.column == 1 and (lanes > 4 or plan.n % lanes == 0):
                    source = code.at(b, v * lanes)
                    self._call(rows_routine(code, size), source, plan.b.row, panel, k,
                               self._width(v + size))  # fmt: skip
                    continue
                for x in code.loop(v, v + size):
                    source = code.at(b, x * (lanes * plan.b.column))
                    place, width = code.at(panel, (x - v) * lanes), self._width(x + 1)
                    if plan.b.row == 1 and plan.k >= lanes:
                        self._call(columns_routine(code), source, plan.b.column, place,
                                   size * lanes, k, width)  # fmt: skip
                    else:
                        self._call(strided_routine(code), source, plan.b.row, plan.b.column,
                                   place, size * lanes, k, width)  # fmt: skip

    def _width(self, end: Int) -> Int:
        """Lanes of the vector before vector ``end``."""
        code, plan = self.code, self.plan
        if plan.tail == code.lanes:
            return code.int(code.lanes)
        vectors = -(-plan.n // code.lanes)
        return Int(code, code.b.select(end.equals(vectors), I64(plan.tail), I64(code.lanes)))

    def _tiles(
        self,
        a: ir.Value,
        b: ir.Value,
        result: ir.Value,
        row: int,
        rows: tuple[Int, Int],
        panels: tuple[Int, Int],
        k0: Int,
        k: Int,
    ) -> None:
        plan, code, lanes = self.plan, self.code, self.code.lanes
        i0, v0 = plan.rows.start(rows[0]), plan.panels.start(panels[0])
        add = code.b.zext(code.b.icmp_signed("!=", k0.value, I64(0)), I64)
        a = code.at(a, k0 * plan.a.column)
        if plan.direct:
            b = code.at(b, k0 * plan.b.row)
        else:
            b = self.panels
        for high, low_row, high_row in plan.rows.kinds(*rows):
            for unit in code.loop(low_row, high_row):
                i = plan.rows.start(unit)
                line, out = code.at(a, i * plan.a.row), code.at(result, (i - i0) * row)
                for size, low, upper, masked in self._panel_kinds(*panels):
                    kernel = micro_routine(code, high, size, masked)
                    for p in code.loop(low, upper):
                        v = plan.panels.start(p)
                        if plan.direct:
                            panel, b_row = code.at(b, v * lanes), plan.b.row
                        else:
                            step = k0 * (size * lanes) if not plan.deep else 0
                            panel = code.at(b, (v - v0) * (lanes * plan.depth) + step)
                            b_row = size * lanes
                        place = code.at(out, (v - v0) * lanes)
                        self._call(kernel, line, plan.a.row, plan.a.column, panel, b_row,
                                   place, row, k, add, self._width(v + size))  # fmt: skip

    def _panel_kinds(self, low: Int, high: Int) -> Iterator[tuple[int, Int, Int, bool]]:
        """Panels of each size; the last one by itself if b may not be read behind its end."""
        plan = self.plan
        if not plan.direct or plan.tail == self.code.lanes:
            for size, start, end in plan.panels.kinds(low, high):
                yield size, start, end, False
            return
        last = plan.panels.parts - 1
        for size, start, end in plan.panels.kinds(low, high.least(last)):
            yield size, start, end, False
        size = plan.panels.size - (plan.panels.longer < plan.panels.parts)
        yield size, at_least(low, last), high, True

    def _call(self, function: ir.Function, *arguments: ir.Value | Int | int) -> None:
        values = [x if isinstance(x, ir.Value) else self.code.int(x).value for x in arguments]
        self.code.b.call(function, values)

    def _finish(self, tile: Tile) -> None:
        plan, code = self.plan, self.code
        if self.then:
            self.then(turned(tile) if plan.turned else tile)
        if plan.staged and self.c and plan.c:
            c = code.at(self.c, self._offset(tile.stack, 2))
            c = code.at(c, tile.i0 * plan.c.row + tile.j0 * plan.c.column)
            for i in code.loop(0, tile.i1 - tile.i0):
                x, y = code.at(tile.pointer, i * tile.row_stride), code.at(c, i * plan.c.row)
                for j in code.loop(0, tile.j1 - tile.j0):
                    code.put(code.scalar(x, j), y, j * plan.c.column)


def turned(tile: Tile) -> Tile:
    """The same block, seen as one of the transposed matrix: a row becomes a column."""
    return Tile(tile.pointer, 1, tile.j0, tile.j1, tile.i0, tile.i1, tile.stack)
