"""What this machine can do at most: products, memory, starting a job, waiting for one another."""

from __future__ import annotations

import functools
import time
from dataclasses import dataclass

import numpy as np

from .code import Code
from .lanes import Vec
from .module import Compiled, Module
from .target import host
from .team import Team, team

TURNS = 20_000  # of the loop of products
LARGE = 96 << 20  # bytes of the array that is read: more than caches hold
MEETINGS = 1000  # barriers in one job
ROUNDS = 5  # the best of so many counts
SHARE = 64  # numbers that a thread takes at least


@dataclass(frozen=True)
class Limits:
    """What was measured; ``str`` is a table.

    Attributes:
        threads: of the team.
        lanes: float32 numbers in a vector.
        flops_alone: multiplications and additions a second, float32, of one thread.
        flops: of all threads together.
        read: bytes a second from memory, all threads.
        copied: bytes a second, read and written, all threads.
        call: seconds that Python takes to call a native function on one thread.
        launch: seconds to call one on all threads, and to wait for them.
        barrier: seconds from one step of a job to the next.
    """

    threads: int
    lanes: int
    flops_alone: float
    flops: float
    read: float
    copied: float
    call: float
    launch: float
    barrier: float

    def __str__(self) -> str:
        rows = [
            ("threads, lanes", f"{self.threads}, {self.lanes}"),
            ("products, one thread", f"{self.flops_alone / 1e9:.1f} GFLOP/s"),
            ("products, all threads", f"{self.flops / 1e9:.1f} GFLOP/s"),
            ("memory, read", f"{self.read / 1e9:.1f} GB/s"),
            ("memory, copied", f"{self.copied / 1e9:.1f} GB/s"),
            ("call, one thread", f"{self.call * 1e6:.2f} us"),
            ("launch, all threads", f"{self.launch * 1e6:.2f} us"),
            ("barrier", f"{self.barrier * 1e6:.3f} us"),
        ]
        return "\n".join(f"{name:<22} {value:>14}" for name, value in rows)


@functools.cache
def limits() -> Limits:
    """The limits of the team of this process, measured once, in about half a second."""
    return measure(team())


def measure(group: Team, large: int = LARGE, turns: int = TURNS) -> Limits:
    """The limits of a team.

    Args:
        group: the team.
        large: bytes of the array that is read.
        turns: of the loop of products.
    """
    n = large // 4 // SHARE * SHARE
    code = kernels(n, turns)
    x, y = np.ones((2, n), np.float32)
    sums = np.zeros(group.threads * SHARE, np.float32)
    table = np.array([0, x.ctypes.data, y.ctypes.data, sums.ctypes.data], np.int64)

    def seconds(name: str, threads: int, times: int = 1) -> float:
        address, pointer, best = code.address(name), table.ctypes.data, float("inf")
        group.run(address, pointer, threads)
        for _ in range(ROUNDS):
            start = time.perf_counter()
            for _ in range(times):
                group.run(address, pointer, threads)
            best = min(best, (time.perf_counter() - start) / times)
        return best

    every, lanes = group.threads, host().lanes
    work = 2.0 * lanes * turns * accumulators()
    return Limits(
        threads=every,
        lanes=lanes,
        flops_alone=work / seconds("products", 1),
        flops=work * every / seconds("products", every),
        read=4 * n / seconds("read", every),
        copied=8 * n / seconds("copy", every),
        call=seconds("nothing", 1, 2000),
        launch=seconds("nothing", every, 2000),
        barrier=seconds("meet", every) / MEETINGS,
    )


def accumulators() -> int:
    """Sums that are under way at once: enough to hide how long a product takes."""
    return host().registers - 8


def kernels(n: int, turns: int) -> Compiled:
    """The native functions that are timed."""
    module = Module(host())
    for name, write in (
        ("products", functools.partial(_products, turns=turns)),
        ("read", functools.partial(_read, n=n)),
        ("copy", functools.partial(_copy, n=n)),
        ("nothing", lambda code: None),
        ("meet", _meet),
    ):
        code = Code(module.ir, name, module.target)
        write(code)
        code.b.ret_void()
    return module.compile()


def _products(code: Code, turns: int) -> None:
    """Sums of products in registers; all come from memory, so nothing is known of them."""
    x = code.pointer(1)
    a, b = code.splat(x), code.splat(x, 1)
    first = [code.splat(x, k).value for k in range(accumulators())]
    loop = code.loop(0, turns, carry=first)
    for _ in loop:
        loop.carry(*[sum_.fma(a, b).value for sum_ in _vectors(code, loop.now)])
    _keep(code, _vectors(code, loop.now))


def _read(code: Code, n: int) -> None:
    """The sum of an array, in four parts."""
    x, parts, step = code.pointer(1), 4, code.lanes
    low, high = code.share(n, SHARE)
    loop = code.loop(low, high, parts * step, carry=[code.number(0).value] * parts)
    for i in loop:
        sums = _vectors(code, loop.now)
        loop.carry(*[(s + code.load(x, i + k * step)).value for k, s in enumerate(sums)])
    _keep(code, _vectors(code, loop.now))


def _copy(code: Code, n: int) -> None:
    x, y = code.pointer(1), code.pointer(2)
    low, high = code.share(n, SHARE)
    for i in code.loop(low, high, code.lanes):
        code.store(code.load(x, i), y, i)


def _meet(code: Code) -> None:
    for _ in code.loop(0, MEETINGS):
        code.barrier()


def _vectors(code: Code, values: list) -> list[Vec]:
    return [Vec(code, value, np.dtype(np.float32)) for value in values]


def _keep(code: Code, sums: list[Vec]) -> None:
    """Store what was computed, each thread on a line of its own."""
    total = sums[0]
    for other in sums[1:]:
        total = total + other
    code.store(total, code.pointer(3), code.tid * SHARE)
