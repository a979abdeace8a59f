"""How long does it take from the start of a process to the end of its first step?

    python benchmarks/start.py --peers PYTHON [W1 W2 ...] [--rounds 5] [--cold]

The workloads are those of workloads.py. In each round every variant has a process of its own, one
after another, with the caches that the rounds before have left; printed are the medians of the
seconds, and of the ratios to PyTorch within a round. With --cold each process has empty caches, and
JAX stands in PyTorch's place. `memory` is the largest of the process after two more steps, in MB.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path

import setting
from workload import data, pythons, turns

RESULTS = Path(__file__).parent / "results"
OURS, WARM, COLD = "lamina-native", "torch-eager", "jax-jit"
GOALS = {WARM: 0.5, COLD: 1.0}
Found = tuple[float, float, float]  # seconds to the first and the third step, MB


def started(python: str, name: str, variant: str, cache: str) -> Found:
    """One process."""
    side = turns.Side(python, data.Workload(name), variant, 2, cache)
    return side.first, side.third, side.close()


def row(name: str, pairs: list[tuple[Found, Found]], peer: str) -> str:
    """A line of the table: medians over the rounds."""
    columns = []
    for which in range(3):
        ours, theirs = [[side[which] for side in sides] for sides in zip(*pairs)]
        ratio = statistics.median([a / b for a, b in zip(ours, theirs)])
        a, b = statistics.median(ours), statistics.median(theirs)
        columns.append(f"{a:.0f} / {b:.0f}" if which == 2 else f"{a:.2f} / {b:.2f}")
        columns.append(f"{ratio:.2f}{' *' if which == 0 and ratio > GOALS[peer] else ''}")
    return f"| {name:<3} | {' | '.join(columns)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("workloads", nargs="*", metavar="W", help="W1 to W10; else all")
    parser.add_argument("--peers", metavar="PYTHON", required=True, help="has torch, or jax")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cold", action="store_true", help="with empty caches, against JAX")
    given = parser.parse_args()
    setting.start_clean(threads=2)
    peer = COLD if given.cold else WARM
    found = pythons.of([OURS, peer], given.peers)
    print(*pythons.environment(2), f"{given.rounds} rounds; * misses {GOALS[peer]}", "", sep="\n")
    print(f"| {OURS} / {peer} | first step, s | ratio | third, s | ratio | memory, MB | ratio |")
    print(f"|---|{'---|' * 6}", flush=True)
    for name in given.workloads or data.ALL:
        print(row(name, measured(found, name, peer, given.rounds, given.cold), peer), flush=True)


def measured(
    found: dict[str, str], name: str, peer: str, rounds: int, cold: bool
) -> list[tuple[Found, Found]]:
    """Both variants, in turns."""
    pairs: list[tuple[Found, Found]] = []
    with tempfile.TemporaryDirectory() as warm:
        started(found[OURS], name, OURS, warm)  # also so that all byte code is there
        while len(pairs) < rounds:
            with tempfile.TemporaryDirectory() as empty:
                cache = empty if cold else warm
                ours, theirs = [started(found[v], name, v, cache) for v in (OURS, peer)]
                pairs.append((ours, theirs))
    return pairs


if __name__ == "__main__":
    main()
