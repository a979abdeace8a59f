"""The loops of a nest as native code, from the outermost to the innermost.

Vectors run along the innermost loop; or, where all that is reduced lies across, along the last of
the outer loops, several of them side by side. What an outer turn needs of the inner loops it gets
stage by stage: the maximum of a row, then the sum of its exponentials, then the quotients.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isqrt, prod
from typing import Any

import numpy as np
from llvmlite import ir

from ...machine.code import Code, Int
from ...machine.lanes import Vec, first_lanes
from ..nest import Nest, Store
from .elementwise import REDUCERS
from .turn import Turn

SMALL = 1 << 14
"""Operations below which one thread does all of a nest: to wake the others costs more."""

CHUNK = 256
"""Turns of a reduction that are added up by themselves first, for accuracy."""

COLUMNS = 4
"""Vectors side by side where vectors run along an outer loop."""


def write_nest(nest: Nest, code: Code, pointers: Sequence[ir.Value], hosts: Any = ()) -> None:
    """Write a whole nest, each thread its share; for arguments see `Turn`."""
    walk = Walk(nest, code, pointers, hosts)
    if nest.work >= SMALL:
        walk.all(code.share)
        return
    with code.alone():
        walk.all(lambda n, grain=1: (code.int(0), code.int(n)))


class Walk(Turn):
    """All loops of a nest, once through.

    Attributes:
        reductions, stores: what a stage adds up and writes in the inner loops.
        low, high: the part of the innermost loop.
    """

    reductions: list[int]
    stores: list[Store]
    low: Int
    high: Int

    @property
    def along(self) -> bool:
        """Whether vectors run along the innermost loop."""
        return self.nest.inner > 0 and not self.nest.columns

    # -- outer loops -------------------------------------------------------------------------

    def all(self, share: Callable[..., tuple[Int, Int]]) -> None:
        """The part of the whole nest that ``share(length, grain)`` gives."""
        nest, code = self.nest, self.code
        if nest.columns:
            return self._all_columns(share)
        rows, n = prod(nest.lengths[: nest.outer]), nest.lengths[-1] if nest.inner else 1
        if rows == 1 and nest.inner and not max(nest.stage, default=0):  # only the inner loop
            self._at_row(code.int(0), *share(n, 16 * code.lanes))
            return None
        for i in code.loop(*share(rows)):
            self._at_row(i, code.int(0), code.int(n))
        return None

    def block(self, stacks: Sequence[int]) -> None:
        """The turns of one block of the product, which has ``stacks`` for leading axes."""
        nest, code, tile = self.nest, self.code, self.tile
        rows = prod(nest.lengths[: nest.outer])
        first = code.int(0)
        for place, size in zip(tile.stack, stacks):
            first = first * size + place
        first = first * (rows // prod(stacks))
        for i in code.loop(tile.i0, tile.i1):
            self.tile_row = i
            self._at_row(first + i, tile.j0, tile.j1)

    def _at_row(self, row: Int, low: Int, high: Int) -> None:
        """One turn of all outer loops, the innermost loop from ``low`` to ``high``."""
        self.low, self.high = low, high
        self._stages(self._places(row, self.nest.lengths[: self.nest.outer]))

    def _places(self, flat: Int, lengths: Sequence[int]) -> list[Int]:
        """The places in several loops that a flat number stands for."""
        places: list[Int] = []
        for n in reversed(lengths[1:]):
            places.append(flat % n)
            flat = flat // n
        return [flat, *reversed(places)] if lengths else []

    def _all_columns(self, share: Callable[..., tuple[Int, Int]]) -> None:
        """Outer loops, of which the last runs in vectors, some side by side."""
        nest, code, lanes = self.nest, self.code, self.code.lanes
        n, before = nest.lengths[nest.vector], nest.lengths[: nest.outer - 1]
        rows, side = prod(before), max(1, min(COLUMNS, n // lanes // 2))
        whole, rest = divmod(n, side * lanes)
        widths = [lanes] * (rest // lanes) + ([rest % lanes] if rest % lanes else [])
        chunks = whole + bool(widths)
        all_rows, all_chunks = [(code.int(0), code.int(x)) for x in (rows, chunks)]
        by_rows = rows >= 8
        low, high = all_chunks if by_rows else share(chunks)
        for row in code.loop(*(share(rows) if by_rows else all_rows)):
            places = self._places(row, before)
            for chunk in code.loop(low, high.least(whole)):
                self._chunk(places, chunk * (side * lanes), [lanes] * side)
            if widths:
                with code.when(code.int(whole).below(high)):
                    self._chunk(places, code.int(whole * side * lanes), widths)

    def _chunk(self, places: list[Int], column: Int, widths: list[int]) -> None:
        self.widths = widths
        self._stages([*places, column])

    # -- stages ------------------------------------------------------------------------------

    def _stages(self, outer: list[Int]) -> None:
        """The inner loops, once for each stage."""
        nest, tile = self.nest, self.tile
        self.row, self.outer = {}, outer
        reads = [node for node in nest.nodes if node.kind in ("load", "gather", "counter")]
        for access in [*reads, *nest.stores]:  # before any loop, so that it is there in all
            offset = self.code.int(access.start)
            for place, step in zip(outer, access.steps):
                offset = offset + place * step
            self.row["offset", id(access)] = offset
        if tile is not None:
            self.row["tile row"] = (self.tile_row - tile.i0) * tile.row_stride
        for self.now in range(max([nest.stage[s.node] for s in nest.stores], default=0) + 1):
            self.reductions = [
                i
                for i, node in enumerate(nest.nodes)
                if node.kind == "reduce" and nest.stage[i] == self.now + 1
            ]
            stores = [s for s in nest.stores if nest.stage[s.node] == self.now]
            self.stores = [s for s in stores if self._runs_inside(s)]
            rows = [s for s in stores if s not in self.stores]
            self._prepare(rows)
            for store in rows:
                self._store(store, row=True)
            if self.reductions or self.stores:
                self._inner()

    def _prepare(self, rows: list[Store]) -> None:
        """Compute what does not change in the inner loops, before anything is written over."""
        held, self.inner = self.inner, []
        for store in rows:
            for u in self._units():
                self._value(store.node, u)
        self.inner = held
        arguments = [self.nest.nodes[r].arguments[0] for r in self.reductions]
        hoisted: set[int] = set()
        for number in [*arguments, *[s.node for s in self.stores]]:
            self._hoist(number, hoisted)

    def _runs_inside(self, store: Store) -> bool:
        nest = self.nest
        loops = range(nest.outer, len(nest.lengths))
        moves = any([store.steps[i] for i in loops if nest.lengths[i] > 1])
        return moves or nest.inside[store.node]

    def _inner(self) -> None:
        """Run the inner loops: add up the reductions, write the stores."""
        lengths = self.nest.lengths[self.nest.outer :]
        found = self._nested(lengths[:-1] if self.along else lengths, [], self._start())
        units = len(self._units())
        for i, r in enumerate(self.reductions):
            for u in range(units):
                total = Vec(self.code, found[i * units + u], self.nest.nodes[r].dtype)
                if self.along:
                    total = total.across(REDUCERS[self.nest.nodes[r].name][0])
                self.row[self._key(r, u)] = total

    def _neutral(self, reduction: int) -> Vec:
        node = self.nest.nodes[reduction]
        return self.code.number(REDUCERS[node.name][1], node.dtype)

    def _nested(
        self, lengths: Sequence[int], places: list[Int], totals: list[ir.Value]
    ) -> list[ir.Value]:
        """The loops of ``lengths``, then the vectors; gives the totals."""
        code = self.code
        if not lengths:
            return self._vectors(places, totals)
        inside = prod(lengths[1:])
        if self.along:
            inside *= -(-self.nest.lengths[-1] // code.lanes)

        def turn(i: Int, now: list[ir.Value]) -> list[ir.Value]:
            return self._nested(lengths[1:], [*places, i], now)

        return self._summed(code.int(0), code.int(lengths[0]), 1, inside, totals, turn)

    def _summed(
        self,
        low: Int,
        high: Int,
        step: int,
        inside: int,
        totals: list[ir.Value],
        turn: Callable[[Int, list[ir.Value]], list[ir.Value]],
    ) -> list[ir.Value]:
        """A loop; where it is long, parts of it are added up by themselves first, for accuracy.

        Args:
            low: where it begins.
            high: where it ends.
            step: from turn to turn.
            inside: how often each turn adds to the totals.
            totals: those before.
            turn: gives the totals after a turn.
        """
        if not self.reductions or high.known is None:
            return self._run_through(low, high, step, totals, turn)
        turns = -(-high.known // step)
        if inside >= CHUNK // 4 and turns > 1:
            single, turn = turn, lambda i, now: self._added(now, single(i, self._start()))
            inside = 1
        if turns * inside <= 2 * CHUNK:
            return self._run_through(low, high, step, totals, turn)
        part = max(CHUNK // inside, isqrt(turns)) * step

        def stretch(first: Int, now: list[ir.Value]) -> list[ir.Value]:
            end = (first + part).least(high)
            return self._added(now, self._run_through(first, end, step, self._start(), turn))

        return self._run_through(self.code.int(0), high, part, totals, stretch)

    def _run_through(
        self, low: Int, high: Int, step: int, totals: list[ir.Value], turn: Any
    ) -> list[ir.Value]:
        """A loop that carries the totals."""
        loop = self.code.loop(low, high, step, carry=totals)
        for i in loop:
            loop.carry(*turn(i, loop.now))
        return loop.now

    def _start(self) -> list[ir.Value]:
        """The totals of nothing."""
        return [self._neutral(r).value for r in self.reductions for _ in self._units()]

    def _added(self, a: list[ir.Value], b: list[ir.Value]) -> list[ir.Value]:
        units, combined = len(self._units()), []
        for i, (x, y) in enumerate(zip(a, b)):
            node = self.nest.nodes[self.reductions[i // units]]
            values = [Vec(self.code, z, node.dtype) for z in (x, y)]
            combined.append(REDUCERS[node.name][0](*values).value)
        return combined

    def _vectors(self, places: list[Int], totals: list[ir.Value]) -> list[ir.Value]:
        """The innermost loop, if vectors run along it, or else one turn."""
        code, lanes = self.code, self.code.lanes
        if not self.along:
            self.widths = self.widths if self.nest.columns else [1]
            return self._turn(places, totals)
        n = self.nest.lengths[-1]
        whole = n // lanes * lanes
        self.widths = [lanes]

        def turn(j: Int, now: list[ir.Value]) -> list[ir.Value]:
            return self._turn([*places, j], now)

        totals = self._summed(self.low, self.high.least(whole), lanes, 1, totals, turn)
        if n % lanes:
            totals = self._tail([*places, code.int(whole)], totals)
        self.widths = [lanes]
        return totals

    def _tail(self, places: list[Int], totals: list[ir.Value]) -> list[ir.Value]:
        """The last vector, which is not full, if the loop reaches it."""
        code, n = self.code, self.nest.lengths[-1]
        self.widths = [n % code.lanes]
        if self.high.known is not None:
            return self._turn(places, totals)
        before = code.b.block
        with code.when(code.int(n).equals(self.high)):
            found = self._turn(places, totals)
            inside = code.b.block
        merged = []
        for x, y in zip(totals, found):
            phi = code.b.phi(x.type)
            phi.add_incoming(x, before)
            phi.add_incoming(y, inside)
            merged.append(phi)
        return merged

    def _turn(self, places: list[Int], totals: list[ir.Value]) -> list[ir.Value]:
        """One turn of all loops."""
        self.turn, self.inner = {}, places
        units, totals = len(self._units()), list(totals)
        for i, r in enumerate(self.reductions):
            node = self.nest.nodes[r]
            for u in self._units():
                x = self._value(node.arguments[0], u)
                if self.along and self.widths[u] < self.code.lanes:
                    mask = Vec(self.code, first_lanes(self.code, self.widths[u]), np.dtype(bool))
                    x = mask.select(x, self._neutral(r))
                total = Vec(self.code, totals[i * units + u], node.dtype)
                totals[i * units + u] = REDUCERS[node.name][0](total, x).value
        for store in self.stores:  # all is read before the first is written over
            for u in self._units():
                self._value(store.node, u)
        for store in self.stores:
            self._store(store)
        return totals
