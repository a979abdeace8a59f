"""From how many operations on is a team of threads faster than one thread?

    python benchmarks/few.py --threads 2 [--batches 8,32,128]

Trains the network of W1 (see workloads.py) with batches of several sizes, each on one thread and on
all. Prints the operations of a step, as the compiler counts them, and microseconds of both, the
median of rounds in which they take turns.
"""

from __future__ import annotations

import argparse
import statistics
import time

from setting import machine, start_clean, versions


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batches", default="8,16,32,64,128,256,512")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--steps", type=int, default=200, help="of a round")
    return parser.parse_args()


def made(batch: int):
    """The step of a batch."""
    from workload.data import SIZES, Workload
    from workload.lamina_steps import Steps

    return Steps(Workload("W1", tuple({**SIZES["W1"], "batch": batch}.items())), "native")


def heard(steps, few: int):
    """Its program, on a team from ``few`` operations on."""
    from lamina.compiler.native import program

    usual, program.FEW = program.FEW, few
    try:
        for _ in range(3):
            steps()
    finally:
        program.FEW = usual
    [run] = [run for run in steps.run._runs.values() if run is not None]
    return run.emitted


def compared(batch: int, rounds: int, count: int) -> str:
    """One line of the table."""
    alone, together = made(batch), made(batch)  # both first: a new model lets all be heard anew
    heard(alone, 1 << 62)
    emitted = heard(together, 0)
    work, threads = emitted.work, emitted.threads
    times: dict[int, list[float]] = {0: [], 1: []}
    for _ in range(rounds + 1):
        for side, steps in enumerate((alone, together)):
            start = time.perf_counter()
            for _ in range(count):
                steps()
            times[side].append(1e6 * (time.perf_counter() - start) / count)
    assert [run.emitted.threads for run in alone.run._runs.values()] == [1]
    one, all_ = (statistics.median(times[side][1:]) for side in (0, 1))
    return f"batch {batch:4}  {work / 1e6:6.2f} M  {one:8.1f} us  {all_:8.1f} us on {threads}"


def main() -> None:
    given = options()
    start_clean(given.threads)
    print(machine(), versions(), sep="\n")
    print(f"{'':12}{'operations':>8}  {'one thread':>10}  {'all':>10}")
    for batch in given.batches.split(","):
        print(compared(int(batch), given.rounds, given.steps), flush=True)


if __name__ == "__main__":
    main()
