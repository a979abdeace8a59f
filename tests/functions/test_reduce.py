"""Reductions: ties, zeros, empty axes, axes that are not there, small dtypes."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import lamina.functions as F
from lamina import Variable, gradients
from lamina.check import gradient
from lamina.errors import DTypeError, RangeError, ShapeError

ALL = (F.sum, F.mean, F.var, F.std, F.max, F.min, F.prod, F.logsumexp, F.all, F.any)
PLACES = (F.argmax, F.argmin)
UNDEFINED_ON_NOTHING = (F.mean, F.var, F.std, F.max, F.min, F.logsumexp, *PLACES)


def gradient_of(f, x):
    v = Variable(np.array(x, float))
    return gradients(f(v), v).data.tolist()


def test_t79_largest_that_are_equal_share_the_gradient_equally() -> None:
    assert gradient_of(F.max, [1, 4, 4, 0, 4, 4]) == [0, 0.25, 0.25, 0, 0.25, 0.25]


def test_t79_smallest_that_are_equal_share_the_gradient_equally() -> None:
    assert gradient_of(F.min, [1, 0, 4, 0]) == [0, 0.5, 0, 0.5]


def test_t79_ties_along_an_axis_are_shared_line_by_line() -> None:
    x = [[1, 1, 0], [0, 2, 1]]
    assert gradient_of(lambda v: F.max(v, 1).sum(), x) == [[0.5, 0.5, 0], [0, 1, 0]]


def test_gradient_of_the_largest_is_computed_in_its_own_dtype() -> None:
    x, y = Variable(np.ones((2, 3), np.float32)), Variable(np.ones(2, np.float32))
    assert F.max(x, 1)._edge.function.backward(y, x, y).dtype == np.float32


def test_gradient_of_the_largest_where_one_is_not_a_number_warns_of_nothing() -> None:
    assert np.sum(gradient_of(F.max, [1, np.nan, 2])) == 1


@pytest.mark.parametrize("f", [*ALL, *PLACES])
def test_axis_that_is_not_there_is_named_with_the_shape(f) -> None:
    with pytest.raises(RangeError, match=rf"^{f.__name__} of \(2, 3\): axis 2 is outside an array"):
        f(np.ones((2, 3)), axis=2)


@pytest.mark.parametrize("f", ALL)
def test_axis_named_twice_is_refused(f) -> None:
    with pytest.raises(
        RangeError, match=rf"^{f.__name__} of \(2, 3\): axes \(1, -1\) name one axi"
    ):
        f(np.ones((2, 3)), axis=(1, -1))


@pytest.mark.parametrize("axis", [1.0, "0", (0, 1.0)])
def test_axis_that_is_no_integer_is_refused(axis: object) -> None:
    for made in (1, (0, 1)):  # operators that are kept, for axes that equal 1.0 and (0, 1.0)
        F.sum(np.ones((2, 3)), axis=made)
    with pytest.raises(DTypeError, match=r"sum of \(2, 3\): axis should be an integer, got"):
        F.sum(np.ones((2, 3)), axis=axis)  # pyright: ignore[reportArgumentType]


def test_axes_may_be_a_list() -> None:
    assert F.sum(np.ones((2, 3, 5)), axis=[0, -1]).data.tolist() == [10, 10, 10]


@pytest.mark.parametrize("f", UNDEFINED_ON_NOTHING)
def test_nothing_has_no_such_number(f) -> None:
    with pytest.raises(ShapeError, match=rf"^{f.__name__} of \(2, 0\): over axes \(1,\) there is "):
        f(np.ones((2, 0)), axis=1)


@pytest.mark.parametrize("f", UNDEFINED_ON_NOTHING)
def test_other_axes_of_nothing_give_nothing(f) -> None:
    assert f(np.ones((2, 0)), axis=0).shape == (0,)


@pytest.mark.parametrize(("f", "y"), [(F.sum, 0), (F.prod, 1), (F.all, True), (F.any, False)])
def test_what_nothing_has(f, y) -> None:
    assert f(np.ones((2, 0)), axis=1).data.tolist() == [y, y]


def test_gradient_of_an_empty_product_is_empty() -> None:
    x = Variable(np.ones((2, 0)))
    y = F.prod(x, axis=1) + x.sum()
    assert gradients(y.sum(), x).shape == (2, 0)


def test_ddof_leaves_something_to_divide_by() -> None:
    with pytest.raises(RangeError, match="var: ddof=3 needs more than 3 numbers"):
        F.var(np.ones(3), ddof=3)


def test_deviation_of_equal_numbers_has_gradient_zero_in_every_order() -> None:
    x = Variable(np.full(4, 3.0))
    (g,) = gradients(F.std(x), [x], create_graph=True)
    (h,) = gradients(g.sum(), [x])
    assert (g.data.tolist(), h.data.tolist()) == ([0] * 4, [0] * 4)


def test_mean_of_float16_is_summed_in_float32() -> None:
    assert F.mean(np.full(4096, 100, np.float16)).item() == 100  # the sum is beyond float16


def test_gradient_of_the_mean_of_many_float16_is_not_lost() -> None:
    x = Variable(np.ones(70_000, np.float16))  # more than the largest float16
    assert gradients(F.mean(x), x).data[0] > 0


def test_variance_of_float16_whose_squares_add_up_beyond_float16() -> None:
    x = np.array([100, -100] * 100, np.float16)
    assert F.var(x).item() == 1e4


@pytest.mark.parametrize("dtype", [np.bool_, np.int8, np.uint8, np.int32])
@pytest.mark.parametrize("name", ["sum", "prod", "cumsum", "cumprod", "mean"])
def test_small_integers_widen_as_in_numpy(name: str, dtype: type) -> None:
    x = np.ones((2, 3), dtype)
    assert getattr(F, name)(x).dtype == getattr(np, name)(x).dtype


@pytest.mark.parametrize("zeros", [(), (1,), (0, 3), (0, 1, 2, 3)])
def test_derivatives_of_a_product_are_products_of_the_others(zeros: tuple[int, ...]) -> None:
    x = np.array([2.0, 3.0, 5.0, 7.0])
    x[list(zeros)] = 0
    others = [np.prod(np.delete(x, i)) for i in range(4)]
    assert gradient_of(F.prod, x) == others


def test_second_derivatives_of_a_product_with_zeros_are_products_of_the_others() -> None:
    x = np.array([2.0, 0.0, 5.0, 0.0, 3.0])
    v = Variable(x)
    (g,) = gradients(F.prod(v), [v], create_graph=True)
    rows = [gradients(g[i], v, retain_graph=True).data for i in range(5)]
    expected = np.zeros((5, 5))
    for i, j in itertools.permutations(range(5), 2):
        expected[i, j] = np.prod(np.delete(x, [i, j]))
    np.testing.assert_array_equal(rows, expected)


def test_fourth_derivative_of_a_product_of_zeros() -> None:
    gradient(F.prod, np.zeros(4), order=4)


def test_logarithm_of_a_sum_of_nothing_but_zeros_is_minus_infinity_without_a_warning() -> None:
    x = Variable([[-np.inf, -np.inf], [0.0, -np.inf]])
    y = F.logsumexp(x, axis=1)
    assert y.data.tolist() == [-np.inf, 0]


def test_its_gradient_is_zero_there() -> None:
    x = Variable([[-np.inf, -np.inf], [0.0, -np.inf]])
    assert gradients(F.logsumexp(x, axis=1).sum(), x).data.tolist() == [[0, 0], [1, 0]]


def test_logarithm_of_an_infinite_sum_is_infinite() -> None:
    assert F.logsumexp([np.inf, 0.0, -np.inf]).item() == np.inf


@pytest.mark.parametrize("keepdims", [False, True])
def test_axis_none_and_keepdims(keepdims: bool) -> None:
    assert F.sum(np.ones((2, 3)), keepdims=keepdims).shape == ((1, 1) if keepdims else ())


@pytest.mark.parametrize("f", PLACES)
def test_place_of_equals_is_the_first(f) -> None:
    assert f([[2, 2], [2, 2]], axis=1).data.tolist() == [0, 0]


@pytest.mark.parametrize("f", PLACES)
def test_place_is_an_integer_without_gradient(f) -> None:
    y = f(Variable([1.0, 2.0]))
    assert (y.dtype, y.requires_grad) == (np.int64, False)


def test_sum_does_not_keep_what_was_summed() -> None:
    x = Variable(np.ones(3))
    assert F.sum(x * x)._edge.saved in ((), [], None)


def test_operators_of_one_shape_are_made_once() -> None:
    x = Variable(np.ones((2, 3)))
    assert x.sum(1)._edge.function is x.sum(1)._edge.function


def test_methods_are_the_functions() -> None:
    names = "sum mean var std max min prod argmax argmin all any".split()
    assert all(getattr(Variable, name) is getattr(F, name) for name in names)
