"""Products of matrices in float32, planned for their sizes, with room for what follows.

Source: the blocking is that of Goto and van de Geijn, "Anatomy of High-Performance Matrix
Multiplication" (2008), with three changes. Numbers of a are broadcast from where they lie, unless
its columns are contiguous. b is used where it lies too, if its rows are contiguous and there are
not very many of a; the columns that follow are asked for in the meantime. And nothing is shared:
each thread takes a range of results, copies what it needs itself and waits for nobody. A number of
the result is summed by one thread in one order, whatever the number of threads.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from llvmlite import ir

from ..machine.code import I64, Code, Int
from ..machine.target import Target
from .blocking import Cut, at_least, tile_shape
from .dots import dots
from .microkernel import LINE, tiles
from .packing import pack_columns, pack_copy, pack_rows, pack_strided

# Longer sums than WHOLE are cut into parts of at most CHUNK: it bounds the rounding error, and lets
# a part of b that the second-level cache holds be wide; the wider, the less often a is copied.
WHOLE, CHUNK, COPIED = 1024, 512, 256
# Bytes of a block of results: `then` finds it in the first-level cache, or in the second.
BLOCK = 32 << 10
# Bytes of a matrix that is used where it lies: the first-level cache holds it.
SMALL = 16 << 10
# Rows of tiles for which b is not copied, if its rows do not all share one set of the cache (PAGE
# bytes apart), and if they do.
FEW, FEWER, PAGE = 64, 4, 4096
# Rows of a that are copied together.
COPY = 16
# Rows of results for which a cut of b is copied anew, where sums are cut.
ROWS = 512


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
        # a column is turned into a row: then b is read along its rows, and c has neighbours
        self.turned = m > 1 if n == 1 else c is not None and c.row == 1 != c.column
        if self.turned:
            m, n = n, m
            a, b = Strides(b.column, b.row), Strides(a.column, a.row)
            c = c and Strides(c.column, c.row)
        self.target, self.m, self.n, self.k = target, m, n, k
        self.a, self.b, self.c, self.stack = a, b, c, stack
        self.count = math.prod(count for count, *_ in stack)
        self.staged = c is None or (c.column != 1 and n > 1)
        vectors = -(-n // target.lanes)
        self.dots = m == 1 and k > 0 and a.column == b.row == 1 != b.column
        rows, wide = (1, 2) if self.dots else tile_shape(target, m, vectors, k)
        self.rows, self.panels = Cut(m, rows), Cut(vectors, wide)
        self.tail = n - (vectors - 1) * target.lanes  # lanes of the last vector
        self.masks = target.lanes > 4 or n % target.lanes == 0  # narrow ones load no part of a row
        few = self.rows.parts <= (FEW if 4 * b.row % PAGE else FEWER) or 4 * k * n <= SMALL
        self.direct = self.dots or (b.column == 1 and self.masks and few)
        far = a.row == 1 != a.column and 4 * k * m > SMALL
        self.copied = far and self.panels.parts > 1
        self._plan_blocks()
        self._plan_memory()

    def _plan_blocks(self) -> None:
        """How long sums are, which panels go together, and which rows."""
        whole, chunk = (COPIED * 3 // 2, COPIED) if self.copied else (WHOLE, CHUNK)
        self.chunk = self.k if self.k <= whole or self.dots else Cut(self.k, chunk).size
        tiles = self.panels.parts * self.rows.parts * self.count
        wide, high = self.panels.size * self.target.lanes, self.rows.size
        # where b lies, the next columns come to the cache while these are used
        self.asks = self.direct and 4 * self.chunk * self.n > self.target.cache // 2
        part = self.target.cache // (4 if self.asks else 2)
        room = part // max(1, 4 * self.chunk * wide)
        if self.direct:
            room = min(room, BLOCK // (4 * wide * high))
        # so many blocks that threads get equal parts of them
        self.columns = Cut(self.panels.parts, max(1, min(room, tiles // 16)))
        self.block_row = self.columns.size * wide
        room = max(1, BLOCK // (4 * self.block_row * high))
        if self.copied:
            room = max(room, COPY // high)
        self.step = Cut(self.rows.parts, room).size  # tiles between two `then`
        self.units = self.rows.parts  # tiles of a block
        if self.chunk < self.k:
            most = ROWS // 2 if self.staged else ROWS
            self.units = min(self.units, max(1, most // high // self.step) * self.step)
        elif self.staged:
            self.units = self.step
        self.down = -(-self.rows.parts // self.units)

    def _plan_memory(self) -> None:
        """Panels of b, then rows of a, then results."""
        # an odd number of cache lines, so that the rows are spread over the sets of the cache
        self.a_step = (self.step * self.rows.size + 15) // 16 // 2 * 32 + 16
        sizes = [
            0 if self.direct else self.chunk * self.block_row,
            self.chunk * self.a_step if self.copied else 0,
            self.units * self.rows.size * self.block_row if self.staged else 0,
        ]
        self.places = [0]
        for size in sizes:
            self.places.append(self.places[-1] + (size + 15) // 16 * 16)
        self.scratch = 4 * self.places[-1]

    # -- writing -----------------------------------------------------------------------------

    def emit(
        self,
        code: Code,
        a: ir.Value,
        b: ir.Value,
        c: ir.Value | None,
        scratch: ir.Value,
        then: Then | None = None,
    ) -> None:
        """Write the product; every thread computes its share, and a barrier has to follow.

        Args:
            code: where it goes.
            a: pointer to the first number.
            b: pointer to the first number.
            c: pointer to the first number; None if it was planned so. Its memory is not that of a
                or b.
            scratch: this thread's memory.
            then: called once while the code is written, with a `Tile`; what it writes runs for each
                block of results as soon as it is finished. It may change the numbers in place. Not
                for c of row stride 1 and another column stride.
        Raises:
            ValueError: there is a ``then``, and c has row stride 1 and another column stride.
        """
        if self.m * self.n * self.count == 0:
            return
        if then and self.turned and self.m > 1:
            raise ValueError(f"Product: `then` needs c with column stride 1, got {self.c}")
        Writer(self, code, a, b, c, scratch, then).write()


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
        self.panels, self.rows, self.stage = (code.at(scratch, at) for at in plan.places[:3])

    def write(self) -> None:
        """This thread's blocks: a range of tiles, in the order panels, rows."""
        plan, code = self.plan, self.code
        units = plan.rows.parts
        low, high = code.share(plan.count * plan.panels.parts * units)
        with code.when(low.below(high)):
            low, high = self._unit(low), self._unit(high)
            for block in code.loop(self._block_of(low), self._block_of(high - 1) + 1):
                column, row = block // plan.down, block % plan.down
                start = column * units
                u0 = at_least(low - start, row * plan.units)
                u1 = (row * plan.units + plan.units).least(units).least(high - start)
                across = plan.columns.parts
                self._block(self._stack(column // across), column % across, u0, u1)

    def _unit(self, tile: Int) -> Int:
        """In which row of tiles a tile is, counted through all columns of blocks."""
        plan, columns = self.plan, self.plan.columns
        each = plan.panels.parts * plan.rows.parts
        s, place = tile // each, tile % each
        column = columns.part(place // plan.rows.parts)
        inside = place - columns.start(column) * plan.rows.parts
        row = inside // columns.length(column)
        return (s * columns.parts + column) * plan.rows.parts + row

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

    def _block(self, stack: tuple[Int, ...], column: Int, u0: Int, u1: Int) -> None:
        """The tiles u0..u1 of a column of blocks: for each cut of k, for each step of rows."""
        plan, code = self.plan, self.code
        p0, p1 = plan.columns.start(column), plan.columns.start(column + 1)
        a = code.at(self.a, self._offset(stack, 0))
        b = code.at(self.b, self._offset(stack, 1))
        for k0 in code.loop(0, max(1, plan.k), max(1, plan.chunk)):
            k = code.int(plan.k) if plan.chunk == plan.k else (plan.k - k0).least(plan.chunk)
            if not plan.direct:
                self._pack(b, p0, p1, k0, k)
            for s0 in code.loop(u0, u1, plan.step):
                s1 = (s0 + plan.step).least(u1)
                tile = self._tile(stack, (u0, s0, s1), (p0, p1))
                self._tiles(a, b, tile, (s0, s1), (p0, p1), u0, k0, k)
                if plan.chunk == plan.k:
                    self._finish(tile)
                    continue
                with code.when((k0 + k).equals(plan.k)):
                    self._finish(tile)

    def _tile(
        self, stack: tuple[Int, ...], rows: tuple[Int, Int, Int], panels: tuple[Int, Int]
    ) -> Tile:
        """The tiles rows[1]..rows[2] of a block that begins with tile rows[0]."""
        plan, code = self.plan, self.code
        start, i0, i1 = (plan.rows.start(u) for u in rows)
        j0 = plan.panels.start(panels[0]) * code.lanes
        j1 = (plan.panels.start(panels[1]) * code.lanes).least(plan.n)
        row = plan.block_row
        result = code.at(self.stage, (i0 - start) * row)
        if plan.c and self.c and not plan.staged:
            row = plan.c.row
            result = code.at(self.c, self._offset(stack, 2) + i0 * row + j0)
        return Tile(result, row, i0, i1, j0, j1, stack)

    def _pack(self, b: ir.Value, p0: Int, p1: Int, k0: Int, k: Int) -> None:
        """Rows k0..k0+k of the panels p0..p1."""
        plan, code, lanes = self.plan, self.code, self.code.lanes
        v0 = plan.panels.start(p0)
        b = code.at(b, k0 * plan.b.row)
        for size, low, high in plan.panels.kinds(p0, p1):
            v = plan.panels.start(low)
            source = code.at(b, v * (lanes * plan.b.column))
            panel, step = code.at(self.panels, (v - v0) * (lanes * plan.chunk)), size * lanes
            if plan.b.column == 1 and plan.masks:
                with code.when(low.below(high)):
                    width = self._width(plan.panels.start(high))
                    pack_rows(code, size, source, plan.b.row, panel, k, high - low,
                              plan.chunk * step, width)  # fmt: skip
                continue
            for x in code.loop(0, (high - low) * size):
                place = code.at(panel, x // size * (plan.chunk * step) + x % size * lanes)
                column = code.at(source, x * (lanes * plan.b.column))
                self._pack_vector(column, place, step, k, self._width(v + x + 1))

    def _pack_vector(self, source: ir.Value, place: ir.Value, row: int, k: Int, width: Int) -> None:
        plan, code = self.plan, self.code
        if plan.b.row != 1 or plan.k < code.lanes:
            strides = (plan.b.row, plan.b.column)
            pack_strided(code, source, *strides, place, row, k, width)
        else:
            pack_columns(code, source, plan.b.column, place, row, k, width)

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
        tile: Tile,
        rows: tuple[Int, Int],
        panels: tuple[Int, Int],
        first: Int,
        k0: Int,
        k: Int,
    ) -> None:
        """The part of k of a block's results, set or added."""
        plan, code, lanes = self.plan, self.code, self.code.lanes
        if plan.dots:
            b = code.at(b, tile.j0 * plan.b.column)
            dots(code, plan.k % lanes > 0, a, b, plan.b.column, tile.pointer, plan.k,
                 tile.j1 - tile.j0)  # fmt: skip
            return
        add = code.b.zext(code.b.icmp_signed("!=", k0.value, I64(0)), I64)
        a, a_row, a_step = self._rows_of_a(a, tile, k0, k)
        if plan.direct:
            b, across = code.at(b, k0 * plan.b.row + tile.j0), 1
        else:
            b, across = self.panels, plan.chunk
        lines = code.int(0)
        if plan.asks:
            behind = plan.columns.size * plan.panels.size * lanes
            lines = (code.int(plan.n) - tile.j1).least(behind) // LINE
        for high, u0, u1 in plan.rows.kinds(*rows):
            i = plan.rows.start(u0) - tile.i0
            line, out = code.at(a, i * a_row), code.at(tile.pointer, i * tile.row_stride)
            for size, p0, p1 in plan.panels.kinds(*panels):
                v, wide = plan.panels.start(p0), size * lanes
                j = v * lanes - tile.j0
                tiles(
                    *(code, high, size, line, a_row, a_step, code.at(b, j * across)),
                    *(plan.b.row if plan.direct else wide, across * wide),
                    *(code.at(out, j), tile.row_stride, k, add, u1 - u0, p1 - p0),
                    *(self._width(plan.panels.start(p1)), tile.j1 - tile.j0 - j, lines),
                    (u0 - first) * (panels[1] - panels[0]),
                    masked=plan.direct and plan.tail < lanes,
                )

    def _rows_of_a(self, a: ir.Value, tile: Tile, k0: Int, k: Int) -> tuple[ir.Value, int, int]:
        """Where the rows of a block begin, and the strides: in a, or copied from it."""
        plan, code = self.plan, self.code
        a = code.at(a, tile.i0 * plan.a.row + k0 * plan.a.column)
        if not plan.copied:
            return a, plan.a.row, plan.a.column
        pack_copy(code, a, plan.a.column, self.rows, plan.a_step, k, tile.i1 - tile.i0)
        return self.rows, 1, plan.a_step

    def _finish(self, tile: Tile) -> None:
        plan, code = self.plan, self.code
        if self.then:
            self.then(transposed(tile) if plan.turned else tile)
        if plan.staged and self.c and plan.c:
            c = code.at(self.c, self._offset(tile.stack, 2))
            c = code.at(c, tile.i0 * plan.c.row + tile.j0 * plan.c.column)
            for i in code.loop(0, tile.i1 - tile.i0):
                x, y = code.at(tile.pointer, i * tile.row_stride), code.at(c, i * plan.c.row)
                for j in code.loop(0, tile.j1 - tile.j0):
                    code.put(code.scalar(x, j), y, j * plan.c.column)


def transposed(tile: Tile) -> Tile:
    """The same block, seen as one of the transposed matrix: a row becomes a column."""
    return Tile(tile.pointer, 1, tile.j0, tile.j1, tile.i0, tile.i1, tile.stack)
