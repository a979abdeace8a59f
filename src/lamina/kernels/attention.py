"""Attention as native code: weights of a few queries at a time, in scratch memory.

A thread does whole heads. Of a head it packs the keys once, as a product wants them; then, for some
queries: their products with the keys up to the last of them, the exponentials, and the product with
the values. Backward has the same products again, and adds up the derivatives of keys and values
from queries to queries, in order: so results do not depend on the number of threads.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf, prod
from typing import Any, TypeAlias

import numpy as np
from llvmlite import ir

from ..machine.code import Code, Index, Int
from ..machine.elementary import exp_below
from ..machine.lanes import Vec
from ..machine.target import Target
from .microkernel import FLOAT32, most_rows, tiles
from .packing import pack_columns

QUERIES = 32
"""How many are done together: their weights fit the second-level cache."""

CHUNK = 512
"""How many weights are summed in one chain: it bounds the rounding error."""


Place: TypeAlias = "tuple[tuple[int, ...], int]"
"""How an array lies: elements from place to place along each axis, and to the first one."""


class Rows:
    """A matrix of one head: where it begins, and how far it is from row to row, and to column."""

    def __init__(self, code: Code, place: ir.Value, row: int, column: int = 1):
        self.code, self.place, self.row, self.column = code, place, row, column

    def at(self, row: Index, column: Index = 0) -> Rows:
        """From a row and a column on."""
        number = self.code.int(row) * self.row + self.code.int(column) * self.column
        return Rows(self.code, self.code.at(self.place, number), self.row, self.column)

    @property
    def turned(self) -> Rows:
        """Rows as columns."""
        return Rows(self.code, self.place, self.column, self.row)


class Heads:
    """What forward and backward share.

    Args:
        target: the processor.
        causal: whether a query sees no key behind it.
        lead: lengths of the axes before queries: heads are these.
        length: how many queries there are, and keys.
        size: numbers of a query, and of a key: whole vectors.
        depth: those of a value, likewise.
        places: of operands and results, in order; a row of each operand is one piece of memory.
    Attributes:
        wide: the length in whole tiles.
        rows: of a tile, which has two vectors.
        scratch: bytes for each thread.
    """

    shared = 0

    def __init__(
        self, target: Target, causal: bool, lead: Sequence[int], length: int, size: int, depth: int,
        places: Sequence[Place],
    ):  # fmt: skip
        self.causal, self.lead, self.places = causal, lead, places
        self.length, self.size, self.depth = length, size, depth
        self.panel = 2 * target.lanes
        self.wide = -(-length // self.panel) * self.panel
        self.rows = 8 if most_rows(target, 2) >= 8 else 4

    def _heads(self, code: Code, pointers: list[Any], head: Callable[..., None]) -> None:
        """``head(matrices)`` for each head of this thread, in the order of operands and results."""
        low, high = code.share(prod(self.lead))
        for u in code.loop(low, high):
            matrices = []
            for pointer, (strides, start) in zip(pointers, self.places):
                place, rest = code.int(start), u
                for length, stride in list(zip(self.lead, strides))[::-1]:
                    place, rest = place + rest % length * stride, rest // length
                matrices.append(Rows(code, code.at(pointer, place), strides[-2]))
            head(*matrices)

    def _packed(self, code: Code, x: Rows, size: int, to: ir.Value) -> None:
        """Rows of ``x`` as columns of panels: [panel][size][two vectors]."""
        lanes = code.lanes
        for j in code.loop(0, self.wide, lanes):
            start = j.least(self.length - 1)
            panel = code.at(to, j // self.panel * (size * self.panel) + j % self.panel)
            count = (code.int(self.length) - start).least(lanes)
            pack_columns(code, x.at(start).place, x.row, panel, self.panel, size, count)

    def _with_packed(
        self, code: Code, a: Rows, size: int, packed: ir.Value, c: Rows, m: Int, n: Int
    ) -> None:
        """``c = a x^T`` for m rows of a and, rounded up, n rows of x."""
        panels = (n + (self.panel - 1)) // self.panel
        self._tiles(code, 2, a, (packed, self.panel, size * self.panel), c, m, panels, size, 0)

    def _product(
        self, code: Code, a: Rows, b: Rows, size: int, c: Rows, m: Index, k: Int, add: Index
    ) -> None:
        """``c = a b``, or ``c += a b`` if ``add`` is 1; b has ``size`` columns."""
        vectors = 1 + (size // code.lanes + 1) % 2
        step = vectors * code.lanes
        for low in code.loop(0, k, CHUNK):
            later = Int(code, code.b.zext(code.int(0).below(low), low.value.type))
            more, count = (code.int(add) + later).least(1), (k - low).least(CHUNK)
            place, columns = b.at(low).place, code.int(size // step)
            self._tiles(code, vectors, a.at(0, low), (place, b.row, step), c, m, columns,
                        count, more)  # fmt: skip

    def _tiles(
        self, code: Code, vectors: int, a: Rows, b: Any, c: Rows, m: Index, across: Int, k: Index,
        add: Index,
    ) -> None:  # fmt: skip
        """Tiles of ``rows``, then those of one row."""
        m, (place, b_row, b_step) = code.int(m), b
        whole = m // self.rows
        for rows, down, start in ((self.rows, whole, code.int(0)),
                                  (1, m - whole * self.rows, whole * self.rows)):  # fmt: skip
            if rows == 1 and self.length % self.rows == 0:
                continue
            tiles(code, rows, vectors, a.at(start).place, a.row, a.column, place, b_row, b_step,
                  c.at(start).place, c.row, k, add, down, across, code.lanes)  # fmt: skip

    def _queries(self, code: Code, body: Callable[[Int, Int, Int], None]) -> None:
        """``body(first query, queries, keys)`` for some queries after the others."""
        for start in code.loop(0, self.length, QUERIES):
            m = (code.int(self.length) - start).least(QUERIES)
            body(start, m, start + m if self.causal else code.int(self.length))

    def _weights(
        self, code: Code, row: Rows, seen: Int, keys: Int, top: Vec, body: Callable[[Int, Vec], Vec]
    ) -> Vec:
        """``body(place, exp(x - top))`` for the products of a query; the sum of what that gives.

        What the query does not see is 0.
        """
        loop = code.loop(0, keys, code.lanes, carry=[code.number(0.0).value])
        for j in loop:
            found = body(j, exp_below(_seen(code, row, j, seen) - top))
            loop.carry((Vec(code, loop.now[0], FLOAT32) + found).value)
        return Vec(code, loop.now[0], FLOAT32).across(Vec.__add__)


def _seen(code: Code, row: Rows, j: Int, seen: Int) -> Vec:
    """Products from the j-th on; minus infinity in place of those that a query does not see."""
    mask = Vec(code, code.first(seen - j), np.dtype(bool))
    return mask.select(code.load(row.place, j), code.number(-inf))


class Forward(Heads):
    """q, k, v to y, and what is kept: of each query the largest product, and the sum."""

    def __init__(self, target: Target, *sizes: Any):
        super().__init__(target, *sizes)
        self.scratch = 4 * self.wide * (self.size + QUERIES)

    def emit(self, code: Code, pointers: list[Any], scratch: Any, shared: Any) -> None:
        """Each head by one thread."""
        products = Rows(code, code.at(scratch, self.size * self.wide), self.wide)

        def head(q: Rows, k: Rows, v: Rows, y: Rows, kept: Rows) -> None:
            self._packed(code, k, self.size, scratch)

            def some(start: Int, m: Int, keys: Int) -> None:
                self._with_packed(code, q.at(start), self.size, scratch, products, m, keys)
                for i in code.loop(0, m):
                    seen = start + i + 1 if self.causal else keys
                    self._exponentials(code, products.at(i), seen, keys, kept.at(start + i))
                self._product(code, products, v, self.depth, y.at(start), m, keys, 0)
                for i in code.loop(0, m):
                    row, total = y.at(start + i).place, code.splat(kept.at(start + i).place, 1)
                    share = code.number(1.0) / total
                    for j in code.loop(0, self.depth, code.lanes):
                        code.store(code.load(row, j) * share, row, j)

            self._queries(code, some)

        self._heads(code, pointers, head)

    def _exponentials(self, code: Code, row: Rows, seen: Int, keys: Int, kept: Rows) -> None:
        """In place of the products of a query; what it is to be divided by is kept."""
        loop = code.loop(0, seen, code.lanes, carry=[code.number(-inf).value])
        for j in loop:
            now = Vec(code, loop.now[0], FLOAT32)
            loop.carry(now.maximum(_seen(code, row, j, seen)).value)
        top = Vec(code, loop.now[0], FLOAT32).across(Vec.maximum)
        top = (top == -inf).select(code.number(0.0), top)

        def put(j: Int, e: Vec) -> Vec:
            code.store(e, row.place, j)
            return e

        total = self._weights(code, row, seen, keys, top, put)
        total = (total == 0).select(code.number(1.0), total)
        code.put(top.lane(0), kept.place)
        code.put(total.lane(0), kept.place, 1)


class Backward(Heads):
    """gy, kept, q, k, v to gq, gk, gv."""

    def __init__(self, target: Target, *sizes: Any):
        super().__init__(target, *sizes)
        self.scratch = 4 * self.wide * (self.size + self.depth + 2 * QUERIES)

    def emit(self, code: Code, pointers: list[Any], scratch: Any, shared: Any) -> None:
        """Each head by one thread."""
        wide, depth = self.wide, self.depth
        values = code.at(scratch, self.size * wide)
        weights = Rows(code, code.at(values, depth * wide), wide)
        slopes = weights.at(QUERIES)

        def head(*matrices: Rows) -> None:
            gy, kept, q, k, v, *gradients = matrices
            self._packed(code, k, self.size, scratch)
            self._packed(code, v, depth, values)

            def some(start: Int, m: Int, keys: Int) -> None:
                ours, theirs = q.at(start), gy.at(start)
                self._with_packed(code, ours, self.size, scratch, weights, m, keys)
                self._with_packed(code, theirs, depth, values, slopes, m, keys)
                for i in code.loop(0, m):
                    seen = start + i + 1 if self.causal else keys
                    rows = weights.at(i), slopes.at(i)
                    self._softmax_gradient(code, *rows, seen, keys, kept.at(start + i))
                gq, gk, gv = gradients
                self._product(code, slopes, k, self.size, gq.at(start), m, keys, 0)
                for x, y, size, g in ((slopes, ours, self.size, gk), (weights, theirs, depth, gv)):
                    self._add_up(code, x.turned, y, size, g, start, m)

            self._queries(code, some)

        self._heads(code, pointers, head)

    def _softmax_gradient(
        self, code: Code, weights: Rows, slopes: Rows, seen: Int, keys: Int, kept: Rows
    ) -> None:
        """The weights in place of the products, and their derivatives in place of those by them."""
        top, share = code.splat(kept.place), code.number(1.0) / code.splat(kept.place, 1)

        def put(j: Int, e: Vec) -> Vec:
            y = e * share
            code.store(y, weights.place, j)
            return y * code.load(slopes.place, j)

        total = self._weights(code, weights, seen, keys, top, put)
        for j in code.loop(0, keys, code.lanes):
            y, slope = code.load(weights.place, j), code.load(slopes.place, j)
            code.store(slope * y - y * total, slopes.place, j)

    def _add_up(self, code: Code, x: Rows, y: Rows, size: int, g: Rows, start: Int, m: Int) -> None:
        """Add ``x y`` to the derivatives of the keys that were seen before, and set the others."""
        if not self.causal:
            later = Int(code, code.b.zext(code.int(0).below(start), start.value.type))
            self._product(code, x, y, size, g, self.length, m, later)
            return
        self._product(code, x, y, size, g, start, m, 1)
        self._product(code, x.at(start), y, size, g.at(start), m, m, 0)
