"""The command: ``python -m tools.sweep [--count N] [--seed S] [--only NAME] [--case NUMBER]``.

Each operator draws ``count`` cases, float64 and float32 in turn. Each is compared with NumPy or
SciPy, and with PyTorch where this interpreter has it. A difference prints the words that repeat it.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator

from . import families  # noqa: F401 (fills the table)
from .case import OPERATORS, Draw
from .compare import against_numpy, against_torch


def one(seed: int, name: str, number: int, peers: bool, counts: Counter[str]) -> Iterator[str]:
    """The differences of one case from its references."""
    draw = Draw(seed, name, number)
    case = OPERATORS[name](draw)
    counts["cases"] += 1
    where = f"--seed {seed} --only {name} --case {number}: {draw.dtype}"
    shapes = [getattr(x, "shape", x) for x in case.inputs]
    references = [("NumPy", case.numpy, against_numpy)]
    references += [("PyTorch", case.torch, against_torch)] if peers else []
    for word, reference, compare in references:
        if reference is None:
            continue
        counts[word] += 1
        try:
            found = compare(reference, case, draw)
        except Exception as error:  # noqa: BLE001 (a case that fails is a difference like any)
            last = traceback.extract_tb(error.__traceback__)[-1]
            found = f"{type(error).__name__}: {error} ({last.filename}:{last.lineno})"
        counts["with derivatives"] += word == "PyTorch" and draw.slopes
        if found:
            yield f"{where} {case.text} {shapes}: {word}: {found}"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.sweep", description=__doc__)
    parser.add_argument("--count", type=int, default=32, help="cases of each operator")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", help="names of operators")
    parser.add_argument("--case", type=int, help="one number instead of all")
    options = parser.parse_args(arguments)
    peers = importlib.util.find_spec("torch") is not None
    numbers = range(options.count) if options.case is None else [options.case]
    counts: Counter[str] = Counter()
    start, wrong = time.perf_counter(), 0
    for name in options.only or sorted(OPERATORS):
        for number in numbers:
            for line in one(options.seed, name, number, peers, counts):
                print(line)
                wrong += 1
    seconds = time.perf_counter() - start
    print(", ".join(f"{count:,} {word}" for word, count in counts.items()), end="; ")
    print(f"{len(options.only or OPERATORS)} operators, {wrong} differences, {seconds:.0f} s")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
