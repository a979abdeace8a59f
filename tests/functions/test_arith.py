"""Arithmetic at special points, with Python's numbers, and as Python's operators."""

from __future__ import annotations

import operator

import numpy as np
import pytest

import lamina.functions as F
from lamina import Variable, gradients
from lamina.errors import DTypeError, ShapeError

BINARY = ["add", "sub", "mul", "truediv", "floordiv", "mod", "pow"]
FLOATS = (np.float16, np.float32, np.float64)


def slope(f, *points):
    """The derivatives of ``f`` at numbers."""
    xs = [Variable(float(p)) for p in points]
    return [None if g is None else g.item() for g in gradients(f(*xs), xs)]


def bend(f, point):
    """The second derivative at a number."""
    x = Variable(float(point))
    (g,) = gradients(f(x), [x], create_graph=True)
    return gradients(g, x).item()


@pytest.mark.parametrize("name", BINARY)
def test_operator_of_two_variables_is_numpys(name: str) -> None:
    apply = getattr(operator, name)
    a, b = np.array([5.5, -2.0, 3.0]), np.array([2.0, 3.0, -2.0])
    np.testing.assert_array_equal(apply(Variable(a), Variable(b)).data, apply(a, b))


@pytest.mark.parametrize("name", BINARY)
def test_array_on_the_left_gives_a_variable(name: str) -> None:
    apply = getattr(operator, name)
    a, b = np.array([[5.5], [2.0]]), np.array([2.0, 3.0, -2.0])
    y = apply(a, Variable(b))
    assert isinstance(y, Variable)
    np.testing.assert_array_equal(y.data, apply(a, b))


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("number", [2, 1.5])
@pytest.mark.parametrize("dtype", FLOATS)
def test_python_number_on_either_side_keeps_the_dtype(name: str, number: float, dtype: type):
    apply = getattr(operator, name)
    x = Variable(np.array([0.5, 2], dtype))
    assert (apply(x, number).dtype, apply(number, x).dtype) == (dtype, dtype)


@pytest.mark.parametrize("name", BINARY)
def test_python_number_on_the_left_keeps_its_side(name: str) -> None:
    apply = getattr(operator, name)
    assert apply(7, Variable([2.0])).data == [apply(7, 2.0)]


@pytest.mark.parametrize("name", ["neg", "pos", "abs"])
def test_operator_of_one_variable_is_numpys(name: str) -> None:
    apply = getattr(operator, name)
    x = np.array([-1.5, 0.0, 2.0])
    np.testing.assert_array_equal(apply(Variable(x)).data, apply(x))


def test_float32_and_float64_meet_in_float64() -> None:
    assert (Variable(np.ones(2, np.float32)) * np.ones(2)).dtype == np.float64


def test_gradient_has_the_dtype_of_the_smaller_operand() -> None:
    x = Variable(np.ones(2, np.float32))
    (x * np.ones(2)).sum().backward()
    assert x.grad is not None
    assert x.grad.dtype == np.float32


def test_product_with_a_number_keeps_no_array() -> None:
    x = Variable(np.ones(3))
    assert (x * 2)._edge.saved == [2]


def test_zero_to_the_zero_is_one() -> None:
    assert F.pow(Variable(0.0), Variable(0.0)).item() == 1


def test_derivatives_of_zero_to_the_zero_are_taken_as_zero() -> None:
    assert slope(F.pow, 0, 0) == [0, 0]


def test_derivative_of_zero_to_a_number_by_the_base() -> None:
    assert [slope(F.pow, 0, b)[0] for b in (1, 2, 3)] == [1, 0, 0]


def test_derivative_of_zero_to_a_number_by_the_exponent_is_zero() -> None:
    assert [slope(F.pow, 0, b)[1] for b in (1, 2, 3)] == [0, 0, 0]


def test_derivative_of_x_to_the_zero_is_zero_everywhere() -> None:
    assert [slope(lambda x: x**0, a) for a in (-2, 0, 3)] == [[0], [0], [0]]


@pytest.mark.parametrize(("n", "expected"), [(0, 0), (1, 2), (2, 0), (3, 0)])
def test_second_derivative_of_x_times_a_power_at_zero(n: int, expected: float) -> None:
    assert bend(lambda x: x * x**n, 0) == expected


@pytest.mark.parametrize(("b", "expected"), [(1, 0), (2, 2), (3, 0)])
def test_second_derivative_of_a_power_with_an_array_exponent_at_zero(b: float, expected: float):
    assert bend(lambda x: F.pow(x, np.array(float(b))), 0) == expected


def test_mixed_second_derivative_of_a_power_where_the_exponent_is_zero() -> None:
    a, b = Variable(4.0), Variable(0.0)
    (ga,) = gradients(a**b, [a], create_graph=True)
    assert gradients(ga, b).item() == 0.25  # a ** (b - 1) (1 + b log a)


def test_derivative_of_a_power_of_a_negative_number() -> None:
    assert slope(lambda a: a ** np.array(3.0), -2) == [12]


def test_zero_to_a_variable_has_no_derivative_that_is_not_a_number() -> None:
    assert slope(lambda b: 0**b, 2) == [0]


def test_derivative_by_the_exponent_of_a_negative_number_is_not_a_number() -> None:
    assert np.isnan(slope(lambda b: (-2.0) ** b, 2)).all()


def test_derivative_of_abs_at_zero_is_zero() -> None:
    assert slope(F.abs, 0) == [0]


@pytest.mark.parametrize("f", [F.maximum, F.minimum])
def test_equal_operands_share_the_gradient_equally(f) -> None:
    assert slope(f, 3, 3) == [0.5, 0.5]


@pytest.mark.parametrize("f", [F.maximum, F.minimum])
def test_extreme_of_two_is_not_a_number_if_one_is(f) -> None:
    assert np.isnan(f(Variable([np.nan, 1.0]), [1.0, np.nan]).data).all()


def test_derivative_of_a_remainder_by_the_divisor_counts_how_often_it_fits() -> None:
    assert slope(F.mod, 7.5, 2) == [1, -3]


def test_quotient_rounded_down_has_no_gradient() -> None:
    assert slope(F.floordiv, 7.5, 2) == [None, None]


def test_square_of_integers_stays_integer() -> None:
    assert F.square([1, 2, 3]).dtype == np.int64


def test_quotient_of_integers_is_floating() -> None:
    assert F.div([1, 2, 3], 2).dtype == np.float64


def test_cast_back_gives_the_gradient_of_the_first_dtype() -> None:
    x = Variable(np.ones(3, np.float16))
    (x.astype(np.float64) * 3).sum().backward()
    assert x.grad is not None
    assert (x.grad.dtype, x.grad.data.tolist()) == (np.float16, [3, 3, 3])


def test_cast_to_integers_ends_the_graph() -> None:
    assert not Variable([1.5]).astype(int).requires_grad


def test_cast_is_a_copy_even_to_the_same_dtype() -> None:
    x = Variable([1.0])
    assert not np.shares_memory(x.astype(x.dtype).data, x.data)


def test_cast_to_text_is_refused() -> None:
    with pytest.raises(DTypeError, match="astype: dtype should hold numbers or bools, got <U3"):
        Variable([1.0]).astype("U3")


def test_real_part_is_that_of_complex_numbers() -> None:
    assert Variable([1 + 2j, 3j]).real.data.tolist() == [1, 0]


def test_gradient_through_the_real_part_is_complex() -> None:
    z = Variable([1 + 2j])
    z.real.sum().backward()
    assert z.grad is not None
    assert z.grad.data.tolist() == [1 + 0j]


@pytest.mark.parametrize("f", [F.add, F.mul, F.pow, F.maximum, F.less, F.arctan2])
def test_shapes_that_do_not_broadcast_are_named(f) -> None:
    with pytest.raises(ShapeError, match=r"shapes \(2, 3\), \(4,\) do not broadcast"):
        f(np.ones((2, 3)), np.ones(4))


def test_none_is_no_operand() -> None:
    with pytest.raises(DTypeError, match=r"Scale\(divide=False\): an operand is None"):
        _ = Variable([1.0]) * None


def test_text_is_no_operand() -> None:
    with pytest.raises(DTypeError, match="should be an array, a number or a list, got str 'a'"):
        _ = Variable([1.0]) + "a"
