"""What one turn of the loops of a nest computes, reads and writes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from llvmlite import ir

from ...errors import ProgramError
from ...machine.code import I64, Code, Int
from ...machine.lanes import I32, Vec
from ..nest import Nest, Node, Store
from .elementwise import OPERATIONS


class Turn:
    """The values of one turn of the loops of a nest, as they are written.

    Args:
        nest: what to do.
        code: where to.
        pointers: the address of each array of the nest.
        hosts: that of each number that the host gives, float32.
        tile: the block of the product, if it runs on one.
    Attributes:
        widths: how many numbers count, of each of the vectors side by side.
        outer, inner: where the loops are.
        row, turn: what is known in a turn of the outer loops, and in one of the inner loops.
        now: the stage.
    """

    def __init__(
        self, nest: Nest, code: Code, pointers: Sequence[ir.Value], hosts: Any, tile: Any = None
    ):
        self.nest, self.code = nest, code
        self.pointers, self.hosts, self.tile = pointers, hosts, tile
        self.widths = [code.lanes]
        self.outer: list[Int] = []
        self.inner: list[Int] = []
        self.row: dict[Any, Any] = {}
        self.turn: dict[Any, Any] = {}
        self.now = 0

    def _units(self) -> range:
        return range(len(self.widths))

    # -- values ------------------------------------------------------------------------------

    def _hoist(self, number: int, done: set[int]) -> None:
        """Compute before the inner loops what does not change in them."""
        nest = self.nest
        if number in done:
            return
        done.add(number)
        if not nest.inside[number]:
            for u in self._units():
                self._value(number, u)
            return
        for argument in nest.nodes[number].arguments:
            self._hoist(argument, done)

    def _key(self, number: int, unit: int) -> tuple[int, int | None]:
        """What the vectors side by side that hold the same of a node have in common."""
        along = self.nest.columns and self.nest.vector in self.nest.depends[number]
        return number, unit if along else None

    def _value(self, number: int, unit: int) -> Vec:
        """The vector of a node, computed once in its loop."""
        memo = self.turn if self.nest.inside[number] else self.row
        key = self._key(number, unit)
        if key not in memo:
            memo[key] = self._compute(number, unit)
        return memo[key]

    def _compute(self, number: int, unit: int) -> Vec:
        nest, code = self.nest, self.code
        node = nest.nodes[number]
        if nest.inside[number] and nest.stage[number] < self.now:
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
        if node.kind != "op":
            raise ProgramError(
                f"native code: {node.kind} {number} is not there yet in stage {self.now}"
            )
        arguments = [
            self._value(a, unit).cast(dtype) for a, dtype in zip(node.arguments, node.dtypes)
        ]
        if node.name == "astype":
            return arguments[0].cast(node.dtype)
        return OPERATIONS[node.name](*arguments)

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
        return self._collected(pointer, lambda lane: offset + lane * step, dtype, unit)

    def _step(self, access: Any) -> int:
        """Elements from lane to lane."""
        return access.steps[self.nest.vector] if access.steps else 0

    def _collected(self, pointer: Any, place: Callable[[int], Int], dtype: Any, unit: int) -> Vec:
        """Elements that are not neighbours; ``place(lane)`` is where each is."""
        code = self.code
        value = code.number(0, dtype).value
        for lane in range(self.widths[unit]):
            x = code.scalar(pointer, place(lane), dtype)
            value = code.b.insert_element(value, x, I32(lane))
        return Vec(code, value, np.dtype(dtype))

    def _counter(self, node: Node, unit: int) -> Vec:
        code = self.code
        offset = self._offset(node, unit)
        kind = ir.VectorType(I64, code.lanes)
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
        code, place = self.code, self._value(node.arguments[0], unit).cast(np.int64)
        pointer, offset, step = self.pointers[node.slot], self._offset(node, unit), self._step(node)
        if step == 1 and self.nest.vector not in self.nest.depends[node.arguments[0]]:
            row = Int(code, place.lane(0)) * node.value
            return code.load(pointer, offset + row, self.widths[unit], node.dtype)

        def at(lane: int) -> Int:
            return Int(code, place.lane(lane)) * node.value + offset + lane * step

        return self._collected(pointer, at, node.dtype, unit)

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


def _constant(code: Code, node: Node) -> Vec:
    value = float(node.value) if isinstance(node.value, str) else node.value
    return code.number(value, node.dtype)
