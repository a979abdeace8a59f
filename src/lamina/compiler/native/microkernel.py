"""The innermost loop of products: a tile of results held in registers.

A tile has ``rows * vectors`` accumulators. Each turn over k loads a row of b as vectors and one
number of each row of a, and adds their products: ``rows * vectors`` multiply-adds for
``rows + vectors`` loads. Two ways to use it:

- `micro` writes the turns where the code stands. Its caller says where the rows of a are, and
  carries the accumulators, so that k may run in segments: a convolution is such a product, and
  needs no copy of its patches.
- `micro_routine` is the product of two matrices as a function that all products of a module share.

Each number is one chain of fused multiply-adds in the order of k, whatever the tile: results do not
depend on which tile computed them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from llvmlite import ir

from .code import I32, I64, POINTER, Code, Index, Routine, routine
from .lanes import Vec, intrinsic
from .target import Target

FLOAT32 = np.dtype(np.float32)


def most_rows(target: Target, vectors: int) -> int:
    """How many rows a tile may have: accumulators, a row of b and one number of a in registers.

    At most nine: where rows of a lie a power of two apart they share one set of the first-level
    cache, which has 8 to 12 places.
    """
    return max(0, min(9, (target.registers - 1 - vectors) // vectors))


def zeros(code: Code, rows: int, vectors: int) -> list[ir.Value]:
    """Accumulators to start with, row by row."""
    return [code.number(0.0).value] * (rows * vectors)


def micro(
    code: Code,
    sums: Sequence[ir.Value],
    a: Sequence[ir.Value],
    a_step: Index,
    b: ir.Value,
    b_step: Index,
    k: Index,
    mask: ir.Value | None = None,
) -> list[ir.Value]:
    """``sums[i][v] += sum_k a[i][k * a_step] * b[k * b_step + v * lanes ...]``.

    Call it once for each segment of k, in a loop that carries the sums from one to the next::

        loop = code.loop(0, segments, carry=zeros(code, rows, vectors))
        for s in loop:
            rows_of_a = [code.at(x, s * x_step + i * stride) for i in range(rows)]
            loop.carry(*micro(code, loop.now, rows_of_a, 1, code.at(w, s * w_step), n, k))
        sums = loop.now

    Args:
        code: where the turns go.
        sums: accumulators, ``rows * vectors`` IR values, row by row; `zeros` to start with.
        a: where each row of a begins, a pointer for each row.
        a_step: from one k to the next in a, in elements.
        b: where the first row of b begins.
        b_step: from one k to the next in b, in elements.
        k: how many; may be 0.
        mask: the lanes of each row's last vector that may be read (`first`); None: all.
    Returns:
        The new sums.
    """
    rows, vectors, lanes = len(a), len(sums) // len(a), code.lanes
    loop = code.loop(0, k, carry=[*sums, I64(0), b])
    for _ in loop:
        now, offset, line = loop.now[: len(sums)], code.int(loop.now[-2]), loop.now[-1]
        vector = [load(code, line, v * lanes, mask if v == vectors - 1 else None)
                  for v in range(vectors)]  # fmt: skip
        new: list[ir.Value] = []
        for i in range(rows):
            x = code.splat(a[i], offset)
            for v in range(vectors):
                new.append(x.fma(vector[v], Vec(code, now[i * vectors + v], FLOAT32)).value)
        loop.carry(*new, (offset + a_step).value, code.at(line, b_step))
    return loop.now[: len(sums)]


def micro_routine(code: Code, rows: int, vectors: int, masked: bool = False) -> ir.Function:
    """``c[i, j] (+)= sum_k a[i, k] b[k, j]``, i < rows, j < vectors * lanes, as a function.

    Its arguments: pointer a, its strides between rows and between columns; pointer b, its stride
    between rows; pointer c, its stride between rows; k; whether to add to c (1) or to set it (0);
    how many lanes of the last vector are stored. All strides count elements.

    Args:
        code: any code of the module.
        rows: of the tile.
        vectors: of the tile.
        masked: never read the lanes of b that are not stored.
    """

    def write(inner: Routine) -> None:
        a, a_row, a_column, b, b_row, c, c_row, k, add, width = inner.arguments
        last = first(inner, width)
        starts = [inner.at(a, inner.int(a_row) * i) for i in range(rows)]
        sums = micro(inner, zeros(inner, rows, vectors), starts, inner.int(a_column),
                     b, inner.int(b_row), inner.int(k), last if masked else None)  # fmt: skip
        places = [inner.at(inner.at(c, inner.int(c_row) * i), v * inner.lanes)
                  for i in range(rows) for v in range(vectors)]  # fmt: skip
        masks = [last if v == vectors - 1 else None for v in range(vectors)] * rows
        before = inner.b.block
        with inner.when(inner.b.icmp_signed("!=", add, I64(0))):
            added = [(load(inner, place, 0, mask) + Vec(inner, x, FLOAT32)).value
                     for x, place, mask in zip(sums, places, masks)]  # fmt: skip
            end = inner.b.block
        for i, (x, y) in enumerate(zip(sums, added)):
            sums[i] = inner.b.phi(x.type)
            sums[i].add_incoming(x, before)
            sums[i].add_incoming(y, end)
        for x, place, mask in zip(sums, places, masks):
            if mask is None:
                inner.b.store(x, place, align=4)
        with inner.b.if_else(inner.int(width).equals(inner.lanes)) as (whole, part):
            with whole:
                for x, place in zip(sums[vectors - 1 :: vectors], places[vectors - 1 :: vectors]):
                    inner.b.store(x, place, align=4)
            with part:
                for x, place in zip(sums[vectors - 1 :: vectors], places[vectors - 1 :: vectors]):
                    store(inner, x, place, last)

    kinds = [POINTER, I64, I64, POINTER, I64, POINTER, I64, I64, I64, I64]
    return routine(code, f"product_{rows}x{vectors}{'m' * masked}", kinds, write)


def first(code: Code, width: ir.Value) -> ir.Value:
    """The mask of the first ``width`` lanes, a number of the running code."""
    kind = ir.VectorType(I32, code.lanes)
    numbers = ir.Constant(kind, list(range(code.lanes)))
    limit = Vec.splat(code, code.b.trunc(width, I32), np.dtype(np.int32)).value
    return code.b.icmp_signed("<", numbers, limit)


def load(code: Code, pointer: ir.Value, offset: Index, mask: ir.Value | None) -> Vec:
    """A vector; where a mask is given, lanes that it leaves out are not read and hold 0."""
    if mask is None:
        return code.load(pointer, offset)
    kind = ir.VectorType(ir.FloatType(), code.lanes)
    nothing = ir.Constant(kind, [0.0] * code.lanes)
    name = f"llvm.masked.load.v{code.lanes}f32.p0"
    place = code.at(pointer, offset)
    return Vec(code, intrinsic(code, name, kind, place, I32(4), mask, nothing), FLOAT32)


def store(code: Code, x: ir.Value, place: ir.Value, mask: ir.Value) -> None:
    """Store the lanes of a mask."""
    name = f"llvm.masked.store.v{code.lanes}f32.p0"
    intrinsic(code, name, ir.VoidType(), x, place, I32(4), mask)
