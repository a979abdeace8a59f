"""Comparison as Python's operators, foreign objects, and the ends of clip."""

from __future__ import annotations

import operator

import numpy as np
import pytest

import lamina.functions as F
from lamina import Variable
from lamina.errors import DTypeError

COMPARISONS = ["eq", "ne", "lt", "le", "gt", "ge"]
A, B = np.array([1.0, 2.0, 3.0]), np.array([3.0, 2.0, 1.0])


@pytest.mark.parametrize("name", COMPARISONS)
def test_comparison_of_two_variables_is_numpys(name: str) -> None:
    apply = getattr(operator, name)
    np.testing.assert_array_equal(apply(Variable(A), Variable(B)).data, apply(A, B))


@pytest.mark.parametrize("name", COMPARISONS)
def test_comparison_of_an_array_with_a_variable_is_numpys(name: str) -> None:
    apply = getattr(operator, name)
    y = apply(A, Variable(B))
    assert isinstance(y, Variable)
    np.testing.assert_array_equal(y.data, apply(A, B))


@pytest.mark.parametrize("name", COMPARISONS)
def test_comparison_of_a_number_with_a_variable_is_numpys(name: str) -> None:
    apply = getattr(operator, name)
    np.testing.assert_array_equal(apply(2, Variable(B)).data, apply(2, B))


def test_comparison_is_bool_and_has_no_gradient() -> None:
    y = Variable(A) < B
    assert (y.dtype, y.requires_grad) == (np.bool_, False)


@pytest.mark.parametrize("other", [None, "text", object(), {"a": 1}, {1, 2}])
def test_variable_does_not_equal_what_is_no_array(other: object) -> None:
    assert (Variable(A) == other) is False


@pytest.mark.parametrize("other", [None, "text", object(), {"a": 1}, {1, 2}])
def test_variable_differs_from_what_is_no_array(other: object) -> None:
    assert (Variable(A) != other) is True


@pytest.mark.parametrize("name", ["lt", "le", "gt", "ge"])
def test_variable_has_no_order_with_what_is_no_array(name: str) -> None:
    with pytest.raises(TypeError, match="not supported between instances of 'Variable' and 'None"):
        getattr(operator, name)(Variable(A), None)


def test_object_that_knows_variables_decides_itself() -> None:
    class Friend:
        def __eq__(self, other: object) -> bool:
            return isinstance(other, Variable)

        __hash__ = None

    assert (Variable(A) == Friend()) is True


@pytest.mark.parametrize("name", ["and_", "or_", "xor"])
@pytest.mark.parametrize("dtype", [bool, int])
def test_bitwise_operator_is_numpys_on_all_sides(name: str, dtype: type) -> None:
    apply = getattr(operator, name)
    a, b = np.array([0, 1, 1], dtype), np.array([1, 1, 0], dtype)
    for y in (apply(Variable(a), Variable(b)), apply(a, Variable(b)), apply(Variable(a), b)):
        assert (y.dtype, y.data.tolist()) == (dtype, apply(a, b).tolist())


@pytest.mark.parametrize("name", ["and_", "or_", "xor"])
def test_bitwise_operator_takes_a_python_number_on_the_left(name: str) -> None:
    apply = getattr(operator, name)
    assert apply(3, Variable([1, 5, 4])).data.tolist() == [apply(3, n) for n in (1, 5, 4)]


def test_inversion_of_bools() -> None:
    assert (~Variable([True, False])).data.tolist() == [False, True]


def test_bits_of_floating_numbers_are_a_type_error() -> None:
    with pytest.raises(TypeError, match="bitwise_and"):
        _ = Variable(A) & Variable(B)


def test_where_takes_gradient_only_from_what_was_chosen() -> None:
    a, b = Variable(A), Variable(B)
    F.where([True, False, True], a, b).sum().backward()
    assert a.grad is not None
    assert b.grad is not None
    assert (a.grad.data.tolist(), b.grad.data.tolist()) == ([1, 0, 1], [0, 1, 0])


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_where_with_two_python_numbers_beside_an_array_keeps_its_dtype(dtype: type) -> None:
    x = Variable(np.array([1, -1], dtype))
    assert (F.where(x > 0, x, 0.5).dtype, F.where(x > 0, 1, x).dtype) == (dtype, dtype)


def test_where_passes_no_gradient_to_the_condition() -> None:
    c = Variable([1.0, 0.0])
    y = F.where(c, Variable([1.0, 2.0]), 0)
    y.sum().backward()
    assert c.grad is None


def test_clip_passes_the_gradient_at_its_ends() -> None:
    x = Variable([-1.5, -1.0, 0.0, 2.0, 2.5])
    F.clip(x, -1, 2).sum().backward()
    assert x.grad is not None
    assert x.grad.data.tolist() == [0, 1, 1, 1, 0]


def test_clip_gives_the_gradient_outside_to_the_end_that_was_taken() -> None:
    low, high = Variable([-1.0]), Variable([2.0])
    F.clip([-5.0, 0.0, 3.0, 4.0], low, high).sum().backward()
    assert low.grad is not None
    assert high.grad is not None
    assert (low.grad.data.tolist(), high.grad.data.tolist()) == ([1], [2])


def test_clip_keeps_what_is_not_a_number() -> None:
    assert np.isnan(F.clip([np.nan], 0, 1).data).all()


def test_clip_without_ends_gives_the_numbers_as_they_are() -> None:
    assert Variable(A).clip().data.tolist() == A.tolist()


def test_clip_as_a_method_takes_ends_by_name() -> None:
    assert Variable(A).clip(low=1.5, high=2.5).data.tolist() == [1.5, 2, 2.5]


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_clip_with_python_numbers_keeps_the_dtype(dtype: type) -> None:
    assert F.clip(np.ones(2, dtype), 0, 0.5).dtype == dtype


def test_where_of_text_is_refused() -> None:
    with pytest.raises(DTypeError, match="got str 'a'"):
        F.where([True], Variable([1.0]), "a")


def test_variables_of_one_value_are_different_keys() -> None:
    assert len({Variable(1.0), Variable(1.0)}) == 2


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)])
@pytest.mark.parametrize("n", [5, 40])  # on both sides of where bits are used
def test_where_with_zero_takes_every_bit_of_what_it_takes(dtype, order, n, rng):
    c = (rng.random((n, 16, 9)) < 0.5).transpose(order)
    a = rng.standard_normal((n, 16, 9)).astype(dtype)
    a.reshape(-1)[:5] = np.nan, np.inf, -np.inf, -0.0, 0.0
    a = a.transpose(order)
    found = F.where(c, a, 0).data
    assert found.dtype == dtype
    assert found.strides == np.where(c, a, 0).strides
    assert found.tobytes() == np.where(c, a, 0).tobytes()


def test_where_with_zero_takes_operands_that_lie_otherwise(rng):
    c, a = rng.random((64, 70)) < 0.5, rng.standard_normal((70, 64)).T
    for mask, x in ((c, a), (c[::-1], a), (c[:, :1], a), (c.astype(np.int8), a)):
        assert np.array_equal(F.where(mask, x, 0).data, np.where(mask, x, 0))
