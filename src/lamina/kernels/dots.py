"""Dot products of one vector with many: a matrix times a vector, at the speed of memory."""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from ..machine.code import Code, Index, Int
from ..machine.lanes import Vec
from .microkernel import FLOAT32
from .packing import shuffled


def most_dots(lanes: int) -> int:
    """How many dot products go together: enough chains of multiply-adds, few enough streams."""
    return min(lanes, 8)


def dots(code: Code, rest: bool, *arguments: ir.Value | Index) -> None:
    """``c[j] = sum_k a[k] b[j, k]`` for ``count`` neighbours j; a, the rows of b and c contiguous.

    Arguments: pointer a, pointer b and the stride of its rows, pointer c, k, count. Each sum is one
    of lanes, which are added in pairs at the end. ``rest``: k is not a multiple of the lanes.
    """

    def write(inner: Code, a: Any, b: Any, row: Int, c: Any, k: Int, count: Int) -> None:
        group = most_dots(inner.lanes)
        for j in inner.loop(0, count, group):
            left = count - j  # behind the last row, it is read again and not stored
            rows = [inner.at(b, (j + (left - 1).least(i)) * row) for i in range(group)]
            sums = added(_sums(inner, a, rows, k, rest))
            inner.store(sums, c, j, mask=inner.first(left.least(group)))

    code.run(f"dots{'_rest' * rest}", write, *arguments)


def _sums(code: Code, a: ir.Value, rows: list[ir.Value], k: Int, rest: bool) -> list[Vec]:
    """For each row, its sum with a, spread over lanes."""
    whole = k // code.lanes * code.lanes
    loop = code.loop(0, whole, code.lanes, carry=[code.number(0.0).value] * len(rows))
    for i in loop:
        x = code.load(a, i)
        loop.carry(*_turn(code, x, [code.load(row, i) for row in rows], loop.now))
    sums = loop.now
    if rest:
        mask = code.first(k - whole)
        x = code.load(a, whole, mask=mask)
        sums = _turn(code, x, [code.load(row, whole, mask=mask) for row in rows], sums)
    return [Vec(code, x, FLOAT32) for x in sums]


def _turn(code: Code, x: Vec, rows: list[Vec], sums: list[ir.Value]) -> list[ir.Value]:
    return [x.fma(row, Vec(code, now, FLOAT32)).value for row, now in zip(rows, sums)]


def added(sums: list[Vec]) -> Vec:
    """Lane i of the result is the sum of all lanes of ``sums[i]``; a power of two of them.

    Halves are added, so that each step leaves half as many numbers of each sum, and two vectors
    become one.
    """
    width = sums[0].code.lanes
    while width > 1:
        others = zip(sums[::2], sums[1::2]) if len(sums) > 1 else [(sums[0], sums[0])]
        sums = [_halved(x, y, width) for x, y in others]
        width //= 2
    return sums[0]


def _halved(x: Vec, y: Vec, width: int) -> Vec:
    """Both hold parts of ``width`` numbers: add the second half of each part to the first."""
    starts = range(0, 2 * x.code.lanes, width)
    low = [start + i for start in starts for i in range(width // 2)]
    return shuffled(x, y, low) + shuffled(x, y, [i + width // 2 for i in low])
