"""One process of one variant: it makes its steps, takes the first, and then waits for its turns.

``python -m workload.worker '{"variant": "torch-fused", "name": "W2", "sizes": {}, "threads": 2}'``.
What it says are lines of JSON on its standard output; what it is told are lines of words:

    turn SECONDS COUNT   steps for so long, and at least so many; medians
    values COUNT         what came out of the first steps, at most KEPT
    end                  its largest memory, and it ends
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from . import variants
from .data import Workload

KEPT = 20  # of how many steps it is known what came out


class Runner:
    """Takes steps, and remembers what came out of the first ones."""

    def __init__(self, steps: Any):
        self.steps = steps
        self.values: list[list[float]] = []

    def one(self) -> float:
        """Seconds of one step."""
        start = time.perf_counter()
        result = self.steps()
        took = time.perf_counter() - start
        if len(self.values) < KEPT:
            self.values.append(self.steps.value(result))
        return took

    def turn(self, seconds: float, count: int) -> dict[str, float]:
        start, used, times = time.perf_counter(), time.process_time(), []
        while len(times) < count or time.perf_counter() - start < seconds:
            times.append(self.one())
        return {
            "ms": statistics.median(times) * 1e3,
            "steps": len(times),
            "cpu": time.process_time() - used,
        }

    def first_values(self, count: int) -> list[list[float]]:
        while len(self.values) < count:
            self.one()
        return self.values[:count]


def peak_mb() -> float:
    """The largest memory this process had at a time, in MB.

    Linux counts it from the start of the program as VmHWM; getrusage may give the parent's.
    """
    status = Path("/proc/self/status")
    if status.exists():
        lines = status.read_text(encoding="utf-8").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def confine(threads: int) -> None:
    """As many cores as threads: JAX takes all that it may."""
    if hasattr(os, "sched_setaffinity"):
        allowed = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, allowed[:threads])


def main() -> None:
    # what libraries print goes elsewhere
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    given = json.loads(sys.argv[1])

    def say(what: Any) -> None:
        print(json.dumps(what), file=out, flush=True)

    confine(given["threads"])
    sizes = {k: tuple(v) if isinstance(v, list) else v for k, v in given["sizes"].items()}
    workload = Workload(given["name"], tuple(sizes.items()))
    runner = Runner(variants.make(given["variant"], workload, given["threads"]))
    runner.one()
    say({"version": runner.steps.version})
    for line in sys.stdin:
        word, *numbers = line.split()
        if word == "turn":
            say(runner.turn(float(numbers[0]), int(numbers[1])))
        elif word == "values":
            say(runner.first_values(int(numbers[0])))
        else:
            say({"peak": peak_mb()})
            return


if __name__ == "__main__":
    main()
