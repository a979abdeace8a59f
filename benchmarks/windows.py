"""Are the kernels of ctc_loss and unfold worth their lines, against compositions of operators?

Prints milliseconds of forward, and of forward and backward, best of several.
"""

from __future__ import annotations

import platform
import timeit

import numpy as np

import lamina
import lamina.functions as F
from lamina import Variable
from lamina.functions.ctc import CTC_, ctc_steps


def ctc_kernel(e, passes, steps, last):
    return CTC_(e, passes, steps, last)[0]


def ctc_composed(e, passes, steps, last):
    return ctc_steps(e, passes, steps, last)[0]


def unfold_kernel(x, kernel):
    return F.unfold(x, kernel)


def unfold_composed(x, kernel):
    n, c, h, w = x.shape
    rows, columns = h - kernel + 1, w - kernel + 1
    parts = [
        x[:, :, i : i + rows, j : j + columns].reshape(n, c, 1, rows * columns)
        for i in range(kernel)
        for j in range(kernel)
    ]
    return F.concatenate(parts, 2).reshape(n, c * kernel * kernel, rows * columns)


def best(f) -> float:
    """Milliseconds a call; the least of seven series of at least 20 ms."""
    f()
    number = max(1, int(0.02 / max(timeit.timeit(f, number=1), 1e-7)))
    return min(timeit.repeat(f, number=number, repeat=7)) / number * 1e3


def row(name, f, x, *rest) -> None:
    def step():
        x.cleargrad()
        f(x, *rest).sum().backward()

    print(f"{name:>34} {best(lambda: f(x, *rest)):>10.2f} {best(step):>14.2f}")


def main() -> None:
    print(f"lamina {lamina.__version__}, NumPy {np.__version__}, {platform.machine()}, float32")
    print(f"{'':>34} {'forward':>10} {'and backward':>14}")
    rng = np.random.default_rng(0)
    e = Variable(rng.normal(-3, 1, (16, 100, 41)).astype(np.float32))
    passes = np.tile(np.arange(41) % 2 == 1, (16, 1))
    steps, last = np.full(16, 100), np.full(16, 40)
    for f in (ctc_kernel, ctc_composed):
        row(f"{f.__name__} 16 x 100 x 20 labels", f, e, passes, steps, last)
    x = Variable(rng.standard_normal((16, 32, 28, 28), np.float32))
    for f in (unfold_kernel, unfold_composed):
        row(f"{f.__name__} 16 x 32 x 28 x 28, 3", f, x, 3)


if __name__ == "__main__":
    main()
