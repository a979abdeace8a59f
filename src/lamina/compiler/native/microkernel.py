"""The innermost loop of products: a tile of results held in registers.

A tile has ``rows * vectors`` accumulators. Each turn over k loads a row of b as vectors and one
number of each row of a, and adds their products: ``rows * vectors`` multiply-adds for
``rows + vectors`` loads. Two ways to use it:

- `micro` writes the turns where the code stands. Its caller says where the rows of a are, and
  carries the accumulators, so that k may run in segments: a convolution is such a product, and
  needs no copy of its patches.
- `tiles_routine` is the product of two matrices as a function that all products of a module share.

Each number is one chain of fused multiply-adds in the order of k, whatever the tile: results do not
depend on which tile computed them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from llvmlite import ir

from .code import I32, I64, POINTER, VOID, Code, Index, Int, Routine, routine
from .lanes import Vec, intrinsic
from .target import Target

FLOAT32 = np.dtype(np.float32)
LINE = 16  # numbers in a line of the cache


def most_rows(target: Target, vectors: int) -> int:
    """How many rows a tile may have: accumulators, a row of b and one number of a in registers.

    At most nine: where rows of a lie a power of two apart they share one set of the first-level
    cache, which has 8 to 12 places.
    """
    return max(0, min(9, (target.registers - 1 - vectors) // vectors))


def zeros(code: Code, rows: int, vectors: int) -> list[ir.Value]:
    """Accumulators to start with, row by row."""
    return [ir.Constant(ir.VectorType(ir.FloatType(), code.lanes), None)] * (rows * vectors)


def micro(
    code: Code,
    sums: Sequence[ir.Value],
    a: Sequence[ir.Value],
    a_step: Index,
    b: ir.Value,
    b_step: Index,
    k: Index,
    mask: ir.Value | None = None,
    ahead: Index | None = None,
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
        ahead: at each turn, ask for the memory that lies so many elements behind the row of b.
    Returns:
        The new sums.
    """
    rows, vectors, lanes = len(a), len(sums) // len(a), code.lanes
    loop = code.loop(0, k, carry=[*sums, I64(0), b])
    for _ in loop:
        now, offset, line = loop.now[: len(sums)], code.int(loop.now[-2]), loop.now[-1]
        vector = [load(code, line, v * lanes, mask if v == vectors - 1 else None)
                  for v in range(vectors)]  # fmt: skip
        if ahead is not None:
            prefetch(code, code.at(line, ahead))
        new: list[ir.Value] = []
        for i in range(rows):
            x = code.splat(a[i], offset)
            for v in range(vectors):
                new.append(x.fma(vector[v], Vec(code, now[i * vectors + v], FLOAT32)).value)
        loop.carry(*new, (offset + a_step).value, code.at(line, b_step))
    return loop.now[: len(sums)]


def tiles_routine(code: Code, rows: int, vectors: int, masked: bool = False) -> ir.Function:
    """``c[i, j] (+)= sum_k a[i, k] b[k, j]`` over many tiles of one shape, as a function.

    Its arguments, where all strides count elements: pointer a, its strides between rows and between
    columns; pointer b, its strides between rows and from one tile's columns to the next's; pointer
    c, its stride between rows; k; whether to add to c (1) or to set it (0); how many tiles lie
    below each other and side by side; how many lanes of the last vector of all are stored. And what
    memory is asked for meanwhile, b's next columns: how far they are, how many lines of the cache
    they fill, and how many tiles have asked before. Each tile asks for one line of each row.

    Args:
        code: any code of the module.
        rows: of a tile.
        vectors: of a tile.
        masked: never read lanes of b behind the last that is stored.
    """

    def write(inner: Routine) -> None:
        pointers, numbers = arguments(inner)
        a, b, c = pointers
        a_row, a_step, b_row, b_step, c_row, k, add, down, across, width, next_, lines, t = numbers
        for i in inner.loop(0, down):
            line, out = inner.at(a, i * a_row * rows), inner.at(c, i * c_row * rows)
            starts = [inner.at(line, a_row * r) for r in range(rows)]
            for j in inner.loop(0, across):
                end = inner.b.select(j.equals(across - 1), width.value, I64(inner.lanes))
                mask, panel = first(inner, end), inner.at(b, j * b_step)
                tile = t + i * across + j
                far = inner.b.select(
                    tile.below(lines), (next_ + tile * LINE - j * b_step).value, I64(0)
                )
                sums = micro(inner, zeros(inner, rows, vectors), starts, a_step, panel, b_row, k,
                             mask if masked else None, inner.int(far))  # fmt: skip
                place = inner.at(out, j * (vectors * inner.lanes))
                places = [inner.at(inner.at(place, c_row * r), v * inner.lanes)
                          for r in range(rows) for v in range(vectors)]  # fmt: skip
                masks = ([None] * (vectors - 1) + [mask]) * rows
                _put(inner, _added(inner, sums, places, masks, add), places, masks, end)

    kinds = [POINTER, I64, I64, POINTER, I64, I64, POINTER, *[I64] * 9]
    return routine(code, f"tiles_{rows}x{vectors}{'m' * masked}", kinds, write)


def arguments(code: Routine) -> tuple[list[ir.Value], list[Int]]:
    """Those of a routine: pointers, and numbers."""
    values = code.arguments
    pointers = [x for x in values if x.type == POINTER]
    return pointers, [code.int(x) for x in values if x.type == I64]


Masks: TypeAlias = "list[ir.Value | None]"


def _added(
    code: Code, sums: list[ir.Value], places: list[ir.Value], masks: Masks, add: Int
) -> list[ir.Value]:
    """The sums, with what is at their places added if ``add`` is not 0."""
    before = code.b.block
    with code.when(code.b.icmp_signed("!=", add.value, I64(0))):
        more = [(load(code, place, 0, mask) + Vec(code, x, FLOAT32)).value
                for x, place, mask in zip(sums, places, masks)]  # fmt: skip
        end = code.b.block
    result = [code.b.phi(x.type) for x in sums]
    for phi, x, y in zip(result, sums, more):
        phi.add_incoming(x, before)
        phi.add_incoming(y, end)
    return result


def _put(
    code: Code, sums: list[ir.Value], places: list[ir.Value], masks: Masks, width: ir.Value
) -> None:
    """Store the sums; those with a mask by it, if it is not of all lanes."""
    last = [(x, place, mask) for x, place, mask in zip(sums, places, masks) if mask]
    for x, place, mask in zip(sums, places, masks):
        if mask is None:
            code.b.store(x, place, align=4)
    with code.b.if_else(code.int(width).equals(code.lanes)) as (whole, part):
        with whole:
            for x, place, _ in last:
                code.b.store(x, place, align=4)
        with part:
            for x, place, mask in last:
                store(code, x, place, mask)


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
    nothing = ir.Constant(kind, None)
    name = f"llvm.masked.load.v{code.lanes}f32.p0"
    place = code.at(pointer, offset)
    return Vec(code, intrinsic(code, name, kind, place, I32(4), mask, nothing), FLOAT32)


def prefetch(code: Code, place: ir.Value) -> None:
    """Ask for a line of memory that will be read; the pointer may point anywhere."""
    intrinsic(code, "llvm.prefetch.p0", VOID, place, I32(0), I32(3), I32(1))


def store(code: Code, x: ir.Value, place: ir.Value, mask: ir.Value) -> None:
    """Store the lanes of a mask."""
    name = f"llvm.masked.store.v{code.lanes}f32.p0"
    intrinsic(code, name, VOID, x, place, I32(4), mask)
