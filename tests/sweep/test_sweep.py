"""A slice of `make sweep`: a case or two of each operator, against NumPy and SciPy."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import numpy as np
import pytest

import lamina.functions as F
from tools.sweep import families
from tools.sweep.__main__ import main, one
from tools.sweep.case import OPERATORS, Case, Draw

PUBLIC = [name for name, f in vars(F).items() if callable(f) and not name.startswith("_")]
SLICE = 6  # cases of each operator; `make sweep` has 32
ONLY_PYTORCH = {"ctc_loss", "istft", "max_pool_with_indices"}
"""They have no reference of a few lines; the tables of tests/functions have longer ones."""
FILES = [word for word in vars(families) if not word.startswith("_")]


def test_every_operator_is_drawn() -> None:
    assert sorted(OPERATORS) == sorted(PUBLIC)


def test_every_operator_but_three_has_a_reference_of_numpy() -> None:
    without = {name for name, draw in OPERATORS.items() if draw(Draw(0, name, 0)).numpy is None}
    assert without == ONLY_PYTORCH


@pytest.mark.parametrize("file", FILES)
def test_a_slice_of_each_family_agrees_with_numpy(file: str) -> None:
    names = [n for n, draw in OPERATORS.items() if draw.__module__ == f"tools.sweep.{file}"]
    counts: Counter[str] = Counter()
    found = [
        line for name in names for i in range(SLICE) for line in one(0, name, i, False, counts)
    ]
    assert not found, "python -m tools.sweep \n" + "\n".join(found)
    assert counts["cases"] == SLICE * len(names) > 0


def drawing(run: Any, reference: Any = lambda x: x) -> Any:
    return lambda d: Case(run, [d.array(3, low=1, high=2)], reference)


WRONG = {
    "a part in 10^13": (drawing(lambda x: F.mul(x, 1 + 1e-13)), 0, "should be"),
    "a part in 10^5 of float32": (drawing(lambda x: F.mul(x, 1 + 1e-5)), 1, "should be"),
    "a dtype": (drawing(lambda x: F.astype(x, np.float64)), 1, "dtype float64, should be float32"),
    "a shape": (drawing(lambda x: F.expand_dims(x, 0)), 0, r"shape \(1, 3\), should be \(3,\)"),
    "one more result": (drawing(lambda x: (x * 1, x * 1)), 0, "2 results, should be 1"),
    "an error": (drawing(lambda x: F.reshape(x, 4)), 0, "ShapeError: "),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_found_and_said_with_the_words_that_repeat_it(
    what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw, number, text = WRONG[what]
    monkeypatch.setitem(OPERATORS, "add", draw)
    (line,) = one(7, "add", number, False, Counter())
    assert line.startswith(f"--seed 7 --only add --case {number}: float{[64, 32][number]}")
    assert re.search(text, line)


def test_one_case_draws_the_same_numbers_again() -> None:
    first, again = (OPERATORS["conv2d"](Draw(3, "conv2d", 5)).inputs for _ in range(2))
    assert all(np.array_equal(x, y) for x, y in zip(first, again) if x is not None)


def test_command_exits_with_1_where_there_is_a_difference(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(OPERATORS, "add", drawing(lambda x: F.mul(x, 2.0)))
    assert main(["--only", "add", "--count", "2"]) == 1
    assert "1 operators, 2 differences" in capsys.readouterr().out
