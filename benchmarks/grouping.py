"""What does it cost to group: a product alone, with what follows it, and with the two apart?

    python benchmarks/grouping.py --threads 2 [--size 2048 1024 128] [--workloads]

Prints, for a product of (m, k) and (k, n), the milliseconds of the native program of the product
alone; of the product with a bias; of both as two steps, so that the result goes through memory in
between; and the same with tanh. Then a chain of cheap instructions on (m, n), read by one that
is not cheap, and its pieces as steps of their own. The median of rounds in which all take turns.

--workloads prints instead, for each of workloads.py, how many instructions its program has, how
many groups of each kind, and what is left to NumPy.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections import Counter
from collections.abc import Callable

import numpy as np
from setting import machine, start_clean, versions

Step = Callable[[], object]


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--size", type=int, nargs=3, default=(2048, 1024, 128), metavar=("M", "N", "K")
    )
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--workloads", action="store_true", help="count their groups instead")
    return parser.parse_args()


def program(formula: Callable, *arrays: np.ndarray) -> Step:
    """A formula as a native program, called without what a compiled step checks before."""
    from lamina import Variable
    from lamina.compiler.native.program import Native
    from lamina.compiler.simplify import simplify
    from lamina.compiler.trace import trace

    given = tuple(Variable(array) for array in arrays)
    native = Native(simplify(trace(formula, given, {}).program), {})
    return lambda: native.run(*arrays)


def steps(m: int, n: int, k: int) -> dict[str, list[Step]]:
    """By name, the programs that are called one after another."""
    from lamina import functions as F

    rng = np.random.default_rng(0)
    a, b, c, bias = (
        rng.standard_normal(shape, np.float32) for shape in ((m, k), (k, n), (m, n), (n,))
    )
    product = program(lambda a, b: a @ b, a, b)
    add = program(lambda c, bias: c + bias, c, bias)
    activate = program(lambda c, bias: F.tanh(c + bias), c, bias)
    return {
        "product": [product],
        "product and bias": [program(lambda a, b, bias: a @ b + bias, a, b, bias)],
        "product, then bias": [product, add],
        "product, bias and tanh": [program(lambda a, b, v: F.tanh(a @ b + v), a, b, bias)],
        "product, then bias and tanh": [product, activate],
        "four cheap, then exp": [program(lambda c: F.exp((c * 0.5 + 1.0) * c - 2.0), c)],
        "each of the five alone": [
            program(lambda c: c * 0.5, c),
            program(lambda c: c + 1.0, c),
            program(lambda c, d: c * d, c, c),
            program(lambda c: c - 2.0, c),
            program(F.exp, c),
        ],
    }


def median_ms(found: dict[str, list[Step]], rounds: int) -> dict[str, float]:
    """The median of each, in milliseconds; they take turns, since the machine may change."""
    times: dict[str, list[float]] = {name: [] for name in found}
    for _ in range(rounds + 1):
        for name, calls in found.items():
            for call in calls:
                call()  # caches are as after itself
            start = time.perf_counter()
            for call in calls:
                call()
            times[name].append(1e3 * (time.perf_counter() - start))
    return {name: statistics.median(each[1:]) for name, each in times.items()}


def counted(name: str) -> str:
    """How the program of a workload is grouped."""
    from workload.data import Workload
    from workload.lamina_steps import Steps

    steps = Steps(Workload(name), "native")
    for _ in range(3):
        steps()
    [run] = [run for run in steps.run._runs.values() if run is not None]
    groups = run.emitted.groups
    kinds = Counter(group.kind for group in groups)
    left = [i for group in groups if group.kind == "numpy" for i in group.members]
    return (
        f"{name:<4} {len(run.program.instructions):5} instructions, {len(groups):4} groups: "
        f"{', '.join(f'{n} {kind}' for kind, n in sorted(kinds.items()))}; left to NumPy: "
        f"{', '.join(type(i.fields.get('function', i.opcode)).__name__ for i in left) or 'nothing'}"
    )


def main() -> None:
    given = options()
    start_clean(given.threads)
    from lamina.machine.team import team

    print(machine(), versions(), f"{team().threads} threads, {given.size}", sep="\n")
    if given.workloads:
        from workload.data import ALL

        print(*map(counted, ALL), sep="\n")
        return
    for name, ms in median_ms(steps(*given.size), given.rounds).items():
        print(f"{name:<28} {ms:8.3f} ms")


if __name__ == "__main__":
    main()
