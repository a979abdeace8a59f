"""Panels: parts of a matrix copied so that a tile's loop reads them one after another.

A panel holds ``vectors * lanes`` columns of b, row after row: [k][vectors * lanes]. Columns behind
the last one hold anything finite.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from ..machine.code import I32, Code, Index, Int
from ..machine.lanes import Vec
from .microkernel import FLOAT32, LINE, prefetch

# Rows of a matrix that are asked for before they are copied.
AHEAD = 8


def pack_rows(code: Code, vectors: int, *arguments: ir.Value | Index) -> None:
    """Copy neighbouring panels whose rows are contiguous.

    All rows of k at once, as memory likes it. Arguments: pointer and row stride of the source,
    pointer of the first panel, k, how many panels there are and from one to the next, and how many
    lanes the last vector of the last one has; the others become 0.
    """

    def write(
        inner: Code, source: Any, row: Int, panel: Any, k: Int, count: Int, step: Int, width: Int
    ) -> None:
        mask, wide = inner.first(width), vectors * inner.lanes
        for i in inner.loop(0, k):
            x, y = inner.at(source, i * row), inner.at(panel, i * wide)
            ahead = inner.at(x, row * AHEAD)
            for p in inner.loop(0, count - 1):
                for v in range(0, wide, LINE):
                    prefetch(inner, inner.at(ahead, p * wide + v))
                for v in range(0, wide, inner.lanes):
                    inner.store(inner.load(x, p * wide + v), y, p * step + v)
            x, y = inner.at(x, (count - 1) * wide), inner.at(y, (count - 1) * step)
            for v in range(0, wide, inner.lanes):
                last = mask if v + inner.lanes == wide else None
                inner.store(inner.load(x, v, mask=last), y, v)

    code.run(f"pack_rows_{vectors}", write, *arguments)


def pack_columns(code: Code, *arguments: ir.Value | Index) -> None:
    """Copy one vector's columns, each of them contiguous, into a panel; k is at least the lanes.

    Arguments: pointer and column stride of the source, pointer and row stride of the panel, k, and
    how many columns there are; the lanes behind repeat the last one.
    """

    def write(
        inner: Code, source: Any, column: Int, panel: Any, row: Int, k: Int, columns: Int
    ) -> None:
        lanes = inner.lanes
        starts = [inner.at(source, (columns - 1).least(i) * column) for i in range(lanes)]
        for step in inner.loop(0, k, lanes):
            at = step.least(k - lanes)  # the last turn goes over a few numbers again
            block = transposed([inner.load(x, at) for x in starts])
            for i, x in enumerate(block):
                inner.store(x, inner.at(panel, (at + i) * row))

    code.run("pack_columns", write, *arguments)


def pack_copy(code: Code, *arguments: ir.Value | Index) -> None:
    """Copy ``count`` neighbours of each of k rows.

    Arguments: pointer and row stride of the source, pointer and row stride of the copy, k, count.
    """

    def write(inner: Code, source: Any, row: Int, panel: Any, to: Int, k: Int, count: Int) -> None:
        lanes = inner.lanes
        whole = count // lanes * lanes
        mask = inner.first(count - whole)
        for i in inner.loop(0, k):
            x, y = inner.at(source, i * row), inner.at(panel, i * to)
            for j in inner.loop(0, whole, lanes):
                inner.store(inner.load(x, j), y, j)
            if lanes > 4:  # narrow processors have no masked loads
                with inner.when(whole.below(count)):
                    inner.store(inner.load(x, whole, mask=mask), y, whole)
            else:
                for j in inner.loop(whole, count):
                    inner.put(inner.scalar(x, j), y, j)

    code.run("pack_copy", write, *arguments)


def pack_strided(code: Code, *arguments: ir.Value | Index) -> None:
    """Copy one vector's columns into a panel, one number at a time: for all other layouts.

    Arguments: pointer, row stride and column stride of the source, pointer and row stride of the
    panel, k, and how many columns there are; lanes behind them are not written.
    """

    def write(
        inner: Code, source: Any, row: Int, column: Int, panel: Any, to: Int, k: Int, columns: Int
    ) -> None:
        for i in inner.loop(0, k):
            x, y = inner.at(source, i * row), inner.at(panel, i * to)
            for j in inner.loop(0, columns):
                inner.put(inner.scalar(x, j * column), y, j)

    code.run("pack_strided", write, *arguments)


def transposed(rows: list[Vec]) -> list[Vec]:
    """As many vectors as there are lanes, rows become columns.

    Three steps that processors have single instructions for: neighbours interleaved by one and by
    two within each four lanes, then whole fours exchanged.
    """
    lanes = len(rows)
    fours: list[list[Vec]] = []
    for i in range(0, lanes, 4):
        a, b, c, d = rows[i : i + 4]
        ab, ab2 = _within(a, b, [0, 4, 1, 5]), _within(a, b, [2, 6, 3, 7])
        cd, cd2 = _within(c, d, [0, 4, 1, 5]), _within(c, d, [2, 6, 3, 7])
        fours.append([_within(x, y, order) for x, y in ((ab, cd), (ab2, cd2))
                      for order in ([0, 1, 4, 5], [2, 3, 6, 7])])  # fmt: skip
    result: list[Vec] = [rows[0]] * lanes
    for column in range(4):
        for part, x in enumerate(_exchanged([four[column] for four in fours])):
            result[4 * part + column] = x
    return result


def _within(x: Vec, y: Vec, order: list[int]) -> Vec:
    """Each four lanes of the result from the same four of x (0 to 3) and of y (4 to 7)."""
    lanes = x.code.lanes
    mask = [
        part + i if i < 4 else lanes + part + i - 4 for part in range(0, lanes, 4) for i in order
    ]
    return shuffled(x, y, mask)


def _exchanged(parts: list[Vec]) -> list[Vec]:
    """``result[i]`` joins the i-th four lanes of each of the vectors."""
    if len(parts) == 1:
        return parts
    half, lanes = len(parts) // 2, parts[0].code.lanes
    even = [part + i for part in range(0, 2 * lanes, 8) for i in range(4)]
    odd = [i + 4 for i in even]
    pairs = [(shuffled(x, y, even), shuffled(x, y, odd)) for x, y in zip(parts[::2], parts[1::2])]
    evens, odds = _exchanged([x for x, _ in pairs]), _exchanged([x for _, x in pairs])
    if half == 1:
        return [evens[0], odds[0]]
    return [x for pair in zip(evens, odds) for x in pair]


def shuffled(x: Vec, y: Vec, order: list[int]) -> Vec:
    """The lanes of ``order``: those of x, then those of y."""
    mask = ir.Constant(ir.VectorType(I32, len(order)), order)
    return Vec(x.code, x.code.b.shuffle_vector(x.value, y.value, mask), FLOAT32)
