"""Nests of loops as native code.

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

from ..nest import Nest, Node, Store
from .code import Code, Int
from .elementwise import OPERATIONS, REDUCERS
from .lanes import I32, Vec, first_lanes, number
from .target import Target

SMALL = 1 << 14
"""Operations below which one thread does all of a nest: to wake the others costs more."""

CHUNK = 256
"""Turns of a reduction that are added up by themselves first, for accuracy."""

COLUMNS = 4
"""Vectors side by side where vectors run along an outer loop."""

CHEAP_AGAIN = 6
"""Nodes that are computed again in a later stage, rather than kept."""


class Loops:
    """The code of a `Nest`.

    Args:
        nest: what to do.
        target: the processor.
    Attributes:
        scratch: bytes of memory that each thread needs.
    """

    def __init__(self, nest: Nest, target: Target):
        self.nest, self.target = nest, target
        self.lanes = target.lanes
        self.stages = max([nest.stage[s.node] for s in nest.stores], default=0)
        inner = frozenset(range(nest.outer, len(nest.lengths)))
        self._inner = [not inner.isdisjoint(loops) for loops in nest.depends]
        self._costs: dict[int, int] = {}
        self.kept = self._kept()
        self._row = prod(nest.lengths[nest.outer :])
        width = (COLUMNS * self.lanes) if nest.columns else 1
        self._each = -(-(self._row * width + self.lanes) // 16) * 16
        self.scratch = len(self.kept) * self._each * 4

    def _kept(self) -> dict[int, int]:
        """Nodes of an earlier stage that a later one needs, and that cost too much to make again."""
        nest, kept = self.nest, {}
        stored = {s.node for s in nest.stores}
        self._looked: set[tuple[int, int]] = set()
        for reader, node in enumerate(nest.nodes):
            if node.kind == "reduce":
                self._look(node.arguments[0], nest.stage[node.arguments[0]], stored, kept)
            elif reader in stored:
                self._look(reader, nest.stage[reader], stored, kept)
        return {node: i for i, node in enumerate(sorted(kept))}

    def _look(self, number: int, stage: int, stored: set[int], kept: dict[int, int]) -> None:
        for argument in self.nest.nodes[number].arguments:
            node = self.nest.nodes[argument]
            if node.kind == "reduce" or not self._is_inner(argument):
                continue
            if (argument, stage) in self._looked:
                continue
            self._looked.add((argument, stage))
            earlier = self.nest.stage[argument] < stage
            if earlier and argument not in stored and self._cost(argument) > CHEAP_AGAIN:
                if node.kind == "op" and node.dtype == np.float32:  # scratch memory holds no others
                    kept[argument] = 0
                    continue
            if not (earlier and argument in stored):
                self._look(argument, stage, stored, kept)

    def _cost(self, number: int) -> int:
        """What it costs to make a node again."""
        node = self.nest.nodes[number]
        if node.kind != "op" or not self._is_inner(number):
            return 0
        if number not in self._costs:
            own = 20 if node.name in COSTLY else 1
            self._costs[number] = own + sum([self._cost(a) for a in node.arguments])
        return self._costs[number]

    def _is_inner(self, number: int) -> bool:
        """Whether a node changes from turn to turn of the inner loops."""
        return self._inner[number]

    @property
    def work(self) -> int:
        """Operations, about."""
        each = sum([20 if n.name in COSTLY else 1 for n in self.nest.nodes if n.kind == "op"])
        return prod(self.nest.lengths) * (each + 1)

    @property
    def alone(self) -> bool:
        """Whether one thread does it all."""
        return self.work < SMALL

    # -- emission ----------------------------------------------------------------------------

    def emit(self, code: Code, pointers: Sequence[ir.Value], hosts: Any, scratch: Any) -> None:
        """Write the whole nest, each thread its share.

        Args:
            code: where to.
            pointers: the address of each array of the nest.
            hosts: that of each number that the host gives, float32.
            scratch: that of `scratch` bytes of the thread's own.
        """
        run = _Run(self, code, pointers, hosts, scratch)
        if self.alone:
            with code.alone():
                run.all(code.int(0), code.int(1))
        else:
            run.all(code.tid, code.threads)

    def emit_block(
        self,
        code: Code,
        pointers: Sequence[ir.Value],
        hosts: Any,
        scratch: Any,
        tile: Any,
        stacks: Sequence[int],
    ) -> None:
        """Write the nest over one block of its product, which has ``stacks`` for leading axes."""
        _Run(self, code, pointers, hosts, scratch, tile).block(tile, stacks)


COSTLY = frozenset("exp exp2 expm1 log log1p log2 tanh sin cos power".split())


class _Run:
    """One writing of the loops."""

    def __init__(
        self,
        loops: Loops,
        code: Code,
        pointers: Sequence[ir.Value],
        hosts: Any,
        scratch: Any,
        tile: Any = None,
    ):
        self.loops, self.nest, self.code = loops, loops.nest, code
        self.pointers, self.hosts, self.scratch, self.tile = pointers, hosts, scratch, tile
        self.widths = [code.lanes]
        self.outer: list[Int] = []
        self.inner: list[Int] = []
        self.row: dict[Any, Any] = {}
        self.turn: dict[Any, Any] = {}
        self.now = 0

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

    def _units(self) -> range:
        return range(len(self.widths))

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

    # -- values ------------------------------------------------------------------------------

    def _hoist(self, number: int, done: set[int]) -> None:
        """Compute before the inner loops what does not change in them."""
        nest = self.nest
        if number in done:
            return
        done.add(number)
        if not self.loops._is_inner(number):
            for u in self._units():
                self._value(number, u)
            return
        if nest.stage[number] < self.now and number in self.loops.kept:
            return
        node = nest.nodes[number]
        for argument in node.arguments:
            self._hoist(argument, done)
        if node.name == "divide" and not self.loops._is_inner(node.arguments[1]):
            below = node.arguments[1]
            for u in self._units():
                self.row["reciprocal", below, u] = _reciprocal(
                    self._value(below, u).cast(np.float32)
                )

    def _key(self, number: int, unit: int) -> tuple[int, int | None]:
        """What the vectors side by side that hold the same of a node have in common."""
        along = self.nest.columns and self.nest.vector in self.nest.depends[number]
        return number, unit if along else None

    def _value(self, number: int, unit: int) -> Vec:
        """The vector of a node, computed once in its loop."""
        memo = self.turn if self.loops._is_inner(number) else self.row
        key = self._key(number, unit)
        if key not in memo:
            memo[key] = self._compute(number, unit)
        return memo[key]

    def _compute(self, number: int, unit: int) -> Vec:
        nest, code = self.nest, self.code
        node = nest.nodes[number]
        if self.loops._is_inner(number) and nest.stage[number] < self.now:
            if number in self.loops.kept:
                return self._kept_load(number, unit)
            for store in nest.stores:
                if store.node == number and store.steps[nest.vector] == 1:
                    return self._read(store.slot, store, node.dtype, unit)
        if node.kind == "constant":
            return _constant(code, node)
        if node.kind == "host":
            return code.splat(self.hosts[node.slot], 0, np.float32)
        if node.kind == "counter":
            return self._counter(node, unit)
        if node.kind == "load":
            return self._read(node.slot, node, node.dtype, unit)
        if node.kind == "tile":
            return self._tile(unit)
        if node.kind == "gather":
            return self._gather(node, unit)
        assert node.kind == "op", f"{node.kind} {number} is not there yet in stage {self.now}"
        arguments = [
            self._value(a, unit).cast(dtype) for a, dtype in zip(node.arguments, node.dtypes)
        ]
        if node.name == "divide":
            return self._divide(node, arguments, unit)
        if node.name == "astype":
            return arguments[0].cast(node.dtype)
        return OPERATIONS[node.name](*arguments)

    def _divide(self, node: Node, arguments: list[Vec], unit: int) -> Vec:
        """A quotient; by a number that stays in the loop, a product with its reciprocal."""
        x, y = arguments
        reciprocal = self.row.get(("reciprocal", node.arguments[1], unit))
        inside = self.loops._is_inner(node.arguments[0])
        if not inside or reciprocal is None:
            return x / y
        factor, scale = reciprocal
        return x * scale * factor

    def _offset(self, access: Any, unit: int) -> Int:
        """Elements from the start of an array to what a turn needs of it."""
        nest, outer = self.nest, self.nest.outer
        offset = self.row["offset", id(access)]
        if nest.columns and unit:
            offset = offset + access.steps[nest.vector] * (unit * self.code.lanes)
        for place, step in zip(self.inner, access.steps[outer:]):
            offset = offset + place * step
        return offset

    def _read(self, slot: int, access: Any, dtype: Any, unit: int) -> Vec:
        offset = self._offset(access, unit)
        pointer, step = self.pointers[slot], self._step(access)
        if step == 0:
            return self.code.splat(pointer, offset, dtype)
        if step == 1:
            return self.code.load(pointer, offset, self.widths[unit], dtype)
        return self._apart(pointer, offset, step, dtype, self.widths[unit])

    def _step(self, access: Any) -> int:
        """Elements from lane to lane."""
        return access.steps[self.nest.vector] if access.steps else 0

    def _apart(self, pointer: Any, offset: Int, step: int, dtype: Any, width: int) -> Vec:
        """Elements that are not neighbours."""
        code = self.code
        vector = number(code, 0, np.dtype(dtype))
        value = vector.value
        for lane in range(width):
            x = code.scalar(pointer, offset + lane * step, dtype)
            value = code.b.insert_element(value, x, I32(lane))
        return Vec(code, value, np.dtype(dtype))

    def _counter(self, node: Node, unit: int) -> Vec:
        code = self.code
        offset = self._offset(node, unit)
        kind = ir.VectorType(code.element(np.int64), code.lanes)
        step = self._step(node)
        lanes = Vec(
            code, ir.Constant(kind, [step * i for i in range(code.lanes)]), np.dtype(np.int64)
        )
        first = Vec.splat(code, offset.value, np.dtype(np.int64))
        return (first + lanes).cast(node.dtype)

    def _tile(self, unit: int) -> Vec:
        """What the product gives."""
        tile, code = self.tile, self.code
        offset = self.row["tile row"] + (self.inner[-1] - tile.j0)
        return code.load(tile.pointer, offset, self.widths[unit])

    def _gather(self, node: Node, unit: int) -> Vec:
        """Elements at places that are data; a place counts from 0, for it was checked."""
        code, place = self.code, self._value(node.arguments[0], unit)
        pointer, offset = self.pointers[node.slot], self._offset(node, unit)
        step, width = self._step(node), self.widths[unit]
        same = self.nest.vector not in self.nest.depends[node.arguments[0]]
        if same:
            first = Int(code, _wide(code, place.lane(0))) * node.value
            if step == 1:
                return code.load(pointer, offset + first, width, node.dtype)
            return self._apart(pointer, offset + first, step, node.dtype, width)
        value = number(code, 0, np.dtype(node.dtype)).value
        for lane in range(width):
            at = Int(code, _wide(code, place.lane(lane))) * node.value + offset + lane * step
            value = code.b.insert_element(value, code.scalar(pointer, at, node.dtype), I32(lane))
        return Vec(code, value, np.dtype(node.dtype))

    # -- memory ------------------------------------------------------------------------------

    def _store(self, store: Store, row: bool = False) -> None:
        nest, code = self.nest, self.code
        inner = self.inner
        if row:
            self.inner = []
        for u in self._units():
            x = self._value(store.node, u)
            offset, step = self._offset(store, u), self._step(store)
            pointer = self.pointers[store.slot]
            if row and not nest.columns:
                code.put(x.lane(0), pointer, offset)
            elif step == 1:
                code.store(x, pointer, offset, self.widths[u])
            else:
                for lane in range(self.widths[u]):
                    code.put(x.lane(lane), pointer, offset + lane * step)
        self.inner = inner

    def _place(self, number: int, unit: int) -> Int:
        """Where a kept node lies in the scratch memory."""
        nest, code = self.nest, self.code
        offset = code.int(0)
        for place, n in zip(self.inner, nest.lengths[nest.outer :]):
            offset = offset * n + place
        if nest.columns:
            offset = (offset * COLUMNS + unit) * code.lanes
        return offset + self.loops.kept[number] * self.loops._each

    def _kept_load(self, number: int, unit: int) -> Vec:
        return self.code.load(self.scratch, self._place(number, unit))

    def _kept_store(self, number: int, unit: int) -> None:
        self.code.store(self._value(number, unit), self.scratch, self._place(number, unit))


def _reciprocal(y: Vec) -> tuple[Vec, Vec]:
    """What a number is multiplied by, one after the other, in place of a division by ``y``.

    The second is a power of two: with it 1 / y neither overflows nor loses digits, where y is near
    an end of the range.
    """
    size, one = y.abs(), y._other(1.0)
    scale = (size < 2.0**-64).select(y._other(2.0**64), one)
    scale = (size > 2.0**64).select(y._other(2.0**-64), scale)
    return 1.0 / (y * scale), scale


def _wide(code: Code, x: ir.Value) -> ir.Value:
    return x if x.type.width == 64 else code.b.sext(x, ir.IntType(64))


def _constant(code: Code, node: Node) -> Vec:
    value = float(node.value) if isinstance(node.value, str) else node.value
    return code.number(value, node.dtype)


def _share(code: Code, n: int, grain: int, part: Int, parts: Int) -> tuple[Int, Int]:
    """The part of 0..n, in multiples of ``grain``."""
    units = -(-n // grain)
    low, high = part * units // parts, (part + 1) * units // parts
    return (low * grain).least(n), (high * grain).least(n)
