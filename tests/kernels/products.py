"""Products for the tests of native code: matrices in any layout, run on any number of threads."""

from __future__ import annotations

import ctypes
import mmap
from dataclasses import dataclass

import numpy as np

from lamina.kernels.gemm import Product, Strides
from lamina.machine.code import Code
from lamina.machine.module import Compiled, Module
from lamina.machine.target import Target, narrowed
from machine.sample import table


@dataclass(frozen=True)
class Case:
    """A product: sizes, and the layout of each matrix.

    Layouts: N rows are contiguous; T columns are; H as N with holes between the numbers and between
    the rows; R as N with rows and columns reversed; B all rows are one, broadcast; - for c: none,
    `then` keeps the results.
    """

    m: int
    n: int
    k: int
    layouts: str = "NNN"
    stack: tuple[int, ...] = ()

    def operands(self, rng: np.random.Generator) -> list[np.ndarray]:
        """a, b, and c full of NaN."""
        shapes = [(self.m, self.k), (self.k, self.n), (self.m, self.n)]
        arrays = [laid_out((*self.stack, *shape), layout)
                  for shape, layout in zip(shapes, self.layouts)]  # fmt: skip
        for array in arrays[:2]:
            for matrix in np.ndindex(self.stack):
                numbers = rng.standard_normal(array.shape[-2:], dtype=np.float32)
                array[matrix][-1:] = numbers[-1:]  # all rows, where they are one
                if array.strides[-2]:
                    array[matrix] = numbers
        arrays[2][...] = np.nan
        return arrays


def laid_out(shape: tuple[int, ...], layout: str) -> np.ndarray:
    """An array of a layout, with room around it that stays NaN."""
    *stack, rows, columns = shape
    if layout == "T":
        return np.full((*stack, columns, rows), np.nan, np.float32).swapaxes(-1, -2)
    if layout == "R":
        return np.full(shape, np.nan, np.float32)[..., ::-1, ::-1]
    if layout == "B":
        row = np.full((*stack, 1, columns), np.nan, np.float32)
        return np.lib.stride_tricks.as_strided(row, shape, (*row.strides[:-2], 0, 4))
    if layout == "H":
        return np.full((*stack, rows + 2, 3 * columns), np.nan, np.float32)[..., 1:-1, ::3]
    return np.full(shape, np.nan, np.float32)


def strides(x: np.ndarray) -> Strides:
    """Those of the last two axes, in elements."""
    return Strides(x.strides[-2] // 4, x.strides[-1] // 4)


def plan(target: Target, case: Case, arrays: list[np.ndarray]) -> Product:
    """The product of the case."""
    a, b, c = arrays
    stack = tuple(
        (count, a.strides[axis] // 4, b.strides[axis] // 4, c.strides[axis] // 4)
        for axis, count in enumerate(case.stack)
    )
    result = None if case.layouts[2] == "-" else strides(c)
    return Product(target, case.m, case.n, case.k, strides(a), strides(b), result, stack)


def keep(code: Code, case: Case, out, seen=None):
    """What follows a product in these tests: 2 c goes to ``out``, contiguous, and it counts."""

    def then(tile) -> None:
        start = code.int(0)
        for i, count in zip(tile.stack, case.stack):
            start = start * count + i
        for i in code.loop(tile.i0, tile.i1):
            for j in code.loop(tile.j0, tile.j1):
                x = code.scalar(tile.pointer, (i - tile.i0) * tile.row_stride + j - tile.j0)
                at = (start * case.m + i) * case.n + j
                code.put(code.b.fadd(x, x), out, at)
                one = code.scalar(seen, at)
                code.put(code.b.fadd(one, one.type(1.0)), seen, at)

    return then


def write(module: Module, name: str, product: Product, case: Case, follow: bool) -> None:
    """A function: slots a, b, c, scratch, out, seen."""
    code = Code(module.ir, name, module.target)
    a, b, c, scratch, out, seen = (code.pointer(slot) for slot in range(1, 7))
    mine = code.at(scratch, code.tid * (product.scratch // 4))
    then = keep(code, case, out, seen) if follow else None
    product.emit(code, a, b, None if case.layouts[2] == "-" else c, mine, then)
    code.b.ret_void()


@dataclass
class Built:
    """Products compiled together, each with and without a `then`."""

    lanes: int
    plans: dict[tuple[Case, bool], tuple[str, Product]]
    code: Compiled


def build(lanes: int, cases: list[tuple[Case, bool]]) -> Built:
    """Compile them."""
    module, plans = Module(narrowed(lanes)), {}
    for number, (case, follow) in enumerate(cases):
        product = plan(module.target, case, case.operands(np.random.default_rng(0)))
        write(module, f"f{number}", product, case, follow)
        plans[case, follow] = (f"f{number}", product)
    return Built(lanes, plans, module.compile(verify=True))


def run(built: Built, team, case: Case, follow: bool, arrays: list[np.ndarray], threads: int):
    """c, what `then` kept, and how often it saw each number."""
    name, product = built.plans[case, follow]
    arrays[2][...] = np.nan
    shape = (*case.stack, case.m, case.n)
    out, seen = np.full(shape, np.nan, np.float32), np.zeros(shape, np.float32)
    scratch = np.full(product.scratch // 4 * threads + 16, np.nan, np.float32)
    aligned = scratch[-(scratch.ctypes.data // 4) % 16 :]
    pointers = table(*arrays, aligned, out, seen)
    team.run(built.code.address(name), pointers.ctypes.data, threads)
    return arrays[2].copy(), out, seen


def before_a_wall(array: np.ndarray) -> np.ndarray:
    """A copy behind whose last number no memory can be read."""
    whole = -(-array.nbytes // mmap.PAGESIZE) * mmap.PAGESIZE
    memory = mmap.mmap(-1, whole + mmap.PAGESIZE)
    start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    assert ctypes.CDLL(None).mprotect(ctypes.c_void_p(start + whole), mmap.PAGESIZE, 0) == 0
    flat = np.frombuffer(memory, np.float32, array.size, whole - array.nbytes)
    copy = flat.reshape(array.shape)
    copy[...] = array
    return copy
