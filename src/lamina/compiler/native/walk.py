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
from ..nest import Store
from .elementwise import REDUCERS
from .turn import COLUMNS, Turn

CHUNK = 256
"""Turns of a reduction that are added up by themselves first, for accuracy."""


class Walk(Turn):
    """All loops of a nest, once through."""

    # -- outer loops -------------------------------------------------------------------------

    def all(self, part: Int, parts: Int) -> None:
        """The share ``part`` of ``parts`` of the whole nest."""
        nest, code = self.nest, self.code
        if nest.columns:
            return self._all_columns(part, parts)
        rows = prod(nest.lengths[: nest.outer])
        if (
            rows == 1 and not self.loops.stages and nest.inner
        ):  # nothing to share but the inner loop
            n = nest.lengths[-1]
            low, high = _share(code, n, 16 * code.lanes, part, parts)
            self._at_row(code.int(0), low, high)
            return None
        low, high = _share(code, rows, 1, part, parts)
        for i in code.loop(low, high):
            self._at_row(i, code.int(0), code.int(nest.lengths[-1] if nest.inner else 1))
        return None

    def block(self, tile: Any, stacks: Sequence[int]) -> None:
        """The turns of one block of the product."""
        nest, code = self.nest, self.code
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
        self.row = {}
        self.outer = self._places(row, self.nest.lengths[: self.nest.outer])
        self._stages(low, high)

    def _places(self, flat: Int, lengths: Sequence[int]) -> list[Int]:
        """The places in several loops that a flat number stands for."""
        places: list[Int] = []
        for n in reversed(lengths[1:]):
            places.append(flat % n)
            flat = flat // n
        return [flat, *reversed(places)] if lengths else []

    def _all_columns(self, part: Int, parts: Int) -> None:
        """Outer loops, of which the last runs in vectors, some side by side."""
        nest, code, lanes = self.nest, self.code, self.code.lanes
        n = nest.lengths[nest.vector]
        rows = prod(nest.lengths[: nest.outer - 1])
        side = max(1, min(COLUMNS, n // lanes // 2))
        whole, rest = divmod(n, side * lanes)
        widths = [lanes] * (rest // lanes) + ([rest % lanes] if rest % lanes else [])
        chunks = whole + bool(widths)
        by_rows = rows >= 8
        low, high = _share(code, rows if by_rows else chunks, 1, part, parts)
        row_low, row_high = (low, high) if by_rows else (code.int(0), code.int(rows))
        low, high = (code.int(0), code.int(chunks)) if by_rows else (low, high)
        for row in code.loop(row_low, row_high):
            places = self._places(row, nest.lengths[: nest.outer - 1]) if rows > 1 else []
            places = places or [code.int(0)] * (nest.outer - 1)
            for chunk in code.loop(low, high.least(whole)):
                self._chunk(places, chunk * (side * lanes), [lanes] * side)
            if widths:
                with code.when(code.int(whole).below(high)):
                    self._chunk(places, code.int(whole * side * lanes), widths)

    def _chunk(self, places: list[Int], column: Int, widths: list[int]) -> None:
        self.row, self.widths = {}, widths
        self.outer = [*places, column]
        self._stages(self.code.int(0), self.code.int(1))

    # -- stages ------------------------------------------------------------------------------

    def _stages(self, low: Int, high: Int) -> None:
        """The inner loops, once for each stage."""
        nest, tile = self.nest, self.tile
        reads = [node for node in nest.nodes if node.kind in ("load", "gather", "counter")]
        for access in [*reads, *nest.stores]:  # before any loop, so that it is there in all
            offset = self.code.int(access.start)
            for place, step in zip(self.outer, access.steps):
                offset = offset + place * step
            self.row["offset", id(access)] = offset
        if tile is not None:
            self.row["tile row"] = (self.tile_row - tile.i0) * tile.row_stride
        for stage in range(self.loops.stages + 1):
            self.now = stage
            reductions = [
                i
                for i, node in enumerate(nest.nodes)
                if node.kind == "reduce" and nest.stage[i] == stage + 1
            ]
            stores = [s for s in nest.stores if nest.stage[s.node] == stage]
            inner = [s for s in stores if self._runs_inside(s)]
            kept = [i for i in self.loops.kept if nest.stage[i] == stage]
            rows = [s for s in stores if s not in inner]
            self._prepare(rows, reductions, inner, kept)
            for store in rows:
                self._store(store, row=True)
            if reductions or inner or kept:
                self._inner(low, high, reductions, inner, kept)

    def _prepare(
        self, rows: list[Store], reductions: list[int], inner: list[Store], kept: list[int]
    ) -> None:
        """Compute what does not change in the inner loops, before anything is written over."""
        held, self.inner = self.inner, []
        for store in rows:
            for u in self._units():
                self._value(store.node, u)
        self.inner = held
        arguments = [self.nest.nodes[r].arguments[0] for r in reductions]
        hoisted: set[int] = set()
        for number in [*arguments, *[s.node for s in inner], *kept]:
            self._hoist(number, hoisted)

    def _runs_inside(self, store: Store) -> bool:
        nest = self.nest
        loops = range(nest.outer, len(nest.lengths))
        return any([store.steps[i] for i in loops if nest.lengths[i] > 1]) or self.loops._is_inner(
            store.node
        )

    def _inner(
        self, low: Int, high: Int, reductions: list[int], stores: list[Store], kept: list[int]
    ) -> None:
        """Run the inner loops: add up ``reductions``, write ``stores``, keep ``kept``."""
        start = self._start(reductions)
        lengths = self.nest.lengths[self.nest.outer :]
        if not self.nest.columns and lengths:
            lengths = lengths[:-1]
        found = self._nested(lengths, [], start, low, high, reductions, stores, kept)
        units = len(self._units())
        for i, r in enumerate(reductions):
            for u in range(units):
                total = Vec(self.code, found[i * units + u], self.nest.nodes[r].dtype)
                if not self.nest.columns and self.nest.inner:
                    total = total.across(REDUCERS[self.nest.nodes[r].name][0])
                self.row[self._key(r, u)] = total

    def _neutral(self, reduction: int) -> Vec:
        node = self.nest.nodes[reduction]
        return self.code.number(REDUCERS[node.name][1], node.dtype)

    def _nested(
        self,
        lengths: Sequence[int],
        places: list[Int],
        totals: list[ir.Value],
        low: Int,
        high: Int,
        reductions: list[int],
        stores: list[Store],
        kept: list[int],
    ) -> list[ir.Value]:
        """The loops of ``lengths``, then the vectors; gives the totals."""
        code, rest = self.code, (low, high, reductions, stores, kept)
        if not lengths:
            return self._vectors(places, totals, *rest)
        inside = prod(lengths[1:])
        if not self.nest.columns and self.nest.inner:
            inside *= -(-self.nest.lengths[-1] // code.lanes)

        def turn(i: Int, now: list[ir.Value]) -> list[ir.Value]:
            return self._nested(lengths[1:], [*places, i], now, *rest)

        return self._summed(code.int(0), code.int(lengths[0]), 1, inside, totals, reductions, turn)

    def _summed(
        self,
        low: Int,
        high: Int,
        step: int,
        inside: int,
        totals: list[ir.Value],
        reductions: list[int],
        turn: Callable[[Int, list[ir.Value]], list[ir.Value]],
    ) -> list[ir.Value]:
        """A loop; where it is long, parts of it are added up by themselves first, for accuracy.

        Args:
            low: where it begins.
            high: where it ends.
            step: from turn to turn.
            inside: how often each turn adds to the totals.
            totals: those before.
            reductions: whose they are.
            turn: gives the totals after a turn.
        """
        code = self.code
        if not reductions or high.known is None:
            return self._run_through(low, high, step, totals, turn)
        turns = -(-high.known // step)
        if inside >= CHUNK // 4 and turns > 1:
            single, turn = (
                turn,
                lambda i, now: self._added(now, single(i, self._start(reductions)), reductions),
            )
            inside = 1
        if turns * inside <= 2 * CHUNK:
            return self._run_through(low, high, step, totals, turn)
        part = max(CHUNK // inside, isqrt(turns)) * step

        def stretch(first: Int, now: list[ir.Value]) -> list[ir.Value]:
            end = (first + part).least(high)
            found = self._run_through(first, end, step, self._start(reductions), turn)
            return self._added(now, found, reductions)

        return self._run_through(code.int(0), high, part, totals, stretch)

    def _run_through(
        self, low: Int, high: Int, step: int, totals: list[ir.Value], turn: Any
    ) -> list[ir.Value]:
        """A loop that carries the totals."""
        loop = self.code.loop(low, high, step, carry=totals)
        for i in loop:
            loop.carry(*turn(i, loop.now))
        return loop.now

    def _start(self, reductions: list[int]) -> list[ir.Value]:
        """The totals of nothing."""
        return [self._neutral(r).value for r in reductions for _ in self._units()]

    def _added(self, a: list[ir.Value], b: list[ir.Value], reductions: list[int]) -> list[ir.Value]:
        units, code = len(self._units()), self.code
        combined = []
        for i, (x, y) in enumerate(zip(a, b)):
            node = self.nest.nodes[reductions[i // units]]
            combine = REDUCERS[node.name][0]
            combined.append(combine(Vec(code, x, node.dtype), Vec(code, y, node.dtype)).value)
        return combined

    def _vectors(
        self,
        places: list[Int],
        totals: list[ir.Value],
        low: Int,
        high: Int,
        reductions: list[int],
        stores: list[Store],
        kept: list[int],
    ) -> list[ir.Value]:
        code, lanes, rest = self.code, self.code.lanes, (reductions, stores, kept)
        if self.nest.columns:
            return self._turn(places, totals, *rest)
        if not self.nest.inner:
            self.widths = [1]
            return self._turn([], totals, *rest)
        n = self.nest.lengths[-1]
        whole = n // lanes * lanes
        self.widths = [lanes]

        def turn(j: Int, now: list[ir.Value]) -> list[ir.Value]:
            return self._turn([*places, j], now, *rest)

        totals = self._summed(low, high.least(whole), lanes, 1, totals, reductions, turn)
        if n % lanes:
            totals = self._tail(high, totals, [*places, code.int(whole)], n, rest)
        self.widths = [lanes]
        return totals

    def _tail(
        self, high: Int, totals: list[ir.Value], places: list[Int], n: int, rest: Any
    ) -> list[ir.Value]:
        """The last vector, which is not full, if the loop reaches it."""
        code = self.code
        self.widths = [n % code.lanes]
        if high.known is not None:
            return self._turn(places, totals, *rest)
        before = code.b.block
        with code.when(code.int(n).equals(high)):
            found = self._turn(places, totals, *rest)
            inside = code.b.block
        merged = []
        for x, y in zip(totals, found):
            phi = code.b.phi(x.type)
            phi.add_incoming(x, before)
            phi.add_incoming(y, inside)
            merged.append(phi)
        return merged

    def _turn(
        self,
        places: list[Int],
        totals: list[ir.Value],
        reductions: list[int],
        stores: list[Store],
        kept: list[int],
    ) -> list[ir.Value]:
        """One turn of all loops."""
        self.turn, self.inner = {}, places
        units = len(self._units())
        totals = list(totals)
        for i, r in enumerate(reductions):
            node = self.nest.nodes[r]
            for u in self._units():
                x = self._value(node.arguments[0], u)
                if not self.nest.columns and self.widths[u] < self.code.lanes and self.nest.inner:
                    mask = Vec(self.code, first_lanes(self.code, self.widths[u]), np.dtype(bool))
                    x = mask.select(x, self._neutral(r))
                total = Vec(self.code, totals[i * units + u], node.dtype)
                totals[i * units + u] = REDUCERS[node.name][0](total, x).value
        for number in kept:
            for u in self._units():
                self._kept_store(number, u)
        for store in stores:  # all is read before the first is written over
            for u in self._units():
                self._value(store.node, u)
        for store in stores:
            self._store(store)
        return totals


def _share(code: Code, n: int, grain: int, part: Int, parts: Int) -> tuple[Int, Int]:
    """The part of 0..n, in multiples of ``grain``."""
    units = -(-n // grain)
    low, high = part * units // parts, (part + 1) * units // parts
    return (low * grain).least(n), (high * grain).least(n)
