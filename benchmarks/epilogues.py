"""What does it save that what follows a convolution runs on its blocks, while the cache holds them?

    python benchmarks/epilogues.py --threads 2 [W3 W8 ...] [--statistics]

Prints milliseconds of native programs with and without, medians of rounds in which both take turns,
and the median of a round's ratio: of layers with a bias and relu by default, otherwise of the
workloads of workloads.py that are named. The layers' images come as NumPy has them, and are copied.

--statistics prints what is between a convolution and what follows in ResNet-18: normalized by its
own mean and variance, and by known ones. The difference is what at most could be saved by taking
sums on the blocks.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from unittest import mock

import numpy as np
from setting import machine, start_clean, versions

LAYERS = {  # n, c, h and w, kernel, channels of the result, stride
    "W3, first": (64, 1, 28, 3, 32, 1),
    "W3, second": (64, 32, 26, 3, 64, 1),
    "ResNet, one image": (1, 64, 32, 3, 64, 1),
    "ResNet, 1x1": (32, 64, 32, 1, 128, 1),
    "112 x 112": (8, 64, 112, 3, 64, 1),
    "112 x 112, stride 2": (8, 64, 112, 3, 64, 2),
    "224 x 224, 7x7": (8, 3, 224, 7, 64, 2),
}
NORMALIZED = {64: 32, 128: 16, 256: 8, 512: 4}
"""Channels and sizes of the images of ResNet-18; five of each."""

Run = Callable[[], object]


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("workloads", nargs="*", metavar="W")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=0.2, help="of a turn")
    parser.add_argument("--statistics", action="store_true")
    return parser.parse_args()


def both(make: Callable[[], Run]) -> tuple[Run, Run]:
    """What ``make`` makes without and with, run until it is compiled."""
    from lamina.compiler.native.operators import Convolution

    never = classmethod(lambda *_: False)
    with mock.patch.object(Convolution, "takes_along", never):
        without = make()
        for _ in range(3):
            without()
    along = make()
    for _ in range(3):
        along()
    return without, along


def layer(n: int, c: int, size: int, kernel: int, out: int, stride: int) -> Run:
    """A convolution with a bias and relu."""
    import lamina
    from lamina import functions as F

    rng = np.random.default_rng(0)
    shapes = (n, c, size, size), (out, c, kernel, kernel), (out,)
    arrays = [rng.standard_normal(shape, np.float32) for shape in shapes]
    padding = kernel // 2 if size > 28 else 0
    step = lamina.compile(
        lambda x, W, b: F.relu(F.conv2d(x, W, b, stride=stride, padding=padding)), backend="native"
    )
    return lambda: step(*arrays)


def workload(name: str) -> Run:
    from workload.data import Workload
    from workload.lamina_steps import Steps

    steps = Steps(Workload(name), "native")
    return lambda: steps.run(*steps.arguments)


def turn(run: Run, seconds: float) -> float:
    """The median of a turn, in milliseconds."""
    times, end = [], time.perf_counter() + seconds
    while (start := time.perf_counter()) < end:
        run()
        times.append(1e3 * (time.perf_counter() - start))
    return statistics.median(times)


def compared(name: str, runs: tuple[Run, Run], given: argparse.Namespace) -> str:
    rounds = [[turn(run, given.seconds) for run in runs] for _ in range(given.rounds)]
    apart, along = (statistics.median(each) for each in zip(*rounds))
    ratio = statistics.median([b / a for a, b in rounds])
    return f"{name:<20} {apart:8.3f} ms apart {along:8.3f} ms along {ratio:6.3f}"


def normalized(channels: int, size: int, test: bool) -> float:
    """Microseconds of what follows a convolution with batch norm and relu."""
    import lamina
    from lamina import functions as F
    from lamina import layers as L

    conv, norm = L.Conv2d(channels, 3, padding=1, nobias=True), L.BatchNorm(channels)
    x = np.random.default_rng(0).standard_normal((32, channels, size, size), np.float32)

    def f(x):
        with lamina.using(train=not test, grad=False):
            return F.relu(norm(conv(x)))

    step = lamina.compile(f, backend="native", profile=True)
    for _ in range(3):
        step(x)
    turn(lambda: step(x), 1.0)
    [line] = [line for line in step.explain().splitlines() if line.endswith(" maximum")][-1:]
    return float(line.split()[0])


def main() -> None:
    given = options()
    start_clean(given.threads)
    print(machine(), versions(), sep="\n")
    if given.statistics:
        from lamina.compiler.native.operators import Convolution

        never = classmethod(lambda *_: False)
        with mock.patch.object(Convolution, "takes_along", never):
            for channels, size in NORMALIZED.items():
                own, known = (normalized(channels, size, test) for test in (False, True))
                print(f"{channels:4} channels {own:7.1f} us, with known ones {known:7.1f} us")
        return
    for name in given.workloads:
        print(compared(name, both(lambda: workload(name)), given), flush=True)  # noqa: B023
    for name, sizes in LAYERS.items() if not given.workloads else ():
        print(compared(name, both(lambda: layer(*sizes)), given), flush=True)  # noqa: B023


if __name__ == "__main__":
    main()
