"""How much longer than ``import numpy`` does ``import lamina`` take? The goal: at most 60 ms more.

Each import is timed in a fresh process, 15 times, the two in turns, after one of each that may have
to write byte code. Printed are the medians, and the median of the differences.

    python benchmarks/import_time.py [--rounds 15]
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys

import setting

GOAL = 60  # milliseconds
TIMED = "import time; start = time.perf_counter(); import {}; print(time.perf_counter() - start)"


def milliseconds(module: str) -> float:
    """One import in a process of its own."""
    command = [sys.executable, "-c", TIMED.format(module)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout) * 1e3


def both() -> tuple[tuple[float, float], float]:
    """NumPy, then lamina; and the seconds of the cores that this took."""
    before = sum(os.times()[:4])
    pair = milliseconds("numpy"), milliseconds("lamina")
    return pair, sum(os.times()[:4]) - before


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    setting.start_clean(threads=2)
    print(setting.machine(), setting.versions(), sep="\n")
    both()
    pairs = setting.quiet_rounds(both, rounds)
    numpy, lamina = (statistics.median(times) for times in zip(*pairs))
    more = statistics.median(b - a for a, b in pairs)
    print(f"\nimport numpy  {numpy:7.1f} ms\nimport lamina {lamina:7.1f} ms")
    print(f"more          {more:7.1f} ms, median of {rounds} (goal: at most {GOAL})")


if __name__ == "__main__":
    main()
