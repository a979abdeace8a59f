"""What convolutions are made of: blocks of a product that stay in registers, and turned kernels.

A block is ``rows x vectors`` accumulators; each turn adds the product of a column of ``rows``
numbers and a row of ``vectors`` registers.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from llvmlite import ir

from ..machine.code import I32, I64, POINTER, Code, Index, Int
from ..machine.target import Target
from .gemm import Then
from .microkernel import FLOAT32, LINE, most_rows, tiles
from .packing import transposed

ROWS = (1, 2, 4, 6, 8)  # of blocks: not all there are, so that convolutions share them


@dataclass(frozen=True)
class Block:
    """The size of a block of accumulators: ``rows`` times ``vectors`` registers."""

    rows: int
    vectors: int


def cheapest(target: Target, rows: int, columns: int) -> tuple[float, Block]:
    """The cycles that a turn over all rows and columns takes, and in which block.

    A block of ``r x v`` takes ``r v / 2`` cycles for the multiplications, ``(r + v) / 2`` for the
    loads, and 4, the latency of a multiplication, at least: two of each in a cycle, as on Zen 5
    and Golden Cove.
    """
    count = -(-columns // target.lanes)
    found = []
    for v in range(1, 5):
        for r in (r for r in ROWS if r <= most_rows(target, v)):
            cycles = max(r * v / 2, (r + v) / 2, 4) + 0.2
            found.append((-(-rows // r) * -(-count // v) * cycles, -r * v, r, v))
    cycles, _, r, v = min(found)
    return cycles, Block(r, v)


def turn_taps(
    code: Code, taps: int, start: ir.Value, stride: Index, last: Index, to: ir.Value,
    group: int = 0, far: Index = 0,
) -> None:  # fmt: skip
    """Kernels, a register of them: ``to[tap, i] = start[min(i, last) * stride + tap]``.

    Args:
        code: where to.
        taps: numbers of a kernel.
        start: the address of the first kernel.
        stride: numbers from kernel to kernel.
        last: the last kernel that there is; those behind it repeat it.
        to: one register for each tap.
        group: so many kernels belong together; 0: all.
        far: numbers from one such group to the next.
    """
    for low in range(0, taps, code.lanes):
        width, place = min(code.lanes, taps - low), code.at(to, low * code.lanes)
        name = f"turn_{code.lanes}_{width}" + f"_by_{group}" * (group > 0)
        numbers = [code.int(x) for x in (stride, last)]
        write = functools.partial(_turn, width, group)
        code.call(name, write, code.at(start, low), *numbers, place, code.int(far))


def _turn(
    width: int, group: int, code: Code, source: ir.Value, stride: Int, last: Int, to: ir.Value,
    far: Int,
) -> None:  # fmt: skip
    places = [code.int(i).least(last) for i in range(code.lanes)]
    if group:
        starts = [i // group * far + i % group * stride for i in places]
    else:
        starts = [i * stride for i in places]
    rows = [code.load(source, i, width) for i in starts]
    for j, row in enumerate(transposed(rows)[:width]):
        code.store(row, to, j * code.lanes)


def chunk_of(code: Code, index: Int, size: int, total: Index) -> tuple[Int, Int]:
    """Where chunk ``index`` of 0..total begins, and how many there are in it."""
    low = index * size
    return low, (code.int(total) - low).least(size)


def present(code: Code, i: Int, count: Index) -> ir.Value | None:
    """Which lanes there are of ``count`` numbers from the i-th on; None: all, whatever i is."""
    if isinstance(count, int) and count % code.lanes == 0:
        return None
    return code.first(count - i)


def eight(code: Code, x: ir.Value) -> ir.Value:
    """One value eight times, whatever the number of lanes."""
    kind = ir.VectorType(x.type, 8)
    first = code.b.insert_element(ir.Constant(kind, ir.Undefined), x, I32(0))
    order = ir.Constant(ir.VectorType(I32, 8), [0] * 8)
    return code.b.shuffle_vector(first, first, order)


def constants(code: Code, name: str, numbers: Sequence[int]) -> ir.Value:
    """A table of 64-bit integers that is known now; ``name`` says what is in it."""
    table = code.module.globals.get(name)
    if table is None:
        kind = ir.ArrayType(I64, len(numbers))
        table = ir.GlobalVariable(code.module, kind, name)
        table.linkage, table.global_constant = "internal", True
        table.initializer = ir.Constant(kind, list(numbers))
        table.type = POINTER
    return table


def entry(code: Code, table: ir.Value, i: Index) -> Int:
    """Integer ``i`` of a table."""
    place = code.b.gep(table, [code.int(i).value], source_etype=I64)
    return Int(code, code.b.load(place, typ=I64))


def address(code: Code, table: ir.Value, i: Index) -> ir.Value:
    """Address ``i`` of a table."""
    place = code.b.gep(table, [code.int(i).value], source_etype=I64)
    return code.b.load(place, typ=POINTER)


def digest(*facts: Any) -> str:
    """A name for what code depends on."""
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


def line(numbers: int) -> int:
    """Bytes of so many float32 numbers, in whole cache lines."""
    return -(-numbers // LINE) * LINE * FLOAT32.itemsize


def fill(code: Code, place: ir.Value, count: int, number: float = 0.0) -> None:
    """One number ``count`` times, and on to the end of the cache line."""
    for i in code.loop(0, line(count) // 4, code.lanes):
        code.store(code.number(number), place, i)


class Algorithm:
    """One way to compute a convolution, planned for its sizes.

    Attributes:
        facts: what its code depends on.
        scratch: bytes that each thread needs for itself, in whole cache lines.
        shared: bytes that all threads need together.
    """

    facts: tuple[Any, ...]
    scratch: int
    shared: int

    def emit(self, code: Code, *pointers: ir.Value, then: Then | None = None) -> None:
        """Write it, in a function that equal convolutions share; arguments of `ConvPlan.emit`."""
        if then is not None:  # it is no part of what they share
            self.write(code, *pointers, then=then)
            return
        name = f"{type(self).__name__}_{code.lanes}_{digest(*self.facts)}"
        code.call(name, self.write, *pointers)

    def write(self, code: Code, *pointers: ir.Value, then: Then | None = None) -> None:
        """The code itself."""
        raise NotImplementedError


@dataclass(frozen=True)
class Weights:
    """Weights ``(k, n, *taps)`` of a product over ``k``, as they lie in memory.

    Attributes:
        n: columns of the product.
        k: what is summed up.
        taps: numbers of the kernel, neighbours in memory.
        n_stride: numbers from column to column.
        k_stride: numbers from k to k.
    """

    n: int
    k: int
    taps: int
    n_stride: int
    k_stride: int


def product(
    code: Code, block: Block, a: ir.Value, a_row: Index, a_column: Index, b: ir.Value, b_row: Index,
    c: ir.Value, c_row: Index, k: Index, add: Index = 0, down: Index = 1,
) -> None:  # fmt: skip
    """Blocks of ``c = a b``, or of ``c += a b``, ``down`` of them; all strides count numbers."""
    tiles(code, block.rows, block.vectors, a, a_row, a_column, b, b_row, 0, c, c_row, k, add,
          down, 1, code.lanes)  # fmt: skip


def spread(code: Code, taps: int, source: ir.Value, apart: int, to: ir.Value, count: Index) -> None:
    """``to[i, tap] = source[tap][i]``: registers side by side become kernels, for ``i < count``.

    Args:
        code: where to.
        taps: numbers of a kernel.
        source: one register for each tap.
        apart: numbers from tap to tap there.
        to: kernels without gaps.
        count: how many, at most as many as there are lanes.
    """

    def write(code: Code, *rest: Any) -> None:
        source, apart, to, count = rest
        square = code.reserve(code.lanes * code.lanes * 4)
        for low, width in code.unequal(taps, code.lanes):
            rows = [code.load(source, apart * (low + j)) for j in range(width)]
            rows += [code.number(0.0)] * (code.lanes - width)
            for i, x in enumerate(transposed(rows)):
                code.store(x, square, i * code.lanes)
            for i in code.loop(0, count):
                code.store(code.load(square, i * code.lanes), to, i * taps + low, width)

    numbers = code.int(apart), to, code.int(count)
    code.call(f"spread_{code.lanes}_{taps}", write, source, *numbers)
