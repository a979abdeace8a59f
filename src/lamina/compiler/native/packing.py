"""Panels: parts of a matrix copied so that a tile's loop reads them one after another.

A panel holds ``vectors * lanes`` columns of b, row after row: [k][vectors * lanes]. Columns behind
the last one hold anything finite.
"""

from __future__ import annotations

from llvmlite import ir

from .code import I32, I64, POINTER, Code, Routine, routine
from .lanes import Vec
from .microkernel import FLOAT32, LINE, arguments, first, load, prefetch

# Rows of a matrix that are asked for before they are copied.
AHEAD = 8


def rows_routine(code: Code, vectors: int) -> ir.Function:
    """Copy neighbouring panels whose rows are contiguous.

    All rows of k at once, as memory likes it. Arguments: pointer and row stride of the source,
    pointer of the first panel, k, how many panels there are and from one to the next, and how many
    lanes the last vector of the last one has; the others become 0.
    """

    def write(inner: Routine) -> None:
        (source, panel), (row, k, count, step, width) = arguments(inner)
        mask, wide = first(inner, width.value), vectors * inner.lanes
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
                inner.store(load(inner, x, v, last), y, v)

    kinds = [POINTER, I64, POINTER, I64, I64, I64, I64]
    return routine(code, f"pack_rows_{vectors}", kinds, write)


def columns_routine(code: Code) -> ir.Function:
    """Copy one vector's columns, each of them contiguous, into a panel; k is at least the lanes.

    Arguments: pointer and column stride of the source, pointer and row stride of the panel, k, and
    how many columns there are; the lanes behind repeat the last one.
    """

    def write(inner: Routine) -> None:
        (source, panel), (column, row, k, columns) = arguments(inner)
        lanes = inner.lanes
        starts = [inner.at(source, (columns - 1).least(i) * column) for i in range(lanes)]
        for step in inner.loop(0, k, lanes):
            at = step.least(k - lanes)  # the last turn goes over a few numbers again
            block = transposed([inner.load(x, at) for x in starts])
            for i, x in enumerate(block):
                inner.store(x, inner.at(panel, (at + i) * row))

    return routine(code, "pack_columns", [POINTER, I64, POINTER, I64, I64, I64], write)


def copy_routine(code: Code) -> ir.Function:
    """Copy ``count`` neighbours of each of k rows.

    Arguments: pointer and row stride of the source, pointer and row stride of the copy, k, count.
    """

    def write(inner: Routine) -> None:
        (source, panel), (row, to, k, count) = arguments(inner)
        lanes = inner.lanes
        whole = count // lanes * lanes
        mask = first(inner, (count - whole).value)
        for i in inner.loop(0, k):
            x, y = inner.at(source, i * row), inner.at(panel, i * to)
            for j in inner.loop(0, whole, lanes):
                inner.store(inner.load(x, j), y, j)
            if lanes > 4:  # narrow processors have no masked loads
                with inner.when(whole.below(count)):
                    inner.store(load(inner, x, whole, mask), y, whole)
            else:
                for j in inner.loop(whole, count):
                    inner.put(inner.scalar(x, j), y, j)

    return routine(code, "pack_copy", [POINTER, I64, POINTER, I64, I64, I64], write)


def strided_routine(code: Code) -> ir.Function:
    """Copy one vector's columns into a panel, one number at a time: for all other layouts.

    Arguments: pointer, row stride and column stride of the source, pointer and row stride of the
    panel, k, and how many columns there are; lanes behind them are not written.
    """

    def write(inner: Routine) -> None:
        (source, panel), (row, column, to, k, columns) = arguments(inner)
        for i in inner.loop(0, k):
            x, y = inner.at(source, i * row), inner.at(panel, i * to)
            for j in inner.loop(0, columns):
                inner.put(inner.scalar(x, j * column), y, j)

    kinds = [POINTER, I64, I64, POINTER, I64, I64, I64]
    return routine(code, "pack_strided", kinds, write)


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
