"""Data that changes between forward and backward is noticed; `debug` notices more."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import lamina.functions as F
from lamina import Function, Variable, gradients, using
from lamina.errors import InPlaceError, NonFiniteError


def test_t64_change_in_place_of_a_leaf_raises_and_names_the_operator() -> None:
    x = Variable([3.0])
    y = x * x
    x.data -= 1.0
    with pytest.raises(InPlaceError, match=r"data that Mul\(\) needs was changed after it ran"):
        y.backward()


def test_t64_new_data_raises_too() -> None:
    x = Variable([3.0])
    y = F.sin(x)
    x.data = np.array([2.0])
    with pytest.raises(InPlaceError, match=r"Sin\(\)"):
        y.backward()


def test_t64_change_of_a_result_that_was_saved_raises() -> None:
    x = Variable([3.0])
    y = F.exp(x)
    y.data *= 2.0
    with pytest.raises(InPlaceError, match=r"Exp\(\)"):
        y.backward()


def test_t64_change_of_what_no_backward_needs_is_allowed() -> None:
    x = Variable([3.0])
    y = x + 1.0
    x.data -= 1.0
    y.backward()
    assert x.grad.data.tolist() == [1.0]


def test_t64_change_before_forward_is_allowed() -> None:
    x = Variable([3.0])
    x.data -= 1.0
    (x * x).backward()
    assert x.grad.data.tolist() == [4.0]


def test_t64_change_after_backward_is_allowed() -> None:
    x = Variable([3.0])
    for _ in range(2):
        x.cleargrad()
        (x * x).backward()
        x.data -= x.grad.data
    assert x.data.tolist() == [3.0]


@pytest.mark.parametrize(
    "view",
    [
        lambda x: x.reshape(3, 2),
        lambda x: x.reshape(2, 3),
        lambda x: x.T,
        lambda x: x[0],
        lambda x: F.expand_dims(x, 0),
        lambda x: F.squeeze(x),
        lambda x: F.moveaxis(x, 0, 1),
        lambda x: F.flatten(x),
        lambda x: F.split(x, 2)[1],
        lambda x: x.detach(),
        lambda x: x.reshape(6).detach().reshape(3, 2),
        copy.copy,
    ],
    ids=(
        "reshape same transpose index expand_dims squeeze moveaxis flatten split detach chain copy"
    ).split(),
)
def test_t64_change_through_a_view_raises(view) -> None:
    x = Variable(np.ones((2, 3)))
    y = (x * x).sum()
    seen = view(x)
    assert np.shares_memory(seen.data, x.data)
    seen.data += 1.0
    with pytest.raises(InPlaceError, match=r"Mul\(\)"):
        y.backward()


def test_change_of_the_base_is_seen_where_a_view_was_saved() -> None:
    x = Variable(np.ones((2, 3)))
    y = F.exp(x.reshape(6) * 1.0)
    z = F.sin(x.reshape(6)).sum() + y.sum()
    x.data += 1.0
    with pytest.raises(InPlaceError, match=r"Sin\(\)"):
        z.backward()


def test_change_of_a_copy_is_not_a_change() -> None:
    x = Variable(np.ones((2, 3)))
    y = (x * x).sum()
    copy.deepcopy(x).data += 1.0
    y.backward()
    assert x.grad.data[0].tolist() == [2.0, 2.0, 2.0]


def test_change_of_data_used_in_the_second_backward_only_raises_there() -> None:
    x = Variable([3.0])
    y = x * x
    y.backward(retain_graph=True)
    x.data += 1.0
    with pytest.raises(InPlaceError, match=r"Mul\(\)"):
        y.backward()


# -- debug ---------------------------------------------------------------------------------------


def test_debug_sees_a_write_into_the_array() -> None:
    x = Variable([3.0])
    with using(debug=True):
        y = x * x
        x.data[...] = 5.0
        with pytest.raises(InPlaceError, match=r"Mul\(\)"):
            y.backward()


def test_debug_sees_a_write_into_an_array_given_as_a_constant() -> None:
    x, t = Variable([3.0]), np.array([2.0])
    with using(debug=True):
        y = x * t
        t[0] = 5.0
        with pytest.raises(InPlaceError, match=r"Mul\(\)"):
            y.backward()


def test_debug_allows_what_is_right() -> None:
    x = Variable([3.0])
    with using(debug=True):
        (F.exp(x) * x).sum().backward()
    np.testing.assert_allclose(x.grad.item(), 4 * np.exp(3.0), rtol=1e-15)  # two roundings


def test_debug_in_forward_only_does_not_disturb_backward() -> None:
    x = Variable([3.0])
    with using(debug=True):
        y = x * x
    y.backward()
    assert x.grad.data.tolist() == [6.0]


def test_debug_in_backward_only_does_not_disturb_it() -> None:
    x = Variable([3.0])
    y = x * x
    with using(debug=True):
        y.backward()
    assert x.grad.data.tolist() == [6.0]


def test_t83_debug_names_the_operator_that_made_a_nan() -> None:
    x = Variable([-1.0, 2.0])
    with (
        using(debug=True),
        np.errstate(invalid="ignore"),
        pytest.raises(
            NonFiniteError,
            match=r"Log\(\): the result, of shape \(2,\), has 1 NaN and 0 infinite.*-1 to 2",
        ),
    ):
        F.log(x)


def test_debug_counts_infinities_too() -> None:
    with (
        using(debug=True),
        np.errstate(over="ignore"),
        pytest.raises(NonFiniteError, match=r"Exp\(\).*0 NaN and 1 infinite"),
    ):
        F.exp(Variable([1e4, 0.0]))


def test_debug_sees_what_backward_makes() -> None:
    x = Variable([0.0])
    y = F.sqrt(x)
    with (
        using(debug=True),
        np.errstate(divide="ignore"),
        pytest.raises(NonFiniteError, match="1 infinite"),
    ):
        y.backward()


def test_without_debug_a_nan_passes() -> None:
    with np.errstate(invalid="ignore"):
        assert np.isnan(F.log(Variable([-1.0])).item())


def test_change_of_a_result_between_two_derivatives_raises() -> None:
    x, v = Variable([3.0]), Variable([1.0])
    y = F.exp(x)
    g = gradients(y, x, v, create_graph=True)  # v y
    y.data *= 2.0
    with pytest.raises(InPlaceError, match=r"Mul\(\)"):
        gradients(g, v)


class Total(Function):
    """Any number of inputs, all named by backward."""

    def forward(self, *xs):
        return np.sum(np.stack(xs), axis=0)

    def backward(self, gy, xs):
        return tuple(gy + x * 0.0 for x in xs)


def test_change_of_one_of_any_number_of_inputs_raises() -> None:
    a, b = Variable([1.0]), Variable([2.0])
    y = Total()(a, b)
    b.data += 1.0
    with pytest.raises(InPlaceError, match=r"Total\(\)"):
        y.backward()


def test_change_of_one_of_any_number_of_inputs_before_is_allowed() -> None:
    a, b = Variable([1.0]), Variable([2.0])
    b.data += 1.0
    Total()(a, b).backward()
    assert b.grad.data.tolist() == [1.0]


def test_change_through_a_result_that_is_the_same_array_raises() -> None:
    class Same(Function):
        views = True

        def forward(self, x):
            return x

        def backward(self, gy):
            return gy

    x = Variable([3.0])
    y = x * x
    Same()(x).data += 1.0
    with pytest.raises(InPlaceError, match=r"Mul\(\)"):
        y.backward()
