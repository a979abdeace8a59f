"""Putting, gathering, segments and diagonals where the tables do not go: ties, wrong arguments."""

from __future__ import annotations

import numpy as np
import pytest

import lamina.functions as F
from lamina import Variable
from lamina.errors import DTypeError, RangeError, ShapeError

MISTAKES = [
    (lambda: F.index_put(np.ones(3), [0, 1], np.ones(3)), ShapeError, r"\(3,\) do not fit .* \(2,"),
    (lambda: F.index_add(np.ones(3), 0, np.ones(1)), ShapeError, r"\(1,\) do not fit .* \(\)"),
    (lambda: F.index_put(np.ones(3), 7, 1.0), IndexError, "index 7 is out of bounds"),
    (lambda: F.gather(np.ones((2, 3)), [[0], [0], [0]], 1), ShapeError, "no longer except along"),
    (lambda: F.gather(np.ones((2, 3)), [0], 1), ShapeError, "should have as many axes as x"),
    (lambda: F.gather(np.ones((2, 3)), [[0.5]], 1), DTypeError, "gather: indices should be integ"),
    (lambda: F.scatter(np.ones(3), [1, 2], np.ones(3), 0), ShapeError, r"\(3,\) do not fit"),
    (lambda: F.scatter(np.ones(3), [1], 0.0, 1), RangeError, r"scatter of \(3,\): axis 1 is out"),
    (lambda: F.select([True], []), ShapeError, "1 conditions need as many choices, got 0"),
    (lambda: F.segment_sum(np.ones((3, 2)), [0, 1], 2), ShapeError, r"\(3, 2\) needs one segment"),
    (lambda: F.segment_max(np.ones(2), [0, 5], 2), RangeError, r"row 1 belongs to segment 5, out"),
    (lambda: F.segment_mean(np.ones(2), [0.0, 1.0], 2), DTypeError, "segments should be integers"),
    (lambda: F.segment_softmax(np.ones(2), [0, 0], -1), RangeError, "count should be 0 or more"),
    (lambda: F.diagonal(np.ones(3)), RangeError, r"diagonal of \(3,\): axis -2 is outside"),
    (lambda: F.diagonal(np.ones((2, 2)), 0, 1, -1), RangeError, "name one axis twice"),
    (lambda: F.diag_embed(1.0), ShapeError, r"diag_embed: x should be \(..., n\), got \(\)"),
    (lambda: F.fill_diagonal([1.0], 0), ShapeError, r"should be \(..., m, n\), got \(1,\)"),
    (lambda: F.block_diag([]), ShapeError, "needs one matrix or more, got none"),
    (lambda: F.block_diag([np.ones(2)]), ShapeError, r"needs one matrix or more, got \(2,\)"),
    (lambda: F.meshgrid([1.0], indexing="yx"), RangeError, "'xy' or 'ij', got 'yx'"),
    (lambda: F.meshgrid([[1.0]]), ShapeError, r"should have one axis, got \(1, 1\)"),
    (lambda: F.broadcast_arrays([1, 2], [1, 2, 3]), ShapeError, r"\(2,\), \(3,\) do not broadcast"),
    (lambda: F.rot90(np.ones(2)), RangeError, r"rot90 of \(2,\): axis 1 is outside"),
    (lambda: F.rot90(np.ones((2, 2)), axes=(0,)), ShapeError, r"axes should be two, got \(0,\)"),
    (lambda: F.chunk(np.ones(2), 0), RangeError, "chunk: count should be 1 or more, got 0"),
    (lambda: F.unstack(1.0), RangeError, r"unstack of \(\): axis 0 is outside"),
    (lambda: F.hstack([]), ShapeError, "needs one array or more, got none"),
    (lambda: F.embedding_bag([0], [[1.0]], "median"), RangeError, "mean, sum or max, got 'median'"),
    (lambda: F.embedding_bag(0, [[1.0]]), ShapeError, r"x should be \(..., k\), got \(\)"),
    (
        lambda: F.embedding_bag([0], [[1.0]], "max", weights=[1.0]),
        ShapeError,
        r"as many weights, for a sum, got \(1,\) for max",
    ),
]


@pytest.mark.parametrize(("call", "error", "text"), MISTAKES)
def test_wrong_argument_is_named(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_of_values_put_in_one_place_the_last_stays_and_alone_gets_the_gradient():
    values = Variable(np.array([1.0, 2.0, 3.0]))
    y = F.index_put(np.zeros(2), [1, 1, 0], values)
    np.testing.assert_array_equal(y.data, [3.0, 2.0])
    y.sum().backward()
    np.testing.assert_array_equal(values.grad.data, [0.0, 1.0, 1.0])


def test_index_put_keeps_integers_and_does_not_change_its_input():
    x = np.array([1, 2, 3])
    y = F.index_put(x, [0], 9)
    assert y.dtype == np.int64
    np.testing.assert_array_equal(y.data, [9, 2, 3])
    np.testing.assert_array_equal(x, [1, 2, 3])


def test_index_put_of_a_fraction_into_integers_does_not_cut_it_off():
    np.testing.assert_array_equal(F.index_put(np.array([1, 2]), 0, 0.5).data, [0.5, 2.0])


def test_equal_rows_of_a_segment_share_the_gradient_of_its_maximum():
    x = Variable(np.array([2.0, 2.0, 1.0, 5.0]))
    F.segment_max(x, np.array([0, 0, 0, 1]), 2).sum().backward()
    np.testing.assert_array_equal(x.grad.data, [0.5, 0.5, 0.0, 1.0])


def test_segment_softmax_of_large_scores_does_not_overflow():
    y = F.segment_softmax(np.array([1e4, 1e4 - 1, -1e4]), np.array([0, 0, 1]), 2)
    np.testing.assert_allclose(y.data, [1 / (1 + np.exp(-1)), 1 / (1 + np.exp(1)), 1.0], rtol=1e-14)
