"""The picture of a run: curves on the left, held-out digits with what was read on the right."""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import Any

import numpy as np

from ..arrays import Array
from ..errors import DependencyError
from ..files import atomic_write

ROWS, COLUMNS = 6, 8
BLUE, ORANGE, RED, INK, GREY = "#2563a8", "#d97706", "#c62828", "#222222", "#8a8a8a"


def draw_run(
    path: Path, metrics: list[dict[str, Any]], held_out: tuple[Array, Array], logits: Array
) -> None:
    """Write a PNG.

    Args:
        path: of the PNG.
        metrics: one record an epoch: ``epoch``, ``loss``, ``accuracy``, ``held_out/loss``,
            ``held_out/accuracy``.
        held_out: images ``(n, 64)`` and labels ``(n,)``.
        logits: ``(n, 10)``, the scores of these images.
    Raises:
        DependencyError: matplotlib is not installed.
    """
    figure = _figure(12.5, 6.4)
    halves: Any = figure.subfigures(1, 2, width_ratios=(1, 1.25))
    left, right = halves
    draw_curves(left, metrics)
    draw_digits(right, held_out, logits)
    _save(figure, path)


def draw_reading(path: Path, held_out: tuple[Array, Array], logits: Array) -> None:
    """Write a PNG of the right half alone.

    Raises:
        DependencyError: matplotlib is not installed.
    """
    figure = _figure(7, 6.4)
    draw_digits(figure, held_out, logits)
    _save(figure, path)


def _save(figure: Any, path: Path) -> None:
    content = io.BytesIO()
    figure.savefig(content, format="png")
    atomic_write(path, lambda file: file.write(content.getbuffer()), make_folders=True)


def _figure(width: float, height: float) -> Any:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise DependencyError(
            f"matplotlib draws it and cannot be imported ({error}); "
            "install it with: pip install 'lamina[plot]'"
        ) from None
    return Figure(figsize=(width, height), dpi=110, facecolor="white")  # no window, no global state


def draw_curves(figure: Any, metrics: list[dict[str, Any]]) -> None:
    """Loss above accuracy, over epochs: while learning, and on held-out digits."""
    epochs = [record["epoch"] for record in metrics]
    above, below = figure.subplots(2, 1, sharex=True)
    figure.subplots_adjust(left=0.13, right=0.8, top=0.9, bottom=0.1, hspace=0.24)
    for axes, key, title, scale, form in (
        (above, "loss", "Loss", 1, ".2g"),
        (below, "accuracy", "Accuracy, %", 100, ".1f"),
    ):
        lines = [
            ([scale * record[name] for record in metrics], label, colour)
            for name, label, colour in (
                (key, "learning", BLUE),
                (f"held_out/{key}", "held out", ORANGE),
            )
        ]
        for values, _, colour in lines:
            marker = "o" if len(metrics) < 3 else None
            axes.plot(epochs, values, color=colour, linewidth=1.8, marker=marker, clip_on=False)
        axes.set_title(title, loc="left", fontsize=11, color=INK)
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", color="#e6e6e6", linewidth=0.8)
        axes.tick_params(colors=INK, labelsize=9)
        axes.set_xlim(min(1, epochs[-1] - 1), epochs[-1])  # the names of the lines stand beyond
        _scale(axes, key, [value for values, _, _ in lines for value in values])
        _name_ends(axes, [(values[-1], label, colour) for values, label, colour in lines], form)
    below.set_xlabel("epoch", fontsize=10, color=INK)
    below.xaxis.get_major_locator().set_params(integer=True)


def _scale(axes: Any, key: str, values: list[float]) -> None:
    """Losses over whole powers of ten, accuracies over whole tens of percents."""
    if key == "accuracy":
        axes.set_ylim(min(90, 10 * math.floor(min(values) / 10)), 100)
        return
    powers = [math.log10(max(value, 1e-12)) for value in values]
    low, high = math.floor(min(powers)), math.ceil(max(powers))
    axes.set_yscale("log")
    axes.set_ylim(10.0**low, 10.0 ** max(high, low + 1))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter("")


def _name_ends(axes: Any, ends: list[tuple[float, str, str]], form: str) -> None:
    """Name each line at its right end, apart from one another."""
    to_axes = axes.transData + axes.transAxes.inverted()
    heights = [float(to_axes.transform((0, value))[1]) for value, _, _ in ends]
    middle, apart = sum(heights) / 2, max(abs(heights[0] - heights[1]), 0.1) / 2
    upper = 0 if heights[0] >= heights[1] else 1
    for i, (value, label, colour) in enumerate(ends):
        axes.annotate(
            f"{label} {value:{form}}",
            (1.02, middle + apart if i == upper else middle - apart),
            xycoords="axes fraction",
            color=colour,
            fontsize=9.5,
            va="center",
        )


def draw_digits(figure: Any, held_out: tuple[Array, Array], logits: Array) -> None:
    """A grid of images under what was read; those read wrong stand last, in red."""
    x, t = held_out
    read = logits.argmax(axis=1)
    wrong = np.flatnonzero(read != t)
    figure.suptitle(
        f"What the network reads: {len(t) - len(wrong)} of {len(t)} held-out digits right"
        + ("; in red: wrong" if len(wrong) else ""),
        fontsize=11,
        color=INK,
        y=0.965,
    )
    grid = figure.subplots(ROWS, COLUMNS)
    figure.subplots_adjust(left=0.02, right=0.98, top=0.89, bottom=0.03, hspace=0.42, wspace=0.15)
    for axes in grid.flat:
        axes.set_axis_off()
    for axes, i in zip(grid.flat, chosen(read == t, ROWS * COLUMNS)):
        right = read[i] == t[i]
        axes.imshow(x[i].reshape(8, 8), cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
        axes.set_title(
            f"{read[i]}" if right else f"{read[i]}, is {t[i]}",
            fontsize=10,
            color=GREY if right else RED,
            fontweight="normal" if right else "bold",
            pad=2,
        )
        if not right:
            _frame(axes)


def chosen(right: Array, count: int) -> list[int]:
    """Which images to show: the first that were read right, and, last, half of them at most wrong.

    Example:
        >>> chosen(np.array([True, False, True, True, False]), 4)
        [0, 2, 1, 4]
    """
    wrong = np.flatnonzero(~right)[: count // 2]
    return [*np.flatnonzero(right)[: count - len(wrong)].tolist(), *wrong.tolist()]


def _frame(axes: Any) -> None:
    axes.set_axis_on()
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set(color=RED, linewidth=1.6)
