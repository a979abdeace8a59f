"""How fast are native products, against NumPy's BLAS, at the shapes of the workloads?

Prints for each product GFLOP/s, the median of some rounds, of NumPy's `matmul` with ``out`` and of
lamina's native code, and the milliseconds that it took to compile. Many products are so short that
a call from Python costs more than they do: lamina's run several times a call, as they do in a
compiled step, NumPy's cannot. With --eager both are called as eager execution calls them: lamina's
code is that for all sizes, and each call makes a new array.

    python benchmarks/products.py --threads 2 --only W6
"""

from __future__ import annotations

import argparse
import functools
import json
import math
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

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


@functools.cache
def team(threads: int) -> Any:
    """One team for all products: more of them would take the cores from each other."""
    from lamina.machine.team import Team

    return Team(threads)


def native(shape: Shape, a, b, c, repeats: int, threads: int) -> tuple[Callable[[], None], float]:
    """A call that multiplies ``repeats`` times, and the milliseconds to compile it."""
    import numpy as np

    from lamina.kernels.gemm import Product, Strides
    from lamina.machine.code import Code
    from lamina.machine.module import Module, emit, initialize
    from lamina.machine.target import host

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
    workers, address = team(threads), compiled.address("product")

    def call(held: tuple[object, ...] = (memory, compiled, a, b, c)) -> None:
        workers.run(address, table.ctypes.data, threads)

    return call, took


def seconds(call: Callable[[], object], options: argparse.Namespace) -> list[float]:
    """Of one call, in each of some rounds."""
    call()
    start = time.perf_counter()
    call()
    number = max(1, int(options.seconds / (time.perf_counter() - start + 1e-7)))
    times: list[float] = []
    for _ in range(options.rounds):
        start = time.perf_counter()
        for _ in range(number):
            call()
        times.append((time.perf_counter() - start) / number)
    return times


def measure(shape: Shape, layouts: str, options: argparse.Namespace) -> dict[str, Any]:
    """Seconds of a product in several rounds, and milliseconds to compile it."""
    import numpy as np

    a, b, c = operands(shape, layouts)
    if options.eager:
        return {"times": seconds(eager(options, a, b), options), "compiling": 0.0}
    if options.who == "numpy":
        return {"times": seconds(lambda: np.matmul(a, b, out=c), options), "compiling": 0.0}
    repeats = max(1, int(1e-2 / work(shape)))  # so that it takes some 40 us
    call, compiling = native(shape, a, b, c, repeats, options.threads)
    call()
    assert np.allclose(c, a @ b, rtol=1e-3, atol=1e-3), (shape, layouts)
    return {"times": [x / repeats for x in seconds(call, options)], "compiling": compiling}


def eager(options: argparse.Namespace, a: Any, b: Any) -> Callable[[], object]:
    """A product in eager execution."""
    import numpy as np

    from lamina.kernels.anysize import AnySize

    if options.who == "numpy":
        return lambda: np.matmul(a, b)
    product = AnySize(crew=team(options.threads))
    assert np.allclose(product(a, b), a @ b, rtol=1e-3, atol=1e-3), (a.shape, b.shape)
    time.sleep(0.1)  # until the threads of NumPy's BLAS sleep
    return lambda: product(a, b)


def work(shape: Shape) -> float:
    """Its 10**9 additions and multiplications."""
    return 2e-9 * shape.m * shape.n * shape.k * math.prod(shape.stack)


def chosen(options: argparse.Namespace) -> list[tuple[Shape, str]]:
    return [
        (shape, layouts)
        for shape in SHAPES
        for layouts in shape.layouts
        if not options.only or shape.workload in options.only
    ]


def process(who: str) -> list[dict[str, Any]]:
    """All measurements of one of the two, in a process of its own.

    Threads of two libraries in one process take the cores from each other.
    """
    run = [sys.executable, *sys.argv, "--who", who]
    text = subprocess.run(run, check=True, capture_output=True, text=True).stdout
    return json.loads(text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", nargs="*", default=[], help="workloads: square W1 W2 W4 ...")
    parser.add_argument("--eager", action="store_true", help="as eager execution calls them")
    parser.add_argument("--rounds", type=int, default=5, help="in each of two processes")
    parser.add_argument("--seconds", type=float, default=0.01, help="of a round")
    parser.add_argument("--who", choices=("numpy", "lamina"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    start_clean(1 if options.who == "lamina" else options.threads)
    if options.who:
        print(json.dumps([measure(*product, options) for product in chosen(options)]))
        return
    print(machine(), versions(), f"{options.threads} threads", sep="\n")
    titles = ("m x n x k", "", "NumPy", "lamina", "times", "us", "compile")
    print("{:>26} {:2} {:>8} {:>8} {:>7} {:>10} {:>10}".format(*titles))
    results = [process(who) for who in ("numpy", "lamina", "numpy", "lamina")]
    for (shape, layouts), *found in zip(chosen(options), *results):
        theirs, ours = (
            statistics.median(found[i]["times"] + found[i + 2]["times"]) for i in range(2)
        )
        name = "x".join(map(str, (*shape.stack, shape.m, shape.n, shape.k)))
        print(
            f"{shape.workload:>7} {name:>18} {layouts} {work(shape) / theirs:>8.1f} "
            f"{work(shape) / ours:>8.1f} {theirs / ours:>7.2f} {1e6 * ours:>10.2f} "
            f"{found[1]['compiling']:>10.1f}"
        )


if __name__ == "__main__":
    main()
