"""How fast are native products, against NumPy's BLAS, at the shapes of the workloads?

Prints for each product GFLOP/s, the median of interleaved rounds, of NumPy's `matmul` with ``out``
and of lamina's native code, and the milliseconds that it took to compile. Many products are so short
that a call from Python costs more than they do: lamina's run several times in one call, as they do
in a compiled step, NumPy's cannot.

    python benchmarks/products.py --threads 2 --only W6
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

from setting import machine, start_clean, versions

LAYOUTS = ("NN", "NT", "TN")


class Shape(NamedTuple):
    """A product of (m, k) with (k, n); ``stack``: so many of them, heads of (batch, time, head)."""

    workload: str
    m: int
    n: int
    k: int
    layouts: tuple[str, ...] = LAYOUTS
    stack: tuple[int, ...] = ()


def layer(workload: str, batch: int, inputs: int, outputs: int) -> list[Shape]:
    """The three products of a Linear layer in training: result, gradient of x, gradient of W."""
    return [
        Shape(workload, batch, outputs, inputs, ("NN",)),
        Shape(workload, batch, inputs, outputs, ("NT",)),
        Shape(workload, inputs, outputs, batch, ("TN",)),
    ]


SHAPES = [
    Shape("square", 256, 256, 256),
    Shape("square", 512, 512, 512),
    Shape("square", 1024, 1024, 1024),
    Shape("square", 2048, 2048, 2048),
    *layer("W1", 32, 10, 64),
    *layer("W1", 32, 64, 64),
    *layer("W1", 32, 64, 1),
    *layer("W2", 128, 784, 1000),
    *layer("W2", 128, 1000, 1000),
    *layer("W2", 128, 1000, 10),
    Shape("W10", 128, 784, 1000, ("NT",)),
    Shape("W10", 784, 1000, 128, ("TN",)),
    *layer("W5", 32, 256, 1024),
    *layer("W5", 2048, 128, 1024),
    *layer("W5", 2048, 256, 96),
    *layer("W6", 1024, 256, 768),
    *layer("W6", 1024, 256, 256),
    *layer("W6", 1024, 256, 1024),
    *layer("W6", 1024, 1024, 256),
    *layer("W6", 1024, 256, 512),
    Shape("W6", 128, 128, 32, ("NT",), (8, 8)),
    Shape("W6", 128, 32, 128, ("NN", "TN"), (8, 8)),
    *layer("W4", 32768, 27, 64),
    *layer("W4", 32768, 576, 64),
    *layer("W4", 8192, 576, 128),
    *layer("W4", 8192, 1152, 128),
    *layer("W4", 2048, 2304, 256),
    *layer("W4", 512, 4608, 512),
    Shape("W7", 1, 1000, 784, ("NN", "NT")),
    Shape("W7", 1, 1000, 1000, ("NN", "NT")),
    Shape("W7", 1000, 1, 1000, ("NN", "TN")),
]


def operands(shape: Shape, layouts: str):
    """a, b and c: N rows contiguous, T columns; a stack lies between its rows, as heads do."""
    import numpy as np

    rng = np.random.default_rng(0)

    def matrix(rows: int, columns: int, layout: str):
        if layout == "T":
            return np.swapaxes(matrix(columns, rows, "N"), -1, -2)
        if shape.stack and columns == 32:
            batch, heads = shape.stack
            x = rng.standard_normal((batch, rows, heads, columns), np.float32)
            return x.transpose(0, 2, 1, 3)
        return rng.standard_normal((*shape.stack, rows, columns), np.float32)

    a, b = matrix(shape.m, shape.k, layouts[0]), matrix(shape.k, shape.n, layouts[1])
    return a, b, matrix(shape.m, shape.n, "N")


def native(shape: Shape, a, b, c, repeats: int, threads: int) -> tuple[Callable[[], None], float]:
    """A call that multiplies ``repeats`` times, and the milliseconds to compile it."""
    import numpy as np

    from lamina.compiler.native.code import Code
    from lamina.compiler.native.gemm import Product, Strides
    from lamina.compiler.native.module import Module, emit, initialize
    from lamina.compiler.native.target import host
    from lamina.compiler.native.team import Team

    initialize()
    start = time.perf_counter()
    module = Module(host())
    code = Code(module.ir, "product", module.target)
    steps = [tuple(step // 4 for step in x.strides) for x in (a, b, c)]
    stack = tuple(
        (n, steps[0][axis], steps[1][axis], steps[2][axis]) for axis, n in enumerate(shape.stack)
    )
    of_a, of_b, of_c = (Strides(step[-2], step[-1]) for step in steps)
    plan = Product(module.target, shape.m, shape.n, shape.k, of_a, of_b, of_c, stack)
    x, y, z, scratch = (code.pointer(slot) for slot in range(1, 5))
    for _ in code.loop(0, repeats):
        plan.emit(code, x, y, z, code.at(scratch, code.tid * (plan.scratch // 4)))
        if threads > 1:
            code.barrier()
    code.b.ret_void()
    emit(str(module.ir), module.target, False)
    took = 1e3 * (time.perf_counter() - start)
    compiled = module.compile()
    memory = np.zeros(plan.scratch * threads + 64, np.int8)
    aligned = memory[-memory.ctypes.data % 64 :]
    table = np.array([0, *(array.ctypes.data for array in (a, b, c, aligned))], np.int64)
    team, address = Team(threads), compiled.address("product")

    def call(held: tuple[object, ...] = (memory, compiled, a, b, c)) -> None:
        team.run(address, table.ctypes.data, threads)

    return call, took


def rounds(calls: list[Callable[[], object]], wanted: int, seconds: float) -> list[float]:
    """Seconds of each call, the median of rounds that take turns."""
    numbers = []
    for call in calls:
        call()
        start = time.perf_counter()
        call()
        numbers.append(max(1, int(seconds / (time.perf_counter() - start + 1e-7))))
    times: list[list[float]] = [[] for _ in calls]
    for _ in range(wanted):
        for call, number, list_ in zip(calls, numbers, times):
            start = time.perf_counter()
            for _ in range(number):
                call()
            list_.append((time.perf_counter() - start) / number)
    return [statistics.median(list_) for list_ in times]


def measure(shape: Shape, layouts: str, options: argparse.Namespace) -> None:
    import numpy as np

    a, b, c = operands(shape, layouts)
    work = 2e-9 * shape.m * shape.n * shape.k * int(np.prod(shape.stack))
    repeats = max(1, int(1e-2 / work))  # so that it takes some 40 us
    call, compiling = native(shape, a, b, c, repeats, options.threads)
    expected = a @ b
    call()
    assert np.allclose(c, expected, rtol=1e-3, atol=1e-3), (shape, layouts)
    theirs, ours = rounds([lambda: np.matmul(a, b, out=c), call], options.rounds, options.seconds)
    ours /= repeats
    name = "x".join(map(str, (*shape.stack, shape.m, shape.n, shape.k)))
    print(
        f"{shape.workload:>7} {name:>18} {layouts} {work / theirs:>8.1f} {work / ours:>8.1f} "
        f"{theirs / ours:>7.2f} {1e6 * ours:>10.2f} {compiling:>10.1f}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", nargs="*", default=[], help="workloads: square W1 W2 W4 ...")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.01, help="of a round")
    options = parser.parse_args()
    start_clean(options.threads)
    print(machine(), versions(), f"{options.threads} threads", sep="\n")
    titles = ("m x n x k", "", "NumPy", "lamina", "times", "us", "compile")
    print("{:>26} {:2} {:>8} {:>8} {:>7} {:>10} {:>10}".format(*titles))
    for shape in SHAPES:
        if not options.only or shape.workload in options.only:
            for layouts in shape.layouts:
                measure(shape, layouts, options)


if __name__ == "__main__":
    main()
