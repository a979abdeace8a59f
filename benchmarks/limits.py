"""What can this machine do at most? Products, memory, starting a job, waiting for one another.

Every other figure of native code is to be read beside these. With --foreign, one other program
keeps a core busy while a job of 40 barriers is timed: how much slower is it than alone?

    python benchmarks/limits.py [--threads 2] [--foreign]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from typing import NamedTuple

import numpy as np
from setting import machine, quiet_rounds, start_clean, versions

BARRIERS, NUMBERS, PASSES = 40, 1 << 15, 4


class Times(NamedTuple):
    """Seconds of a run."""

    mean: float
    median: float
    late: float  # 99 of 100 are shorter


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--foreign", action="store_true", help="beside one busy program too")
    given = parser.parse_args()
    os.environ["LAMINA_THREADS"] = str(given.threads)
    start_clean(given.threads)
    print(machine())
    print(versions())
    print()
    from lamina.machine.limits import measure
    from lamina.machine.team import team

    def once():
        start = time.process_time()
        found = measure(team())
        return found, time.process_time() - start

    print(quiet_rounds(once, 1)[0])
    if given.foreign:
        print()
        foreign(given.threads)


def foreign(threads: int) -> None:
    """The job alone, and beside a program that keeps one core busy."""
    run = job()
    single, alone = timed(run, 0.5, 1), timed(run, 1.0, threads)
    other = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        time.sleep(0.3)
        beside = timed(run, 4.0, threads)
    finally:
        other.kill()
        other.wait()
    after = timed(run, 2.0, threads)
    print(f"a job of {BARRIERS} barriers, us: mean, median, 99 of 100")
    for name, times in [
        ("one thread", single),
        ("all threads", alone),
        ("beside a busy program", beside),
        ("when that has ended", after),
    ]:
        print(f"{name:<22} " + " ".join(f"{1e6 * t:9.1f}" for t in times))
    print(f"ratio of means {beside.mean / alone.mean:.2f}")


def job():
    """A function that runs the job on so many threads."""
    from lamina.machine.code import Code
    from lamina.machine.module import Module
    from lamina.machine.target import host
    from lamina.machine.team import team

    module = Module(host())
    code = Code(module.ir, "job", module.target)
    x = code.pointer(1)
    for _ in code.loop(0, BARRIERS):
        low, high = code.share(NUMBERS, code.lanes)
        for _ in code.loop(0, PASSES):
            for i in code.loop(low, high, code.lanes):
                code.store(code.load(x, i) * 0.5 + 0.5, x, i)
        code.barrier()
    code.b.ret_void()
    compiled, array = module.compile(), np.ones(NUMBERS, np.float32)
    table = np.array([0, array.ctypes.data], np.int64)

    def run(threads: int) -> None:
        team().run(compiled.address("job"), table.ctypes.data, threads)
        assert array[0] == 1

    return run


def timed(run, seconds: float, threads: int) -> Times:
    taken, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        run(threads)
        taken.append(time.perf_counter() - start)
    return Times(float(np.mean(taken)), float(np.median(taken)), float(np.quantile(taken, 0.99)))


if __name__ == "__main__":
    main()
