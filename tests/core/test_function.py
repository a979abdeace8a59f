"""Function: operators of one's own, what their signatures say, and mistakes in them."""

from __future__ import annotations

import numpy as np
import pytest

from lamina import Function, Variable, gradients
from lamina.errors import DTypeError, GraphError, ShapeError


class Power(Function):
    exponent: float
    scale: float = 1.0

    def forward(self, x):
        return self.scale * x**self.exponent

    def backward(self, gy, x):
        return gy * Power(self.exponent - 1, self.scale * self.exponent)(x)


class Divided(Function):
    """Two results."""

    def forward(self, a, b):
        return a / b, a * b

    def backward(self, gq, gp, a, b, q):
        return gq / b + gp * b, gp * a - gq * q / b


class Summed(Function):
    """Any number of inputs."""

    def forward(self, *xs):
        total = xs[0] * 1
        for x in xs[1:]:
            total = total + x
        return total

    def backward(self, gy, xs):
        return tuple(gy * 1.0 for _ in xs)


class Multiplied(Function):
    def forward(self, *xs):
        return np.prod(np.stack(xs), axis=0)

    def backward(self, gy, y, xs):
        return tuple(gy * y / x for x in xs)


class Apart(Function):
    """As many results as its field says, one gradient each."""

    parts: int

    def forward(self, x):
        return tuple(x * (i + 1) for i in range(self.parts))

    def backward(self, *gys, x):
        total = gys[0] * 1.0
        for i, g in enumerate(gys[1:]):
            total = total + g * (i + 2.0)
        return total


def test_fields_make_the_operator_a_value() -> None:
    assert Power(2.0) == Power(2.0)
    assert Power(2.0) != Power(3.0)
    assert Power(2.0) != Summed()
    assert hash(Power(2.0)) == hash(Power(2.0))


def test_operator_prints_as_its_formula_reads() -> None:
    assert repr(Power(2.0, scale=3.0)) == "Power(exponent=2.0, scale=3.0)"


def test_operator_cannot_be_changed() -> None:
    with pytest.raises(AttributeError, match="cannot assign to field 'exponent'"):
        Power(2.0).exponent = 3.0


def test_missing_field_is_an_error_at_once() -> None:
    with pytest.raises(TypeError, match="exponent"):
        Power()


def test_user_operator_to_order_3() -> None:
    x = Variable(2.0)
    y = Power(4.0)(x)
    for expected in (32.0, 48.0, 48.0):
        y = gradients(y, x, create_graph=True)
        assert y.item() == expected


def test_two_results_and_a_saved_one() -> None:
    a, b = Variable(6.0), Variable(3.0)
    q, p = Divided()(a, b)
    (q * 10.0 + p).backward()
    assert (a.grad.item(), b.grad.item()) == (10 / 3 + 3, 6 - 60 / 9)


def test_saved_result_among_two_is_differentiated_again() -> None:
    a, b = Variable(6.0), Variable(3.0)
    q, _ = Divided()(a, b)
    g = gradients(q, b, create_graph=True)  # -a / b^2
    np.testing.assert_allclose(gradients(g, b).item(), 2 * 6 / 27, rtol=1e-15)  # two roundings


def test_variadic_inputs() -> None:
    xs = [Variable(float(i)) for i in range(1, 4)]
    Summed()(*xs).backward()
    assert [x.grad.item() for x in xs] == [1.0, 1.0, 1.0]


def test_variadic_inputs_named_beside_the_result() -> None:
    xs = [Variable(float(i)) for i in range(2, 5)]
    Multiplied()(*xs).backward()
    assert [x.grad.item() for x in xs] == [12.0, 8.0, 6.0]


def test_variadic_results() -> None:
    x = Variable(1.0)
    a, b, c = Apart(3)(x)
    (a * 1.0 + b * 10.0 + c * 100.0).backward()
    assert x.grad.item() == 1 + 20 + 300


def test_variadic_results_dropped_count_as_zero() -> None:
    x = Variable(1.0)
    Apart(3)(x)[2].backward()
    assert x.grad.item() == 3.0


def test_python_numbers_reach_forward_and_backward_as_they_are() -> None:
    seen = []

    class Scaled(Function):
        def forward(self, x, factor):
            seen.append(factor)
            return x * factor

        def backward(self, gy, factor):
            seen.append(factor)
            return gy * factor, None

    Scaled()(Variable(1.0), 3).backward()
    assert seen == [3, 3]
    assert {type(s) for s in seen} == {int}


def test_arrays_and_lists_are_constants() -> None:
    y = Summed()(np.ones(2), [1.0, 2.0])
    assert (y.data.tolist(), y.requires_grad) == ([2.0, 3.0], False)


def test_arrays_arrive_in_backward_as_variables() -> None:
    seen = []

    class Scaled(Function):
        def forward(self, x, factor):
            return x * factor

        def backward(self, gy, factor):
            seen.append(factor)
            return gy * factor, None

    Scaled()(Variable(1.0), np.array(3.0)).backward()
    assert [type(s) for s in seen] == [Variable]


def test_none_is_no_gradient() -> None:
    class Step(Function):
        def forward(self, x):
            return np.sign(x)

        def backward(self, gy):
            return None

    x = Variable(2.0)
    (Step()(x) + x * 0.0).backward()
    assert x.grad.item() == 0.0


def test_lambda_that_gives_none_is_no_gradient() -> None:
    class Step(Function):
        def forward(self, x):
            return np.sign(x)

        def backward(self, gy):
            return lambda: None

    x = Variable(2.0)
    Step()(x).backward()
    assert x.grad is None


def test_integer_result_ends_the_graph() -> None:
    class Where(Function):
        def forward(self, x):
            return np.argmax(x)

        def backward(self, gy):
            return None

    y = Where()(Variable([1.0, 3.0]))
    assert (y.item(), y.requires_grad) == (1, False)


def test_integer_among_several_results_requires_no_gradient() -> None:
    class Both(Function):
        def forward(self, x):
            return x.max(), x.argmax()

        def backward(self, gm, gi):
            assert gi.data.dtype.kind == "i"
            return gm * np.array([0.0, 1.0])

    x = Variable([1.0, 3.0])
    top, place = Both()(x)
    top.backward()
    assert (place.requires_grad, x.grad.data.tolist()) == (False, [0.0, 1.0])


def test_gradient_may_have_the_broadcast_shape() -> None:
    class Spread(Function):
        def forward(self, x):
            return x + np.zeros((2, 3))

        def backward(self, gy):
            return gy

    x = Variable(np.ones((3,)))
    Spread()(x).backward(np.ones((2, 3)))
    assert x.grad.data.tolist() == [2.0, 2.0, 2.0]


def test_subclass_inherits_forward() -> None:
    class Cube(Power):
        exponent: float = 3.0

    x = Variable(2.0)
    Cube()(x).backward()
    assert x.grad.item() == 12.0


def test_operator_made_in_a_call_of_another_may_be_shared() -> None:
    square, x = Power(2.0), Variable(3.0)
    (square(x) + square(square(x))).backward()
    assert x.grad.item() == 6 + 4 * 27


# -- mistakes ------------------------------------------------------------------------------------


def test_backward_that_names_something_unknown_is_refused_at_definition() -> None:
    with pytest.raises(
        GraphError, match=r"Bad.backward asks for 'z'; it may name x, which come in, or y, which"
    ):

        class Bad(Function):
            def forward(self, x):
                return x

            def backward(self, gy, z):
                return gy


def test_forward_with_a_default_is_refused_at_definition() -> None:
    with pytest.raises(GraphError, match=r"Bad.forward: arguments are arrays.*as fields"):

        class Bad(Function):
            def forward(self, x, axis=None):
                return x.sum(axis)

            def backward(self, gy):
                return gy


def test_variadic_input_that_is_not_named_last_is_refused() -> None:
    with pytest.raises(GraphError, match=r"Bad.backward asks for 'xs'.*variadic input last"):

        class Bad(Function):
            def forward(self, *xs):
                return xs[0]

            def backward(self, gy, xs, y):
                return gy


def test_too_few_gradients() -> None:
    class Bad(Function):
        def forward(self, a, b):
            return a + b

        def backward(self, gy):
            return gy

    with pytest.raises(
        GraphError, match=r"Bad.backward should give 2 gradients, one an input, got 1"
    ):
        Bad()(Variable(1.0), Variable(2.0)).backward()


def test_too_many_gradients() -> None:
    class Bad(Function):
        def forward(self, a):
            return a * 2

        def backward(self, gy):
            return gy, gy

    with pytest.raises(GraphError, match="should give 1 gradients, one an input, got 2"):
        Bad()(Variable(1.0)).backward()


def test_raw_array_as_gradient() -> None:
    class Bad(Function):
        def forward(self, a):
            return a * 2

        def backward(self, gy):
            return gy.data

    with pytest.raises(GraphError, match=r"Bad.backward should give Variables.*got ndarray"):
        Bad()(Variable(1.0)).backward()


def test_gradient_of_a_shape_that_cannot_come_from_broadcasting() -> None:
    class Bad(Function):
        def forward(self, a):
            return a * 2

        def backward(self, gy):
            return gy[:2]

    with pytest.raises(ShapeError, match=r"a gradient of shape \(2,\) came for \(3,\)"):
        Bad()(Variable(np.ones(3))).backward(np.ones(3))


def test_strings_are_no_inputs() -> None:
    with pytest.raises(
        DTypeError, match="Power should be an array, a number or a list, got str 'a'"
    ):
        Power(2.0)("a")


def test_forward_must_give_numbers() -> None:
    class Bad(Function):
        def forward(self, a):
            return None

        def backward(self, gy):
            return gy

    with pytest.raises(
        DTypeError, match="Bad should be an array, a number or a list, got NoneType"
    ):
        Bad()(Variable(1.0))


def test_operands_that_do_not_broadcast_are_a_shape_error() -> None:
    with pytest.raises(ShapeError, match=r"Add\(\): shapes \(2, 3\), \(4,\) do not broadcast"):
        _ = Variable(np.ones((2, 3))) + np.ones(4)


def test_an_operand_that_is_none_is_a_dtype_error() -> None:
    with pytest.raises(DTypeError, match=r"Add\(\): an operand is None"):
        _ = Variable(np.ones(2)) + None
