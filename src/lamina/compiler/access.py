"""Where the numbers of a value lie: which element a loop finds at each of its turns.

An `Index` says, for each axis of a value, which place the loops of a nest look at: a row of
integers, one factor for each loop and one constant. Views (transpose, slice, ...) only change it,
so they cost nothing; `Layout` turns it into an address.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from math import prod
from typing import Any, TypeAlias

from ..listen import Instruction

Row: TypeAlias = "tuple[int, ...]"
Index: TypeAlias = "tuple[Row, ...]"


def identity(shape: Sequence[int]) -> Index:
    """The index of a value that a nest runs over, a loop an axis; axes of length 1 stand still."""
    count = len(shape)
    return tuple([(*[int(i == j and n > 1) for j in range(count)], 0) for i, n in enumerate(shape)])


def broadcast(index: Index, shape: Sequence[int]) -> Index:
    """The index of an operand of ``shape`` under a result that has ``index``."""
    still = (0,) * (len(index[0]) if index else 1)
    rows = index[len(index) - len(shape) :] if shape else ()
    return tuple([still if n == 1 else row for n, row in zip(shape, rows)])


def through(view: Instruction, index: Index) -> Index | None:
    """The index of the operand of a view, given that of its result; None if it is not linear."""
    fields, shape = view.fields, view.values[0].shape
    if view.opcode == "transpose":
        axes = fields["axes"]
        return tuple([index[axes.index(i)] for i in range(len(axes))])
    if view.opcode == "broadcast_to":
        return broadcast(index, shape)
    if view.opcode == "slice":
        return tuple(
            [
                (*[n * step for n in row[:-1]], row[-1] * step + start)
                for row, start, step in zip(index, fields["start"], fields["step"])
            ]
        )
    return unshaped(shape, fields["shape"], index)


def unshaped(shape: Sequence[int], new: Sequence[int], index: Index) -> Index | None:
    """The index of an array of ``shape``, given that of the same numbers in the shape ``new``."""
    width = len(index[0]) if index else 1
    rows: list[Row] = []
    for old_axes, new_axes in blocks(shape, new):
        wide = [i for i in old_axes if shape[i] != 1]
        if len(wide) > 1:
            kept = [i for i in new_axes if new[i] != 1]
            if [shape[i] for i in wide] != [new[i] for i in kept]:
                return None  # one place of the result would be a quotient and a rest
            found = {i: index[j] for i, j in zip(wide, kept)}
        elif wide:
            found = {wide[0]: _flattened([new[i] for i in new_axes], [index[i] for i in new_axes])}
        else:
            found = {}
        rows += [found.get(i, (0,) * width) for i in old_axes]
    return tuple(rows)


def _flattened(lengths: Sequence[int], rows: Sequence[Row]) -> Row:
    """The place in the axis that several axes make when laid one after another."""
    steps = [prod(lengths[i + 1 :]) for i in range(len(lengths))]
    return tuple([sum([n * s for n, s in zip(column, steps)]) for column in zip(*rows)])


def blocks(old: Sequence[int], new: Sequence[int]) -> list[tuple[list[int], list[int]]]:
    """The smallest runs of axes of two shapes that hold the same elements."""
    found: list[tuple[list[int], list[int]]] = []
    if 0 in old or 0 in new:
        return [(list(range(len(old))), list(range(len(new))))]
    i = j = 0
    while i < len(old) or j < len(new):
        a, b = [], []
        size_a = size_b = 1
        if i < len(old):
            a, size_a, i = [i], old[i], i + 1
        if j < len(new) and (size_a != 1 or not a):
            b, size_b, j = [j], new[j], j + 1
        while size_a != size_b:
            if size_a < size_b:
                a.append(i)
                size_a, i = size_a * old[i], i + 1
            else:
                b.append(j)
                size_b, j = size_b * new[j], j + 1
        found.append((a, b))
    return found


@dataclass(frozen=True)
class Layout:
    """How a stored value lies in its buffer: elements from place to place along each axis."""

    strides: tuple[int, ...]
    start: int = 0

    def steps(self, index: Index, loops: int) -> tuple[tuple[int, ...], int]:
        """For each loop the elements from turn to turn, and where the first turn is."""
        columns = list(zip(*index)) if index else []
        factors = [sum([n * s for n, s in zip(c, self.strides)]) for c in columns]
        factors = factors or [0] * (loops + 1)
        return tuple(factors[:-1]), factors[-1] + self.start


def dense(shape: Sequence[int], order: Sequence[int] | None = None) -> Layout:
    """A value without gaps, its axes in ``order`` from the slowest to the fastest."""
    order = list(range(len(shape))) if order is None else list(order)
    lengths = [shape[i] for i in order]
    steps = list(accumulate(reversed(lengths[1:]), lambda a, b: a * b, initial=1))[::-1]
    strides: dict[int, int] = dict(zip(order, steps))
    return Layout(tuple([strides[i] for i in range(len(shape))]))


def viewed(view: Instruction, layout: Layout) -> Layout | None:
    """The layout of a view in the buffer of its operand; None if it cannot be one."""
    if view.opcode == "reshape":
        return _reshaped(view.values[0].shape, layout, view.fields["shape"])
    result = view.results[0]
    index: Any = through(view, identity(result.shape))  # all but a reshape are linear
    # here axes of length 1 stand still as well: their stride says nothing
    strides, start = layout.steps(index, result.ndim)
    return Layout(strides, start)


def _reshaped(shape: Sequence[int], layout: Layout, new: Sequence[int]) -> Layout | None:
    strides: dict[int, int] = {}
    for old_axes, new_axes in blocks(shape, new):
        wide = [i for i in old_axes if shape[i] != 1]
        for a, b in pairwise(wide):
            if layout.strides[a] != layout.strides[b] * shape[b]:
                return None
        step = layout.strides[wide[-1]] if wide else 0
        for j in reversed(new_axes):
            strides[j] = step
            step *= new[j]
    return Layout(tuple([strides[j] for j in range(len(new))]), layout.start)
