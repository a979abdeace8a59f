"""Reductions, orders and counts where the tables do not go: ties, ends, wrong arguments."""

from __future__ import annotations

import numpy as np
import pytest

import lamina.functions as F
from lamina import Variable
from lamina.errors import DTypeError, RangeError, ShapeError

TIES = [
    (F.cummax, [1.0, 3.0, 3.0, 2.0], [1.0, 1.0, 2.0, 0.0]),
    (F.cummin, [3.0, 1.0, 1.0, 2.0], [1.0, 1.0, 2.0, 0.0]),
    (F.median, [2.0, 2.0, 2.0], [0.0, 1.0, 0.0]),
    (lambda x: F.topk(x, 1)[0], [5.0, 5.0, 1.0], [1.0, 0.0, 0.0]),
    (lambda x: F.sort(x)[0], [1.0, 1.0, 2.0], [1.0, 0.0, 0.0]),
    (F.ptp, [1.0, 3.0, 3.0], [-1.0, 0.5, 0.5]),
    (F.nanmax, [np.nan, 3.0, 3.0], [0.0, 0.5, 0.5]),
    (F.nanmean, [np.nan, 3.0, 5.0], [0.0, 0.5, 0.5]),
    (F.nanstd, [np.nan, 3.0, 3.0], [0.0, 0.0, 0.0]),
    (lambda x: F.quantile(x, 0.5), [1.0, np.nan, 2.0], [0.0, 0.0, 0.0]),
    (F.vector_norm, [0.0, 0.0], [0.0, 0.0]),
    (lambda x: F.vector_norm(x, 3), [0.0, 0.0], [0.0, 0.0]),
    (lambda x: F.vector_norm(x, 0.5), [0.0, 4.0], [0.0, 1.0]),
    (lambda x: F.vector_norm(x, np.inf), [-4.0, 4.0], [-0.5, 0.5]),
]

MISTAKES = [
    (lambda: F.diff([1.0], -1), RangeError, "diff: n should be 0 or more, got -1"),
    (lambda: F.diff(1.0), RangeError, r"diff of \(\): axis -1 is outside"),
    (lambda: F.topk([1.0, 2.0], 3), RangeError, r"topk: k should be 0\.\.2, the length of axis 0"),
    (lambda: F.quantile([1.0], 1.5), RangeError, r"quantile: q should be 0\.\.1, got 1.5"),
    (lambda: F.quantile([1.0], 0.5, method="best"), RangeError, "linear, lower, .* got 'best'"),
    (lambda: F.median(np.ones((2, 0)), 1), ShapeError, r"median of \(2, 0\): over axes \(1,\)"),
    (lambda: F.median([1.0], (0, 0)), RangeError, r"median of \(1,\): axes \(0, 0\) name one"),
    (lambda: F.average(np.ones((2, 3)), weights=np.ones(3)), ShapeError, "of one axis and an axis"),
    (lambda: F.average(np.ones((2, 3)), 0, np.ones(3)), ShapeError, r"axis 0 of \(2, 3\) needs"),
    (lambda: F.average(np.ones(0), weights=np.ones(0)), ShapeError, "there is nothing"),
    (lambda: F.cov([[1.0]]), RangeError, "cov: ddof=1 needs more than 1 observations"),
    (lambda: F.cov(np.ones((1, 2, 3))), ShapeError, r"should be \(m, n\) or \(n,\), got"),
    (lambda: F.vector_norm([1.0], -1), RangeError, "ord should be positive, 0 or infinite, got -1"),
    (lambda: F.vector_norm([], np.inf), ShapeError, "over axes .* there is nothing"),
    (lambda: F.searchsorted([[1.0]], 1.0), ShapeError, r"one axis, got \(1, 1\)"),
    (lambda: F.searchsorted([1.0], 1.0, "middle"), RangeError, "'left' or 'right', got 'middle'"),
    (lambda: F.bincount([0.5]), DTypeError, "x should hold integers, got float64"),
    (lambda: F.bincount([1, -2]), RangeError, r"bincount: -2 is outside 0\.\.1"),
    (lambda: F.bincount([1, 7], length=3), RangeError, r"bincount: 7 is outside 0\.\.2"),
    (lambda: F.bincount([1], [1.0, 2.0]), ShapeError, r"x of \(1,\) needs as many weights"),
    (lambda: F.histogram([1.0], 0), RangeError, "bins should be 1 or more, got 0"),
    (lambda: F.histogram([1.0], 2, (1, 1)), RangeError, r"range should rise, got \(1, 1\)"),
    (lambda: F.histogram([1.0], [0.0, 0.0]), RangeError, r"should rise, got \[0.0, 0.0\]"),
    (lambda: F.histogram([]), ShapeError, "there is nothing"),
]


@pytest.mark.parametrize(("f", "at", "slopes"), TIES)
def test_gradient_at_a_tie_or_an_edge_goes_where_the_documentation_says(f, at, slopes):
    x = Variable(np.array(at))
    f(x).sum().backward()
    np.testing.assert_array_equal(x.grad.data, slopes)


@pytest.mark.parametrize(("call", "error", "text"), MISTAKES)
def test_wrong_argument_is_named(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_sort_and_argsort_keep_the_order_of_equal_elements_both_ways():
    x = np.array([1.0, 0.0, 1.0, 0.0])
    np.testing.assert_array_equal(F.argsort(x).data, [1, 3, 0, 2])
    np.testing.assert_array_equal(F.argsort(x, descending=True).data, [0, 2, 1, 3])


def test_falling_order_puts_nan_first_as_larger_than_all():
    places = F.topk(np.array([1.0, np.nan, np.inf]), 2)[1]
    np.testing.assert_array_equal(places.data, [1, 2])


@pytest.mark.parametrize("bins", [1, 3, 10, 64])
def test_histogram_agrees_with_numpy_to_the_last_count_and_edge(bins, rng):
    x = rng.normal(size=500)
    counts, edges = F.histogram(x, bins)
    expected, expected_edges = np.histogram(x, bins)
    np.testing.assert_array_equal(counts.data, expected)
    np.testing.assert_array_equal(edges.data, expected_edges)


def test_vector_norm_of_numbers_whose_squares_overflow_or_vanish_is_exact():
    for size in (1e30, 1e-30):
        x = Variable(np.array([3 * size, 4 * size], np.float32))
        y = F.vector_norm(x)
        y.backward()
        np.testing.assert_allclose(y.data, 5 * size, rtol=4e-7)  # 3 roundings of float32
        np.testing.assert_allclose(x.grad.data, [0.6, 0.8], rtol=4e-7)


def test_logsumexp_has_all_digits_of_its_gradient_at_large_numbers():
    x = Variable(np.array([1e4, 1e4, 1e4 - 1], np.float32))
    F.logsumexp(x).backward()
    shares = np.exp([0.0, 0.0, -1.0])
    np.testing.assert_allclose(x.grad.data, shares / shares.sum(), rtol=4e-7)  # 3 roundings


def test_half_precision_holds_means_and_lengths_whose_sums_it_does_not():
    x = np.full(70_000, 2.0, np.float16)
    assert F.vector_norm(x).data == np.float16(2 * np.sqrt(70_000))
    assert F.nanmean(x).data == 2
    assert F.average(x, weights=x).data == 2
    assert F.nanvar(np.where(np.arange(70_000) % 2, x, 0).astype(np.float16)).data == 1
