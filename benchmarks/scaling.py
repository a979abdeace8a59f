"""How does the time of a step grow with the batch, and with the length of a sequence?

    python benchmarks/scaling.py --peers PYTHON [W2 W4 W6] [--variants ...] [--save NAME]

W2 and W4 of `workloads.py` at batches of 1 to 512, W6 at lengths of 64 to 1024, measured as there.
--save also draws benchmarks/results/NAME.svg, which needs matplotlib. Points that NAME.json holds
already stay, so that a machine that is free for a few minutes at a time will do. Without --peers
and without a workload: W2, two batches, lamina only.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import setting
from workload import data, pythons, table, turns, variants

RESULTS = Path(__file__).parent / "results"
SWEEPS = {
    "W2": ("batch", (1, 8, 32, 128, 512)),
    "W4": ("batch", (1, 8, 32, 128, 512)),
    "W6": ("length", (64, 128, 256, 512, 1024)),
}
Sweep = dict[int, dict[str, turns.Turns]]


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("workloads", nargs="*", metavar="W", help="W2, W4, W6; else all three")
    parser.add_argument("--peers", metavar="PYTHON", help="a Python that has torch, or jax")
    parser.add_argument("--variants", help=f"of {', '.join(variants.ALL)}; else all")
    parser.add_argument("--points", help="other batches or lengths, with commas")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.0, help="of a turn")
    parser.add_argument("--save", metavar="NAME", help="benchmarks/results/NAME.json and .svg")
    given = parser.parse_args()
    if not given.peers and not given.workloads:
        given.workloads, given.points, given.rounds, given.seconds = ["W2"], "1,32", 2, 0.2
    for name in given.workloads:
        if name not in SWEEPS:
            parser.error(f"a workload is one of {' '.join(SWEEPS)}, got {name}")
    given.workloads = given.workloads or list(SWEEPS)
    given.variants = pythons.chosen(parser, given.variants)
    return given


def sweep(name: str, found: dict[str, str], given: argparse.Namespace) -> Sweep:
    """The turns at each point; a variant that fails at one is left out at the larger ones."""
    size, points = SWEEPS[name]
    points = [int(n) for n in given.points.split(",")] if given.points else points
    results: Sweep = {}
    for point in points:
        workload = data.Workload(name, ((size, point),))
        fit = {v: python for v, python in found.items() if variants.applies(v, workload)}
        plan = turns.Plan(fit, given.threads, given.rounds, given.seconds, steps=table.EARLY)
        results[point] = turns.compare(plan, workload)
        found = {v: p for v, p in found.items() if v not in fit or results[point][v].ms}
        print(f"{name}, {size} {point}", table.markdown({name: results[point]}), "", sep="\n")
    return results


def medians(results: Sweep, variant: str) -> dict[int, float]:
    """Milliseconds at each point where a variant ran and computed what it should."""
    return {
        point: sides[variant].median()
        for point, sides in results.items()
        if variant in sides and sides[variant].ms and variant not in table.invalid(sides)
    }


def draw(sweeps: dict[str, Sweep], told: list[str], path: Path) -> None:
    """One panel a workload, both axes logarithmic; peers are dashed."""
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(
        1, len(sweeps), figsize=(5 * len(sweeps), 4.4), squeeze=False, layout="constrained"
    )
    for panel, (name, results) in zip(panels[0], sweeps.items()):
        for variant in variants.ALL:
            line = medians(results, variant)
            style = "--s" if variants.is_peer(variant) else "-o"
            if line:
                panel.loglog(list(line), list(line.values()), style, label=variant, markersize=4)
        panel.set(title=data.TITLES[name], xlabel=SWEEPS[name][0], ylabel="ms a step")
        panel.title.set_size(8)
        panel.set_xticks(list(results), [str(point) for point in results], minor=False)
        panel.minorticks_off()
        panel.grid(alpha=0.3)
        panel.legend(fontsize=7)
    figure.suptitle("; ".join(told[:2]), fontsize=6)
    figure.savefig(path)


def joined(path: Path, sweeps: dict[str, Sweep]) -> dict[str, Sweep]:
    """What an earlier call saved, and what this one measured, which counts where both did."""
    kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    earlier = {
        name: {
            int(point): {variant: turns.Turns(**fields) for variant, fields in sides.items()}
            for point, sides in kept[name]["results"].items()
        }
        for name in SWEEPS
        if name in kept
    }
    both = {name: {**earlier.get(name, {}), **sweeps.get(name, {})} for name in SWEEPS}
    return {name: dict(sorted(points.items())) for name, points in both.items() if points}


def main() -> None:
    given = options()
    setting.start_clean(given.threads)
    found = pythons.of(given.variants, given.peers)
    told = pythons.environment(given.threads)
    print(*told, "", sep="\n", flush=True)
    sweeps = {name: sweep(name, dict(found), given) for name in given.workloads}
    if not given.save:
        return
    RESULTS.mkdir(exist_ok=True)
    sweeps = joined(RESULTS / f"{given.save}.json", sweeps)
    record = {name: table.record(results, {}) for name, results in sweeps.items()}
    text = json.dumps({"environment": told, **record}, indent=1)
    (RESULTS / f"{given.save}.json").write_text(text + "\n", encoding="utf-8")
    draw(sweeps, told, RESULTS / f"{given.save}.svg")


if __name__ == "__main__":
    main()
