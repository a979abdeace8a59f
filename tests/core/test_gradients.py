"""gradients(): derivatives as values, of any order, by anything."""

from __future__ import annotations

import numpy as np
import pytest

import lamina.functions as F
from lamina import Function, Variable, gradients
from lamina.errors import BackwardTwiceError, GraphError, ShapeError


def test_one_x_gives_one_gradient() -> None:
    x = Variable([1.0, 2.0])
    assert gradients((x * x).sum(), x).data.tolist() == [2.0, 4.0]


def test_several_xs_give_a_tuple() -> None:
    a, b = Variable(2.0), Variable(3.0)
    ga, gb = gradients(a * b, [a, b])
    assert (ga.item(), gb.item()) == (3.0, 2.0)


def test_no_grad_of_a_leaf_is_touched() -> None:
    x = Variable(2.0)
    gradients(x * x, x)
    assert x.grad is None


def test_intermediate_results_have_gradients_too() -> None:
    x = Variable(2.0)
    h = x * x
    gx, gh = gradients(h * 3.0, [x, h])
    assert (gx.item(), gh.item()) == (12.0, 3.0)


def test_result_itself_has_the_seed_as_gradient() -> None:
    x = Variable(2.0)
    y = x * x
    assert gradients(y, y).item() == 1.0


def test_several_results_are_summed() -> None:
    x = Variable(2.0)
    assert gradients([x * 3.0, x * 4.0], x).item() == 7.0


def test_gys_weigh_the_results() -> None:
    x = Variable([1.0, 2.0])
    g = gradients([x * x, x * 3.0], x, [np.array([1.0, 0.0]), Variable([0.0, 1.0])])
    assert g.data.tolist() == [2.0, 3.0]


def test_x_on_which_nothing_depends_gives_none() -> None:
    a, b = Variable(2.0), Variable(3.0)
    assert gradients(a * a, [b, a])[0] is None


def test_only_what_leads_to_x_is_walked() -> None:
    calls = []

    class Noticed(Function):
        def forward(self, x):
            return x * 2

        def backward(self, gy):
            calls.append(1)
            return gy * 2.0

    a, b = Variable(1.0), Variable(1.0)
    gradients(Noticed()(a) * b, b)
    assert calls == []


def test_only_what_leads_to_x_is_computed() -> None:
    calls = []

    class Product(Function):
        def forward(self, a, b):
            return a * b

        def backward(self, gy, a, b):
            return (lambda: calls.append("a")), (lambda: gy * a)

    a, b = Variable(1.0), Variable(1.0)
    gradients(Product()(a * 1.0, b), b)
    assert calls == []


def test_order_1_to_5_of_a_polynomial() -> None:
    x = Variable(2.0)
    y = x * x * x * x  # x ** 4
    found = []
    for _ in range(4):
        y = gradients(y, x, create_graph=True)
        found.append(y.item())
    assert found == [32.0, 48.0, 48.0, 24.0]


def test_order_1_to_4_by_backward_with_create_graph() -> None:
    x = Variable(2.0)
    y = x**4
    found = []
    for _ in range(4):
        x.cleargrad()
        y.backward(create_graph=True)
        y = x.grad
        found.append(y.item())
    x.cleargrad()
    assert found == [32.0, 48.0, 48.0, 24.0]


def test_order_1_to_4_of_tanh_through_its_saved_result() -> None:
    x = Variable(0.3)
    y, found = F.tanh(x), []
    t = np.tanh(0.3)
    for _ in range(4):
        y = gradients(y, x, create_graph=True)
        found.append(y.item())
    s = 1 - t * t
    expected = [s, -2 * t * s, -2 * s * s + 4 * t * t * s, 16 * t * s * s - 8 * t**3 * s]
    np.testing.assert_allclose(found, expected, rtol=1e-13)  # some twenty roundings


def test_mixed_derivatives_are_symmetric() -> None:
    a, b = Variable(0.4), Variable(0.7)
    y = F.sin(a * b) * F.exp(a)
    ga, gb = gradients(y, [a, b], create_graph=True)
    ab, ba = gradients(ga, b, retain_graph=True), gradients(gb, a)
    np.testing.assert_allclose(ab.item(), ba.item(), rtol=1e-14)  # summed in another order


def test_gradient_penalty_reaches_the_weights() -> None:
    x, w = Variable(3.0), Variable(2.0)
    g = gradients(w * x * x, x, create_graph=True)  # 2 w x
    (g * g).backward()
    assert w.grad.item() == 8 * 2.0 * 9.0


def test_second_derivative_by_the_incoming_gradient() -> None:
    x, v = Variable([1.0, 2.0]), Variable([3.0, 4.0])
    g = gradients(x * x, x, v, create_graph=True)
    assert gradients(g.sum(), v).data.tolist() == [2.0, 4.0]


def test_graph_is_freed_unless_it_is_retained() -> None:
    x = Variable(2.0)
    y = F.exp(x)
    gradients(y, x)
    with pytest.raises(BackwardTwiceError, match="was used and freed"):
        gradients(y, x)


def test_x_that_requires_no_gradient_is_refused() -> None:
    x = Variable(2.0, requires_grad=False)
    a = Variable(2.0)
    with pytest.raises(GraphError, match=r"gradients: a Variable of shape \(\) requires no"):
        gradients(a * x, x)


def test_number_of_gys_is_that_of_the_results() -> None:
    x = Variable(2.0)
    with pytest.raises(ShapeError, match="2 results need as many gys, got 1"):
        gradients([x * 2.0, x * 3.0], x, [1.0])


def test_gradients_of_results_of_several_outputs() -> None:
    x = Variable([1.0, 2.0, 3.0])
    a, _, c = F.split(x * x, 3)
    ga, gc = gradients(a * 5.0 + c * 7.0, [a, c], np.ones(1))
    assert (ga.item(), gc.item()) == (5.0, 7.0)


def test_unused_result_among_several_gives_none() -> None:
    a, b = F.split(Variable([1.0, 2.0]) * 1.0, 2)
    assert gradients(a, b, np.ones(1)) is None


def test_same_x_twice_gives_its_gradient_twice() -> None:
    x = Variable(2.0)
    assert [g.item() for g in gradients(x * x, [x, x])] == [4.0, 4.0]


def test_dropped_result_leads_to_no_one() -> None:
    calls = []

    class Noticed(Function):
        def forward(self, x, c):
            return x + c

        def backward(self, gy):
            calls.append("x")
            return gy, None

    x, z = Variable([1.0, 2.0]), Variable([5.0])
    a = F.split(x * 1.0, 2)[0]
    gradients(Noticed()(z, np.ones(1)) + a, x)
    assert calls == []


def test_t62_gradients_are_owned_one_by_one() -> None:
    a, b, seed = Variable([1.0, 2.0]), Variable([3.0, 4.0]), np.ones(2)
    h = a + b
    ga, gb, gh = gradients(h + 0.0, [a, b, h], seed)
    ga.data += 1.0
    assert [g.data.tolist() for g in (ga, gb, gh)] == [[2.0, 2.0], [1.0, 1.0], [1.0, 1.0]]
    assert seed.tolist() == [1.0, 1.0]


def test_t63_gradients_can_be_written_to() -> None:
    x = Variable(np.ones((2, 3)))
    assert gradients(x.sum(), x).data.flags.writeable


def test_owned_gradients_can_still_be_differentiated() -> None:
    x, v = Variable([1.0, 2.0]), Variable([3.0, 4.0])
    (g,) = gradients(x + 0.0, [x], v, create_graph=True)
    assert gradients((g * g).sum(), v).data.tolist() == [6.0, 8.0]


def test_same_result_twice_counts_twice() -> None:
    x = Variable(2.0)
    y = x * x
    assert gradients([y, y], x).item() == 8.0


def test_result_that_was_dropped_is_differentiated_again_where_it_was_saved() -> None:
    class Both(Function):
        def forward(self, x):
            y = np.exp(x)
            return y, 2 * y

        def backward(self, gy, gz, y):
            return (gy + 2 * gz) * y

    x = Variable(0.0)
    g = gradients(Both()(x)[1], x, create_graph=True)
    assert (g.item(), gradients(g, x).item()) == (2.0, 2.0)
