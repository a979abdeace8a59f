"""Products of matrices of any size, in one piece of code: for eager execution.

A program's products are planned for their sizes (`gemm`), and each is compiled by itself. In eager
execution sizes come and go, and none is worth the wait. So here sizes and strides are numbers that
the code is given. It is blocked in the same way, from the same routines: each thread takes a range
of results, and copies what it needs of b, and of a where its columns are contiguous.

A number of the result is summed in one order, which depends on k and on how a lies.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from llvmlite import ir

from ..machine.code import I64, Code, Int
from ..machine.module import Compiled, Module, compile_recipe
from ..machine.scratch import empty, workspace
from ..machine.target import Target, host
from ..machine.team import Team, team
from .blocking import at_least
from .gemm import CHUNK, COPIED, SMALL, WHOLE
from .microkernel import most_rows, tiles
from .packing import pack_columns, pack_copy, pack_rows, pack_strided

VECTORS = 2
"""Vectors side by side in a tile; where the columns end, there may be one."""

STEP, ROWS = 8, 64
"""Rows of tiles that are copied together; and for which a cut of b is copied anew."""

SIZES = (
    *("m", "n", "k", "a_row", "a_column", "b_row", "b_column"),
    *("outer", "inner", "a_outer", "a_inner", "b_outer", "b_inner"),
)  # fmt: skip
"""The numbers behind the pointers in the table, strides in elements; two leading axes."""

SCRATCH, A, B, C, BIAS, NUMBERS = range(1, 7)
"""Slots of the table."""


def heights(target: Target) -> list[int]:
    """Rows of tiles: the usual one, and the shorter ones that end a matrix."""
    sizes = [min(8, most_rows(target, VECTORS))]
    while sizes[-1] > 1:
        sizes.append(sizes[-1] // 2)
    return sizes


def scratch(target: Target) -> tuple[int, int]:
    """Numbers of memory that each thread needs for parts of b, and of a."""
    wide = VECTORS * target.lanes
    return max(target.cache // 8, WHOLE * wide), COPIED * 3 // 2 * _a_step(target)


def _a_step(target: Target) -> int:
    # an odd number of cache lines, so that rows are spread over the sets of the cache
    return STEP * heights(target)[0] // 32 * 32 + 16


class Writer:
    """The function ``product``, as it is written."""

    def __init__(self, code: Code):
        self.code, self.high = code, heights(code.target)[0]
        self.wide = VECTORS * code.lanes
        self.size = {name: self._number(i) for i, name in enumerate(SIZES)}
        self.bias, self.biased = code.pointer(BIAS), self._slot(BIAS).equals(0)
        each = sum(scratch(code.target))
        self.panels = code.at(code.pointer(SCRATCH), code.tid * each)
        self.rows = code.at(self.panels, scratch(code.target)[0])

    def _slot(self, slot: int) -> Int:
        return self.code.int(self.code.scalar(self.code.table, slot, np.int64))

    def _number(self, i: int) -> Int:
        return self._slot(NUMBERS + i)

    def _select(self, bit: ir.Value, x: Int | int, y: Int | int) -> Int:
        code = self.code
        return code.int(code.b.select(bit, code.int(x).value, code.int(y).value))

    def write(self) -> None:
        """This thread's rows of tiles, in the order stacks, columns, rows."""
        code, size = self.code, self.size
        self._plan()
        down = (size["m"] + (self.high - 1)) // self.high
        across = (self.vectors + (self.block - 1)) // self.block
        low, high = code.share(size["outer"] * size["inner"] * across * down)
        with code.when(low.below(high)):
            for part in code.loop(low // down, (high - 1) // down + 1):
                begin = part * down
                u0, u1 = at_least(low - begin, 0), (high - begin).least(down)
                self._columns(part // across, part % across, u0, u1)
        code.b.ret_void()

    def _plan(self) -> None:
        """Where sums are cut, how many vectors of columns go together, and whether a is copied."""
        code, size, b = self.code, self.size, self.code.b
        k, lanes = size["k"], code.lanes
        far = b.icmp_signed(">", (size["m"] * k).value, I64(SMALL // 4))
        turned = b.and_(size["a_row"].equals(1), b.not_(size["a_column"].equals(1)))
        self.copied = b.and_(turned, far)
        whole = self._select(self.copied, COPIED * 3 // 2, WHOLE)
        most = self._select(self.copied, COPIED, CHUNK)
        parts = (k + (most - 1)) // most
        self.chunk = self._select(whole.below(k), (k + (parts - 1)) // parts, k)
        self.vectors = (size["n"] + (lanes - 1)) // lanes
        room = code.int(scratch(code.target)[0]) // (self.chunk * self.wide)
        self.block = at_least(room, 1) * VECTORS
        self.tail = size["n"] - (self.vectors - 1) * lanes

    def _columns(self, stack: Int, column: Int, u0: Int, u1: Int) -> None:
        """The rows of tiles u0..u1 of a block of columns."""
        code, size = self.code, self.size
        outer, inner = stack // size["inner"], stack % size["inner"]
        a, b = [
            code.at(code.pointer(slot), outer * size[f"{x}_outer"] + inner * size[f"{x}_inner"])
            for slot, x in ((A, "a"), (B, "b"))
        ]
        c = code.at(code.pointer(C), stack * (size["m"] * size["n"]))
        v0 = column * self.block
        v1 = (v0 + self.block).least(self.vectors)
        cut = self.chunk.below(size["k"])
        most = self._select(cut, ROWS, u1 - u0)
        for r0 in code.loop(u0, u1, most):
            r1 = (r0 + most).least(u1)
            for k0 in code.loop(0, size["k"], self.chunk):
                k = (size["k"] - k0).least(self.chunk)
                self._pack(b, v0, v1, k0, k)
                for s0 in code.loop(r0, r1, STEP):
                    i0 = s0 * self.high
                    i1 = ((s0 + STEP).least(r1) * self.high).least(size["m"])
                    with code.when(code.b.and_(k0.equals(0), code.b.not_(self.biased))):
                        self._begin(c, i0, i1, v0, v1)
                    self._tiles(a, c, (i0, i1), (v0, v1), k0, k)

    # -- copies ------------------------------------------------------------------------------

    def _width(self, v: Int) -> Int:
        """Lanes of the vector before vector ``v``."""
        return self._select(v.equals(self.vectors), self.tail, self.code.lanes)

    def _pack(self, b: ir.Value, v0: Int, v1: Int, k0: Int, k: Int) -> None:
        """Rows k0..k0+k of the vectors v0..v1: panels of two, and perhaps one of one."""
        code, size, lanes = self.code, self.size, self.code.lanes
        b = code.at(b, k0 * size["b_row"] + v0 * lanes * size["b_column"])
        rows = size["b_column"].equals(1)
        if lanes <= 4:  # narrow processors have no masked loads
            rows = code.b.and_(rows, self.tail.equals(lanes))
        with code.b.if_else(rows) as (contiguous, other):
            with contiguous:
                self._pack_rows(b, v0, v1, k)
            with other:
                self._pack_vectors(b, v0, v1, k)

    def _pairs(self, v0: Int, v1: Int) -> tuple[Int, Int, Int, Int]:
        """How many panels of two vectors there are, the width of the last, of one, its width."""
        pairs, one = (v1 - v0) // VECTORS, (v1 - v0) % VECTORS
        width = self._width(v1)
        return pairs, self._select(one.equals(0), width, self.code.lanes), one, width

    def _pack_rows(self, b: ir.Value, v0: Int, v1: Int, k: Int) -> None:
        code, size, step = self.code, self.size, self.chunk * self.wide
        pairs, pair_width, one, width = self._pairs(v0, v1)
        with code.when(code.int(0).below(pairs)):
            pack_rows(code, VECTORS, b, size["b_row"], self.panels, k, pairs, step, pair_width)
        with code.when(one.equals(1)):
            last, panel = code.at(b, pairs * self.wide), code.at(self.panels, pairs * step)
            pack_rows(code, 1, last, size["b_row"], panel, k, 1, step, width)

    def _pack_vectors(self, b: ir.Value, v0: Int, v1: Int, k: Int) -> None:
        code, size, lanes = self.code, self.size, self.code.lanes
        row, column = size["b_row"], size["b_column"]
        turned = code.b.and_(row.equals(1), code.b.not_(k.below(lanes)))
        single = (v1 - v0) // VECTORS * VECTORS
        for x in code.loop(0, v1 - v0):
            panel = x // VECTORS * (self.chunk * self.wide) + x % VECTORS * lanes
            place = code.at(self.panels, panel)
            step = self._select(x.below(single), self.wide, lanes)
            source, width = code.at(b, x * lanes * column), self._width(v0 + x + 1)
            with code.b.if_else(turned) as (fast, slow):
                with fast:
                    pack_columns(code, source, column, place, step, k, width)
                with slow:
                    pack_strided(code, source, row, column, place, step, k, width)

    def _begin(self, c: ir.Value, i0: Int, i1: Int, v0: Int, v1: Int) -> None:
        """Rows of the bias, to which the products are added."""
        code, lanes, width = self.code, self.code.lanes, self._width(v1)
        mask = code.first(width)
        for i in code.loop(i0, i1):
            row = code.at(c, i * self.size["n"])
            for v in code.loop(v0, v1 - 1):
                code.store(code.load(self.bias, v * lanes), row, v * lanes)
            last = (v1 - 1) * lanes
            code.store(code.load(self.bias, last, mask=mask), row, last, mask=mask)

    # -- products ----------------------------------------------------------------------------

    def _tiles(
        self,
        a: ir.Value,
        c: ir.Value,
        rows: tuple[Int, Int],
        columns: tuple[Int, Int],
        k0: Int,
        k: Int,
    ) -> None:
        """A part of k of rows and columns, set or added."""
        code, size, b = self.code, self.size, self.code.b
        i0, i1 = rows
        a = code.at(a, i0 * size["a_row"] + k0 * size["a_column"])
        to = _a_step(code.target)
        with code.when(self.copied):
            pack_copy(code, a, size["a_column"], self.rows, to, k, i1 - i0)
        a = b.select(self.copied, self.rows, a)
        a_row = self._select(self.copied, 1, size["a_row"])
        a_step = self._select(self.copied, to, size["a_column"])
        c = code.at(c, i0 * size["n"] + columns[0] * code.lanes)
        set_ = b.and_(k0.equals(0), self.biased)
        add = self._select(set_, 0, 1)
        done = code.int(0)
        for high in heights(code.target):
            down = (i1 - i0 - done) // high
            with code.when(code.int(0).below(down)):
                line, out = code.at(a, done * a_row), code.at(c, done * size["n"])
                self._row(high, (line, a_row, a_step), out, columns, k, add, down)
            done = done + down * high

    def _row(
        self, high: int, a: Any, c: ir.Value, columns: tuple[Int, Int], k: Int, add: Int, down: Int
    ) -> None:
        """Tiles of one height, all columns of the block."""
        code, step = self.code, self.chunk * self.wide
        pairs, pair_width, one, width = self._pairs(*columns)
        for vectors, count, held in ((VECTORS, pairs, pair_width), (1, one, width)):
            first_ = code.int(0) if vectors == VECTORS else pairs
            panel, out = code.at(self.panels, first_ * step), code.at(c, first_ * self.wide)
            with code.when(code.int(0).below(count)):
                tiles(code, high, vectors, *a, panel, vectors * code.lanes, step, out,
                      self.size["n"], k, add, down, count, held)  # fmt: skip


@functools.cache
def compiled(target: Target) -> Compiled:
    """The machine code for a processor."""

    def write(module: Module) -> None:
        Writer(Code(module.ir, "product", target)).write()

    return compile_recipe(repr(("product of any size", target)), target, write)


class AnySize:
    """``a @ b + bias`` of float32 matrices, or of stacks of them with at most two leading axes.

    Args:
        target: the processor.
        crew: who runs it; None is the team of this process.
    """

    def __init__(self, target: Target | None = None, crew: Team | None = None):
        self.crew = team() if crew is None else crew
        self.target = host() if target is None else target
        self.each = 4 * sum(scratch(self.target))
        self._address = compiled(self.target).address("product")

    def __call__(self, a: Any, b: Any, bias: Any = None) -> Any:
        """The product, a new array; None where an operand's numbers do not lie at whole ones.

        All sizes are over 0, and both have as many axes.
        """
        if not (a.flags.aligned and b.flags.aligned):
            return None
        bias = bias if bias is None else np.ascontiguousarray(bias)
        lead = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        m, n, k = a.shape[-2], b.shape[-1], a.shape[-1]
        c = empty((*lead, m, n), a.dtype)
        memory = workspace.of(self.each * self.crew.threads)
        start = memory.__array_interface__["data"][0]
        places = [x.__array_interface__["data"][0] for x in (a, b, c)]
        added = 0 if bias is None else bias.__array_interface__["data"][0]
        numbers = m, n, k, *_last(a), *_last(b), *_two(lead), *_leading(a, lead), *_leading(b, lead)
        table = np.array([0, start, *places, added, *numbers], np.int64)
        place = table.__array_interface__["data"][0]
        self.crew.run(self._address, place, work=(lead, m, n, k))
        return c


def _last(x: Any) -> tuple[int, int]:
    """The strides of its rows and columns."""
    row, column = x.strides[-2:]
    return row // 4, column // 4


def _two(lead: tuple[int, ...]) -> tuple[int, ...]:
    """The lengths of two leading axes."""
    return (1,) * (2 - len(lead)) + lead


def _leading(x: Any, lead: tuple[int, ...]) -> list[int]:
    """The strides of two leading axes, 0 where it is broadcast."""
    steps = [0 if n == 1 else step // 4 for n, step in zip(x.shape[:-2], x.strides)]
    return [0] * (2 - len(steps)) + steps


@functools.cache
def any_size() -> AnySize:
    """The one of this process."""
    return AnySize()
