"""What the turns gave, as a table: medians, ratios to the best peer, and who computed otherwise."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from . import variants
from .data import TITLES
from .turns import Turns

EARLY, EARLY_TOLERANCE, TOLERANCE = 2, 1e-4, 5e-2
"""How far the losses of a variant may lie from the reference's, of the largest of them: the first
two, which show forward, gradients and one update, and all.

Later ones cannot be held to much in float32. In W10 PyTorch, JAX and lamina are 1e-4 apart at the
third loss, though in float64 PyTorch and lamina agree to nine digits for all twenty; in W2, where
Adam moves every activation far, what was a rounding of the matrix product is 7e-3 at the tenth.
With the gradients of its convolutions missing, W3 is off by 0.2.
"""

YARDSTICKS = ("torch-eager", "jax-jit", "lamina-eager")
COLUMNS = (
    "workload",
    "variant",
    "ms a step",
    "ratio to best peer",
    "first / third step, s",
    "with caches, s",
    "peak MB",
    "losses",
)
Results = Mapping[Any, Mapping[str, Turns]]


def reference(results: Mapping[str, Turns]) -> list[list[float]]:
    """The losses that all should have: PyTorch's as it is, else JAX's, else lamina's."""
    for variant in YARDSTICKS:
        if variant in results and results[variant].values:
            return results[variant].values
    return next((turns.values for turns in results.values() if turns.values), [])


def deviation(values: list[list[float]], expected: list[list[float]]) -> float:
    """The largest difference, relative to the largest number expected; infinite for NaN."""
    a, b = np.array(values), np.array(expected)
    if a.shape != b.shape or not np.isfinite(a).all():
        return float("inf")
    return float(abs(a - b).max() / max(abs(b).max(), np.finfo(np.float32).tiny))


def agrees(values: list[list[float]], expected: list[list[float]]) -> bool:
    """Whether it is the same mathematics."""
    early = deviation(values[:EARLY], expected[:EARLY])
    return early <= EARLY_TOLERANCE and deviation(values, expected) <= TOLERANCE


def invalid(results: Mapping[str, Turns]) -> set[str]:
    """The variants that compute something else."""
    expected = reference(results)
    return {
        v for v, turns in results.items() if turns.values and not agrees(turns.values, expected)
    }


def best_peer(results: Mapping[str, Turns]) -> str | None:
    """The fastest of the peers that compute what they should."""
    wrong = invalid(results)
    fit = [v for v, t in results.items() if variants.is_peer(v) and t.ms and v not in wrong]
    return min(fit, key=lambda v: results[v].median(), default=None)


def ratio(ours: Turns, theirs: Turns) -> float:
    """The median of the ratios, round by round: a machine that is slow for a while is so for both.

    Of rounds in which other programs left both alone; without such rounds, of the medians.
    """
    rounds = sorted(set(ours.quiet()) & set(theirs.quiet()))
    return statistics.median(
        [ours.ms[i] / theirs.ms[i] for i in rounds] or [ours.median() / theirs.median()]
    )


def rows(results: Results) -> list[tuple[str, ...]]:
    """The cells, one row a workload and variant."""
    return [_row(w, v, results[w]) for w in results for v in results[w]]


def _row(workload: str, variant: str, results: Mapping[str, Turns]) -> tuple[str, ...]:
    turns, best = results[variant], best_peer(results)
    if not turns.ms:
        return (workload, variant, "not there", "", "", "", "", "")
    by = deviation(turns.values, reference(results))
    compared = "" if best is None else f"{ratio(turns, results[best]):.2f}"
    if variant in invalid(results):
        losses, compared = f"invalid: off by {by:.0e}", ""
    else:
        losses = f"within {by:.0e}" if by else "same"
    return (
        workload,
        variant,
        ("" if turns.quiet() else "~") + f"{turns.median():.3g}",
        f"{compared} (best)" if variant == best else compared,
        f"{turns.first:.2f} / {turns.third:.2f}",
        "" if turns.cached is None else "{:.2f} / {:.2f}".format(*turns.cached),
        f"{turns.peak:.0f}",
        losses,
    )


def markdown(results: Results) -> str:
    """The table, and below it the reasons of those that are not there.

    A time with ~ was disturbed by other programs in all of its turns.
    """
    cells = [COLUMNS, *rows(results)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(COLUMNS))]
    lines = ["| " + " | ".join(c.ljust(n) for c, n in zip(row, widths)) + " |" for row in cells]
    lines.insert(1, "|" + "|".join("-" * (n + 2) for n in widths) + "|")
    titles = [f"- {name}: {TITLES[name]}" for name in results]
    return "\n".join([*lines, "", *titles, *_missing(results)])


def _missing(results: Results) -> list[str]:
    """Why variants are not there, one line a reason."""
    where: dict[tuple[str, str], list[str]] = {}
    for workload, sides in results.items():
        for variant, turns in sides.items():
            if turns.reason:
                where.setdefault((variant, turns.reason), []).append(workload)
    return [f"- {v} is not there ({', '.join(w)}): {reason}" for (v, reason), w in where.items()]


def record(results: Results, told: Mapping[str, Any]) -> dict[str, Any]:
    """All of it, for a JSON file."""
    kept = {w: {v: asdict(turns) for v, turns in sides.items()} for w, sides in results.items()}
    return {**told, "results": kept}
