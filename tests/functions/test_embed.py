"""Embedding: where its gradient goes, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

import lamina.functions as F
from lamina import Variable, gradients
from lamina.errors import DTypeError, RangeError, ShapeError

W = np.arange(8.0).reshape(4, 2)


def test_gradient_adds_up_where_a_row_is_taken_twice() -> None:
    table = Variable(W)
    g = gradients(F.embedding([1, 3, 1], table).sum(), table)
    assert g.data.tolist() == [[0, 0], [2, 2], [0, 0], [1, 1]]


def test_padding_gives_zeros_and_no_gradient() -> None:
    table = Variable(W)
    y = F.embedding([1, 3], table, padding=3)
    assert y.data.tolist() == [[2, 3], [0, 0]]
    assert gradients(y.sum(), table).data.tolist() == [[0, 0], [1, 1], [0, 0], [0, 0]]


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ([0, 4], r"4 at 1 is outside 0..3, the rows of a table of 4"),
        ([[0, 1], [-1, 2]], r"-1 at \(1, 0\) is outside 0..3"),
        (7, r"7 is outside 0..3"),
    ],
)
def test_number_that_is_no_row_is_named(x, message: str) -> None:
    with pytest.raises(RangeError, match=f"embedding: {message}"):
        F.embedding(x, W)


def test_numbers_that_are_no_integers_are_refused() -> None:
    with pytest.raises(DTypeError, match="embedding: x should hold integers, got float64"):
        F.embedding([1.0], W)


def test_padding_that_is_no_integer_is_refused() -> None:
    with pytest.raises(DTypeError, match=r"embedding: padding should be an integer, got 1.5"):
        F.embedding([1], W, padding=1.5)  # pyright: ignore[reportArgumentType]


def test_table_of_another_rank_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"W should have shape \(rows, size\), got \(4,\)"):
        F.embedding([1], np.ones(4))
