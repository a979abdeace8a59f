"""How long do ten usual steps take in lamina, and how long in PyTorch and JAX?

    python benchmarks/workloads.py --peers PYTHON [W1 W2 ...] [--variants lamina-native,torch-fused]

--peers names a Python that has torch, or jax and optax, or both; without it, only lamina's own
variants run, and, if no workload is named, a few short turns of some. What each workload is, stands
below its table and in workload/data.py; what each variant is, in workload/*_steps.py.

All variants of a workload have the same weights, the same batch and the same mathematics, and what
comes out of the first steps is compared: a variant that computes otherwise is invalid, and no best
peer. Each is a process of its own. They are started one after another, and then take turns of a
second; who waits, sleeps. Printed are the median of each, and the median over the rounds of its
ratio to the best peer of the same round. A time with ~ was disturbed by other programs. `first /
third step` are seconds from the start of the process; with --cold the caches are empty at first,
and `with caches` is a second process.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import setting
from workload import data, pythons, table, turns, variants

RESULTS = Path(__file__).parent / "results"
SHORT = ("W1", "W2", "W5", "W7", "W9")


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("workloads", nargs="*", metavar="W", help="W1 to W10; else all")
    parser.add_argument("--peers", metavar="PYTHON", help="a Python that has torch, or jax")
    parser.add_argument("--variants", help=f"of {', '.join(variants.ALL)}; else all")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="of a turn")
    parser.add_argument("--steps", type=int, default=20, help="whose losses are compared")
    parser.add_argument("--cold", action="store_true", help="start with empty caches, then again")
    parser.add_argument("--save", metavar="NAME", help="benchmarks/results/NAME.md and .json")
    given = parser.parse_args()
    if not given.peers and not given.workloads:
        given.workloads, given.rounds, given.seconds, given.steps = SHORT, 3, 0.3, 5
    given.workloads = given.workloads or data.ALL
    for name in given.workloads:
        if name not in data.ALL:
            parser.error(f"a workload is one of {' '.join(data.ALL)}, got {name}")
    given.variants = pythons.chosen(parser, given.variants)
    return given


def main() -> None:
    given = options()
    setting.start_clean(given.threads)
    found = pythons.of(given.variants, given.peers)
    told = pythons.environment(given.threads)
    print(*told, "", sep="\n", flush=True)
    results: dict[str, dict[str, turns.Turns]] = {}
    for name in given.workloads:
        workload = data.Workload(name)
        fit = {v: python for v, python in found.items() if variants.applies(v, workload)}
        plan = turns.Plan(
            fit, given.threads, given.rounds, given.seconds, given.steps, cold=given.cold
        )
        results[name] = turns.compare(plan, workload)
        print(table.markdown({name: results[name]}), "", sep="\n", flush=True)
    versions = {t.version for sides in results.values() for t in sides.values() if t.version}
    told += sorted(versions)
    told.append(f"{given.rounds} rounds of {given.seconds:g} s; {given.steps} losses compared")
    if len(results) > 1:
        print(table.markdown(results), "", sep="\n")
    print(*told[3:], sep="\n")
    if given.save:
        save(given.save, results, told)


def save(name: str, results: dict[str, dict[str, turns.Turns]], told: list[str]) -> None:
    """The table as Markdown, and all figures as JSON."""
    RESULTS.mkdir(exist_ok=True)
    text = "\n".join([*[f"- {line}" for line in told], "", table.markdown(results), ""])
    (RESULTS / f"{name}.md").write_text(text, encoding="utf-8")
    record = json.dumps(table.record(results, {"environment": told}), indent=1)
    (RESULTS / f"{name}.json").write_text(record + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
