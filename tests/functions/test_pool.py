"""Pooling beyond the table: ties, NaN, borders, dtypes, errors."""

from __future__ import annotations

import numpy as np
import pytest

import lamina.functions as F
from lamina import Variable, gradients
from lamina.check import gradient
from lamina.errors import RangeError, ShapeError
from lamina.functions.pool import PoolGather, PoolScatter, PoolSpread, PoolSum
from lamina.functions.window import Window
from lamina.listen import Program


def gradient_of(f, x):
    v = Variable(np.asarray(x, np.float64))
    return gradients(f(v).sum(), v).data


def test_t73_average_of_windows_that_are_not_square(rng):
    gradient(lambda x: F.average_pool2d(x, (2, 3)), rng.uniform(-1, 1, (2, 3, 5, 7)), order=2)


def test_gradient_of_equal_numbers_goes_to_the_first():
    g = gradient_of(lambda x: F.max_pool2d(x, (2, 3)), np.ones((1, 1, 2, 6)))
    assert g.tolist() == [[[[1, 0, 0, 1, 0, 0], [0, 0, 0, 0, 0, 0]]]]


def test_gradient_of_equal_numbers_beside_a_border_goes_to_the_first_of_the_image():
    g = gradient_of(lambda x: F.max_pool1d(x, 3, padding=1), np.ones((1, 1, 2)))
    assert g.tolist() == [[[1, 0]]]


def test_gradient_of_zero_beside_a_border_goes_to_the_image():
    g = gradient_of(lambda x: F.max_pool1d(x, 2, padding=1), [[[0.0, -1.0]]])
    assert g.tolist() == [[[1, 1]]]


def test_gradient_of_overlapping_windows_adds_up():
    g = gradient_of(lambda x: F.max_pool1d(x, 2, stride=1), [[[1.0, 5.0, 2.0, 3.0]]])
    assert g.tolist() == [[[0, 2, 0, 1]]]


def test_nan_is_larger_than_all():
    y = F.max_pool1d([[[1.0, np.nan, 2.0, 3.0]]], 2)
    np.testing.assert_array_equal(y.data, [[[np.nan, 3.0]]])


def test_borders_are_never_the_largest():
    assert F.max_pool1d([[[-5.0, -7.0]]], 2, padding=1).data.tolist() == [[[-5.0, -7.0]]]


def test_largest_of_nothing_but_minus_infinity_is_minus_infinity():
    x = np.full((1, 1, 2), -np.inf)
    assert F.max_pool1d(x, 2, padding=1).data.tolist() == [[[-np.inf, -np.inf]]]


@pytest.mark.parametrize(
    ("dtype", "lowest"), [(np.int8, -128), (np.uint8, 0), (np.int64, -(2**63)), (np.bool_, False)]
)
def test_borders_of_integers_are_never_the_largest(dtype, lowest):
    y = F.max_pool1d(np.full((1, 1, 2), lowest, dtype), 2, padding=1)
    assert (y.dtype, y.data.tolist()) == (np.dtype(dtype), [[[lowest, lowest]]])


def test_max_pool_needs_no_more_than_one_byte_a_place_to_find_the_largest():
    program = Program()
    x = Variable(program.input((2, 3, 4, 6), np.float32))
    gradients(F.max_pool2d(x, (2, 3)), x, np.ones((2, 3, 2, 2), np.float32))
    assert [v.dtype for i in program.instructions for v in i.results].count(np.uint8) == 1


def test_a_kernel_of_more_numbers_than_a_byte_counts():
    x = np.zeros((1, 1, 20, 20))
    x[0, 0, 15, 3] = 1.0  # number 303 of 400
    assert np.argwhere(gradient_of(lambda x: F.max_pool2d(x, 20), x)).tolist() == [[0, 0, 15, 3]]


def test_average_counts_the_zeros_around_the_image():
    y = F.average_pool1d([[[3.0, 6.0]]], 2, padding=1)
    assert y.data.tolist() == [[[1.5, 3.0]]]


def test_average_counts_only_the_image_if_asked():
    y = F.average_pool1d([[[3.0, 6.0]]], 2, padding=1, count_include_pad=False)
    assert y.data.tolist() == [[[3.0, 6.0]]]


def test_average_of_integers_is_floating():
    y = F.average_pool1d(np.array([[[1, 2, 4]]]), 2, stride=1)
    assert (y.dtype, y.data.tolist()) == (np.float64, [[[1.5, 3.0]]])


@pytest.mark.parametrize("name", ["max_pool2d", "average_pool2d"])
@pytest.mark.parametrize("padding", ["same", 1])
def test_pooling_is_heard_with_the_shape_it_has(name, padding):
    f = vars(F)[name]
    x = np.ones((2, 3, 5, 7), np.float32)
    absent = f(Variable(Program().input(x.shape, x.dtype)), (2, 3), padding=padding)
    assert absent.shape == f(x, (2, 3), padding=padding).shape


ODD = Window((5, 6), (3, 2), (2, 1), ((1, 0), (0, 1)), (1, 1))


def test_sum_and_spread_are_transposes(rng):
    x, y = rng.standard_normal((2, 3, 5, 6)), rng.standard_normal((2, 3, *ODD.out))
    one, other = (PoolSum(ODD)(x).data * y).sum(), (PoolSpread(ODD)(y).data * x).sum()
    # 2 * 3 * 2 * 6 * 6 products of size 1, added in two orders
    np.testing.assert_allclose(one, other, rtol=1e-11)


def test_gather_and_scatter_are_transposes(rng):
    x, y = rng.standard_normal((2, 3, 5, 6)), rng.standard_normal((2, 3, *ODD.out))
    at = rng.integers(0, 6, y.shape).astype(np.uint8)
    one, other = (PoolGather(ODD)(x, at).data * y).sum(), (PoolScatter(ODD)(y, at).data * x).sum()
    # 2 * 3 * 2 * 6 products of size 1, added in two orders
    np.testing.assert_allclose(one, other, rtol=1e-11)


@pytest.mark.parametrize("kind", [PoolGather, PoolScatter])
def test_gather_and_scatter_have_derivatives_to_the_third_order(kind, rng):
    at = rng.integers(0, 6, (2, 3, *ODD.out)).astype(np.uint8)
    x = rng.uniform(-1, 1, (2, 3, 5, 6) if kind is PoolGather else at.shape)
    gradient(lambda x: kind(ODD)(x, at) ** 3, x, order=3)


IMAGE = np.ones((2, 3, 5, 7))

WRONG = {
    "rank": (
        lambda: F.max_pool2d(np.ones((2, 3, 5)), 2),
        ShapeError,
        r"^max_pool2d: x should have shape \(n, c, h, w\), got \(2, 3, 5\)",
    ),
    "large kernel": (
        lambda: F.average_pool2d(IMAGE, (2, 8)),
        ShapeError,
        r"^average_pool2d: the kernel \(2, 8\) is larger than the image \(5, 7\)",
    ),
    "kernel": (
        lambda: F.max_pool2d(IMAGE, 0),
        RangeError,
        r"^max_pool2d: kernel should be an integer of 1 or more, or 2 of them, got 0$",
    ),
    "stride": (
        lambda: F.max_pool2d(IMAGE, 2, stride=(1, 2, 3)),
        RangeError,
        r"^max_pool2d: stride should be an integer of 1 or more, or 2 of them, got \(1, 2, 3\)$",
    ),
    "padding": (
        lambda: F.max_pool2d(IMAGE, (2, 3), padding=2),
        RangeError,
        r"^max_pool2d: padding \(\(2, 2\), \(2, 2\)\) should be less than the kernel \(2, 3\): a "
        r"window that holds nothing but padding has no result$",
    ),
    "nothing": (
        lambda: F.max_pool2d(np.ones((2, 3, 0, 7)), 2, padding=1),
        ShapeError,
        r"^max_pool2d: the image \(0, 7\) has no numbers$",
    ),
    "global average": (
        lambda: F.global_average_pool(np.ones((2, 3))),
        ShapeError,
        r"^global_average_pool: x should have shape \(n, c, \.\.\.\) of three axes or more, got "
        r"\(2, 3\)$",
    ),
    "global max": (
        lambda: F.global_max_pool(np.ones(3)),
        ShapeError,
        r"^global_max_pool: x should have shape .* got \(3,\)$",
    ),
}


@pytest.mark.parametrize(("call", "error", "message"), WRONG.values(), ids=list(WRONG))
def test_what_does_not_fit_is_named_with_its_values(call, error, message):
    with pytest.raises(error, match=message):
        call()
