"""Is the kernel of softmax_cross_entropy worth its lines, against the composition of operators?

Prints microseconds of forward, and of forward and backward, best of several, for three sizes.
"""

from __future__ import annotations

import platform
import timeit

import numpy as np

import lamina
import lamina.functions as F
from lamina import Variable

SIZES = ((32, 10), (256, 100), (512, 10_000))


def composed(x, t):
    return -F.mean(F.log_softmax(x, axis=1)[np.arange(len(t)), t])


def best(f) -> float:
    """Microseconds a call; the least of fifteen series of at least 20 ms."""
    f()
    number = max(1, int(0.02 / max(timeit.timeit(f, number=1), 1e-7)))
    return min(timeit.repeat(f, number=number, repeat=15)) / number * 1e6


def main() -> None:
    print(f"lamina {lamina.__version__}, NumPy {np.__version__}, {platform.machine()}, float32")
    print(f"{'n x classes':>14} {'loss':>24} {'forward':>10} {'and backward':>14}")
    for n, classes in SIZES:
        rng = np.random.default_rng(0)
        x = Variable(rng.standard_normal((n, classes), np.float32))
        t = rng.integers(0, classes, n)
        for f in (F.softmax_cross_entropy, composed):

            def step(f=f, x=x, t=t):
                x.cleargrad()
                f(x, t).backward()

            forward, both = best(lambda f=f, x=x, t=t: f(x, t)), best(step)
            print(f"{n:>6} x {classes:<5} {f.__name__:>24} {forward:>10.1f} {both:>14.1f}")


if __name__ == "__main__":
    main()
