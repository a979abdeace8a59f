"""The innermost loop of products: a tile of results held in registers.

A tile has ``rows * vectors`` accumulators. Each turn over k loads a row of b as vectors and one
number of each row of a, and adds their products: ``rows * vectors`` multiply-adds for
``rows + vectors`` loads. Two ways to use it:

- `micro` writes the turns where the code stands. Its caller says where the rows of a are, and
  carries the accumulators, so that k may run in segments: a convolution is such a product, and
  needs no copy of its patches.
- `tiles` is the product of two matrices as a function that all products of a module share.

Each number is one chain of fused multiply-adds in the order of k, whatever the tile: results do not
depend on which tile computed them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from llvmlite import ir

from ..machine.code import I32, I64, VOID, Code, Index, Int
from ..machine.lanes import Vec, intrinsic
from ..machine.target import Target

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
        mask: the lanes of each row's last vector that may be read (`Code.first`); None: all.
        ahead: at each turn, ask for the memory that lies so many elements behind the row of b.
    Returns:
        The new sums.
    """
    rows, vectors, lanes = len(a), len(sums) // len(a), code.lanes
    loop = code.loop(0, k, carry=[*sums, I64(0), b])
    for _ in loop:
        now, offset, line = loop.now[: len(sums)], code.int(loop.now[-2]), loop.now[-1]
        vector = [code.load(line, v * lanes, mask=mask if v == vectors - 1 else None)
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


def tiles(
    code: Code, rows: int, vectors: int, *arguments: ir.Value | Index, masked: bool = False
) -> None:
    """``c[i, j] (+)= sum_k a[i, k] b[k, j]`` over many tiles of one shape, as a function.

    Its arguments, where all strides count elements: pointer a, its strides between rows and between
    columns; pointer b, its strides between rows and from one tile's columns to the next's; pointer
    c, its stride between rows; k; whether to add to c (1) or to set it (0); how many tiles lie
    below each other and side by side; how many lanes of the last vector of all are stored. And what
    memory is asked for meanwhile, b's next columns: how far they are, how many lines of the cache
    they fill, and how many tiles have asked before. Each tile asks for one line of each row.

    Args:
        code: where it is called.
        rows: of a tile.
        vectors: of a tile.
        arguments: all of them; or all but the last three, and no memory is asked for.
        masked: never read lanes of b behind the last that is stored.
    """

    def write(inner: Code, *given: Any) -> None:
        a, a_row, a_step, b, b_row, b_step, c, c_row, k, add, down, across, width, *ahead = given
        next_, lines, t = ahead
        for i in inner.loop(0, down):
            line, out = inner.at(a, i * a_row * rows), inner.at(c, i * c_row * rows)
            starts = [inner.at(line, a_row * r) for r in range(rows)]
            for j in inner.loop(0, across):
                end = inner.b.select(j.equals(across - 1), width.value, I64(inner.lanes))
                mask, panel = inner.first(end), inner.at(b, j * b_step)
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

    arguments = (*arguments, *[0] * (16 - len(arguments)))
    code.run(f"tiles_{rows}x{vectors}{'m' * masked}", write, *arguments)


Masks: TypeAlias = "list[ir.Value | None]"


def _added(
    code: Code, sums: list[ir.Value], places: list[ir.Value], masks: Masks, add: Int
) -> list[ir.Value]:
    """The sums, with what is at their places added if ``add`` is not 0."""
    before = code.b.block
    with code.when(code.b.icmp_signed("!=", add.value, I64(0))):
        more = [(code.load(place, mask=mask) + Vec(code, x, FLOAT32)).value
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
    held = [(Vec(code, x, FLOAT32), place, mask) for x, place, mask in zip(sums, places, masks)]
    for x, place, mask in held:
        if mask is None:
            code.store(x, place)
    with code.b.if_else(code.int(width).equals(code.lanes)) as (whole, part):
        for branch, masked in ((whole, False), (part, True)):
            with branch:
                for x, place, mask in held:
                    if mask is not None:
                        code.store(x, place, mask=mask if masked else None)


def prefetch(code: Code, place: ir.Value) -> None:
    """Ask for a line of memory that will be read; the pointer may point anywhere."""
    intrinsic(code, "llvm.prefetch.p0", VOID, place, I32(0), I32(3), I32(1))
