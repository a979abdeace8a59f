"""Which curves share a chart, and what the script needs to draw them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ..arrays import Array
from .layers import QUANTITIES, Layers
from .story import Story
from .thin import Curve
from .words import SCRIPT_WORDS, Words

FIRST, LAST = ("loss", "accuracy"), ("lr",)  # charts; others stand between, as in the files
LOG_FROM = (
    50  # a chart of positive values whose largest is so many times its smallest starts as log
)
LESS_IS_BETTER = ("loss", "error", "perplexity", "mse", "mae", "rmse", "nll", "bits")
MORE_IS_BETTER = (
    *("accuracy", "f1", "auc", "precision", "recall", "score", "iou", "dice", "bleu"),
    *("r2", "psnr", "ssim"),
)


def better(name: str) -> int:
    """1: more of it is better; -1: less is; 0: nobody knows.

    Example:
        >>> better("held_out/accuracy"), better("loss"), better("lr")
        (1, -1, 0)
    """
    base = name.rpartition("/")[2].lower()
    if any(word in base for word in LESS_IS_BETTER):
        return -1
    return 1 if any(word in base for word in MORE_IS_BETTER) else 0


def grouped(stories: list[Story]) -> dict[str, list[tuple[Story, Curve]]]:
    """Curves by chart: those whose names end alike; of a metric of steps not its means."""
    charts: dict[str, list[tuple[Story, Curve]]] = {}
    for story in stories:
        stepwise = {curve.name for curve in story.curves if curve.event == "step"}
        for curve in story.curves:
            if curve.event == "step" or curve.name not in stepwise:
                base = curve.name.rpartition("/")[2] or curve.name
                charts.setdefault(base, []).append((story, curve))
    between = [base for base in charts if base not in FIRST + LAST]
    return {base: charts[base] for base in (*FIRST, *between, *LAST) if base in charts}


class Axes:
    """Places that several curves share, kept once."""

    def __init__(self) -> None:
        self.known: dict[bytes, int] = {}
        self.lists: list[list[list[float]]] = []

    def add(self, x: Array) -> int:
        """The number of these places."""
        key = x.tobytes()
        if key not in self.known:
            self.known[key] = len(self.lists)
            self.lists.append([rounded(column, 7) for column in x.T])
        return self.known[key]


def rounded(values: Iterable[float], digits: int = 6) -> list[Any]:
    """Numbers as JSON takes them, in few digits; None where there is none.

    Example:
        >>> rounded([1 / 3, 20.0, np.nan])
        [0.333333, 20, None]
    """
    found = [float(f"{value:.{digits}g}") if np.isfinite(value) else None for value in values]
    return [int(v) if v is not None and v == int(v) and abs(v) < 1e15 else v for v in found]


def chart_data(stories: list[Story], words: Words) -> dict[str, Any]:
    """All that the script reads."""
    axes = Axes()
    charts = [
        {
            "title": words(base) if base in FIRST + LAST else base,
            "log": starts_as_log(base, [curve for _, curve in curves]),
            "series": [_series(story, curve, axes, stories, words) for story, curve in curves],
        }
        for base, curves in grouped(stories).items()
    ]
    return {
        "runs": [{"letter": story.letter, "name": story.name} for story in stories],
        "charts": charts,
        "axes": axes.lists,
        "layers": [_strips(story.layers) for story in stories if story.layers],
        "words": {key: words(key) for key in SCRIPT_WORDS},
    }


def starts_as_log(base: str, curves: list[Curve]) -> bool:
    """Whether a chart is better seen on a log scale."""
    if better(base) > 0 or base in LAST:
        return False
    lows = [curve.low[np.isfinite(curve.low)] for curve in curves]
    highs = [curve.high[np.isfinite(curve.high)] for curve in curves]
    low, high = (np.concatenate(found) for found in (lows, highs))
    return bool(len(low) and low.min() > 0 and high.max() / low.min() >= LOG_FROM)


def _series(
    story: Story, curve: Curve, axes: Axes, stories: list[Story], words: Words
) -> dict[str, Any]:
    prefix = curve.name.rpartition("/")[0]
    kind = (
        words("held_out" if prefix == "held_out" else "learning")
        if (prefix in ("", "held_out"))
        else prefix
    )
    found = {
        "run": stories.index(story),
        "kind": kind,
        "name": curve.name,
        "dashed": bool(prefix),
        "smooth": curve.event == "step" and curve.name not in LAST,
        "axis": axes.add(curve.x),
        "mean": rounded(curve.mean),
        "count": curve.count,
    }
    if curve.count > len(curve.mean):
        found |= {"low": rounded(curve.low), "high": rounded(curve.high)}
    if len(curve.broken):
        found["broken"] = [rounded(place, 7) for place in curve.broken]
    return found


def _strips(layers: Layers) -> dict[str, Any]:
    """Of each quantity one row of cells for each parameter, -1 where a number is not finite."""
    rows = {
        quantity: [
            rounded(
                (time.values.get(name, [np.nan] * len(QUANTITIES))[i] for time in layers.times), 3
            )
            for name in layers.names
        ]
        for i, quantity in enumerate(QUANTITIES)
    }
    return {
        "names": layers.names,
        "steps": [time.iteration for time in layers.times],
        "rows": {quantity: found for quantity, found in rows.items() if _has_any(found)},
    }


def _has_any(rows: list[list[Any]]) -> bool:
    return any(cell is not None for row in rows for cell in row)
