"""The picture of a run. Whether it looks good, people say; here, that it is drawn from any run."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from matplotlib.figure import Figure

from lamina.cli.plots import COLUMNS, ROWS, chosen, draw_curves, draw_digits, draw_run
from lamina.errors import DependencyError

PNG = b"\x89PNG\r\n\x1a\n"


def records(losses, accuracies):
    return [
        {
            "epoch": i + 1,
            "loss": loss,
            "accuracy": accuracy,
            "held_out/loss": loss + 0.1,
            "held_out/accuracy": accuracy,
        }
        for i, (loss, accuracy) in enumerate(zip(losses, accuracies))
    ]


def answers(n: int, wrong: int):
    """n images and labels, and scores of which the first few are wrong."""
    t = np.arange(n) % 10
    read = np.where(np.arange(n) < wrong, (t + 1) % 10, t)
    x = np.random.default_rng(0).random((n, 64), dtype=np.float32)
    return (x, t), np.eye(10, dtype=np.float32)[read]


@pytest.mark.parametrize(
    ("losses", "accuracies"),
    [
        ([1.2, 0.3, 0.01], [0.5, 0.9, 1.0]),
        ([0.5], [0.9]),
        ([0.0, 0.0], [1.0, 1.0]),
        ([80.0], [0.0]),
    ],
    ids=["usual", "one epoch", "perfect", "hopeless"],
)
@pytest.mark.parametrize(("n", "wrong"), [(360, 5), (360, 0), (360, 360), (3, 1)])
def test_any_run_becomes_a_png(losses, accuracies, n, wrong, tmp_path):
    path = tmp_path / "curves.png"
    draw_run(path, records(losses, accuracies), *answers(n, wrong))
    assert path.read_bytes().startswith(PNG)


def test_drawing_leaves_nothing_else_in_the_folder(tmp_path):
    draw_run(tmp_path / "curves.png", records([1.0], [0.5]), *answers(60, 2))
    assert [path.name for path in tmp_path.iterdir()] == ["curves.png"]


def test_the_curves_are_the_numbers_of_the_run():
    figure = Figure()
    draw_curves(figure, records([1.2, 0.3], [0.5, 0.75]))
    loss, accuracy = figure.axes
    assert [line.get_ydata().tolist() for line in loss.lines] == [[1.2, 0.3], [1.3, 0.4]]
    assert accuracy.lines[0].get_ydata().tolist() == [50, 75]
    assert accuracy.lines[0].get_xdata().tolist() == [1, 2]


def titles(n: int, wrong: int) -> list[str]:
    figure = Figure()
    draw_digits(figure, *answers(n, wrong))
    return [axes.get_title() for axes in figure.axes]


def test_each_image_stands_under_what_was_read():
    assert titles(360, 0) == [str(i % 10) for i in range(ROWS * COLUMNS)]


def test_what_was_read_wrong_stands_last_with_what_it_is():
    assert titles(360, 3)[-3:] == ["1, is 0", "2, is 1", "3, is 2"]


def test_the_heading_counts():
    figure = Figure()
    draw_digits(figure, *answers(360, 3))
    assert figure.get_suptitle() == (
        "What the network reads: 357 of 360 held-out digits right; in red: wrong"
    )


@pytest.mark.parametrize(
    ("right", "count", "expected"),
    [
        ([True, True, True], 2, [0, 1]),
        ([False, False, False, True, True, True], 4, [3, 4, 0, 1]),
        ([False, True], 9, [1, 0]),
        ([], 3, []),
    ],
)
def test_which_images_are_shown(right, count, expected):
    assert chosen(np.array(right, bool), count) == expected


def test_without_matplotlib_the_error_says_how_to_install_it(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(DependencyError, match=r"pip install 'lamina\[plot\]'"):
        draw_run(tmp_path / "curves.png", records([1.0], [0.5]), *answers(60, 2))
