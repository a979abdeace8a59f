"""The walk: what it gives to leaves, when it refuses, and whose arrays gradients are."""

from __future__ import annotations

import numpy as np
import pytest

import lamina.functions as F
from lamina import Function, Parameter, Variable, no_grad, using
from lamina.errors import BackwardTwiceError, GraphError, ShapeError


class Noticed(Function):
    """The product of two, whose gradients say when they are computed."""

    log: object  # a list that compares by identity

    def forward(self, a, b):
        return a * b

    def backward(self, gy, a, b):
        return (lambda: self.note("a", gy * b)), (lambda: self.note("b", gy * a))

    def note(self, name, g):
        self.log.append(name)
        return g

    __hash__ = object.__hash__


def test_gradient_of_a_sum_of_squares() -> None:
    x = Variable([1.0, 2.0, 3.0])
    (x * x).sum().backward()
    assert x.grad.data.tolist() == [2.0, 4.0, 6.0]


def test_broadcasting_is_undone() -> None:
    a, b = Variable(np.ones((2, 3))), Variable(np.ones((3,)))
    c, d = Variable(np.ones((4, 1, 1))), Variable(1.0)
    (a * b * c * d).sum().backward()
    assert [v.grad.shape for v in (a, b, c, d)] == [(2, 3), (3,), (4, 1, 1), ()]
    assert [float(v.grad.data.ravel()[0]) for v in (a, b, c, d)] == [4.0, 8.0, 6.0, 24.0]


def test_gradient_has_the_dtype_of_its_variable() -> None:
    a = Variable(np.ones(3, np.float32))
    b = Variable(np.ones(3, np.float64))
    (a * b).sum().backward()
    assert (a.grad.dtype, b.grad.dtype) == (np.float32, np.float64)


def test_gradients_of_two_backward_calls_add_up_in_a_new_array() -> None:
    x = Variable([1.0, 2.0])
    (x * 3.0).sum().backward()
    first = x.grad.data
    (x * 4.0).sum().backward()
    assert (first.tolist(), x.grad.data.tolist()) == ([3.0, 3.0], [7.0, 7.0])


def test_grad_given_from_outside_is_not_changed_and_not_kept() -> None:
    x = Variable([1.0, 2.0])
    seed = np.array([5.0, 6.0])
    x.backward(seed)
    x.grad.data += 1.0
    assert seed.tolist() == [5.0, 6.0]


def test_grad_may_be_a_list_or_a_variable() -> None:
    x = Variable([1.0, 2.0])
    (x * x).backward([1.0, 10.0])
    (x * x).backward(Variable([1.0, 10.0], requires_grad=False))
    assert x.grad.data.tolist() == [4.0, 80.0]


def test_grad_of_another_dtype_is_brought_to_the_dtype_of_the_result() -> None:
    x = Variable(np.ones(2, np.float32))
    (x * 2.0).backward(np.ones(2))
    assert x.grad.dtype == np.float32


def test_grad_of_another_shape_is_refused() -> None:
    y = Variable([1.0, 2.0]) * 2.0
    with pytest.raises(ShapeError, match=r"grad should have shape \(2,\), got \(3,\)"):
        y.backward(np.ones(3))


# -- who owns a gradient -------------------------------------------------------------------------


def test_t62_inputs_of_add_get_gradients_of_their_own() -> None:
    a, b = Variable([1.0, 2.0]), Variable([3.0, 4.0])
    (a + b).sum().backward()
    assert a.grad is not b.grad
    assert not np.shares_memory(a.grad.data, b.grad.data)


def test_t62_changing_one_gradient_in_place_leaves_the_other() -> None:
    a, b = Variable([1.0, 2.0]), Variable([3.0, 4.0])
    (a + b).sum().backward()
    a.grad.data += 0.1  # weight decay
    assert b.grad.data.tolist() == [1.0, 1.0]


def test_t62_clipping_by_norm_in_place_scales_once() -> None:
    a, b = Variable([3.0]), Variable([4.0])
    (a * 3.0 + b * 4.0).backward()
    grads = [a.grad, b.grad]
    norm = np.sqrt(sum((g.data**2).sum() for g in grads))
    for g in grads:
        g.data /= norm
    np.testing.assert_allclose([g.item() for g in grads], [0.6, 0.8], rtol=1e-15)  # one rounding


def test_t62_seed_that_reaches_two_leaves_is_copied() -> None:
    a, b = Variable([1.0]), Variable([2.0])
    seed = Variable([1.0], requires_grad=False)
    (a + b).backward(seed)
    arrays = [a.grad.data, b.grad.data, seed.data]
    assert not any(np.shares_memory(arrays[i], arrays[i - 1]) for i in range(3))


@pytest.mark.parametrize(
    "formula",
    [
        lambda x: x.sum(),
        lambda x: x.mean(),
        lambda x: x.reshape(6).sum(),
        lambda x: F.broadcast_to(x, (5, 2, 3)).sum(),
        lambda x: x.T.sum(axis=0).sum(),
        lambda x: (x[0] + x[1]).sum(),
    ],
    ids=["sum", "mean", "reshape", "broadcast_to", "T", "index"],
)
def test_t63_gradient_can_be_written_to(formula) -> None:
    x = Variable(np.ones((2, 3)))
    formula(x).backward()
    x.grad.data *= 2.0
    assert x.grad.data.flags.writeable
    assert x.grad.data.base is None


def test_t63_gradient_of_an_identity_owns_its_numbers() -> None:
    x = Variable(np.ones(3))
    y = x * 2.0
    y.backward(np.broadcast_to(np.float64(1.0), (3,)))
    x.grad.data[0] = 7.0
    assert x.grad.data.tolist() == [7.0, 2.0, 2.0]


def test_gradient_of_a_saved_operand_is_not_that_operand() -> None:
    a, b = Variable([1.0, 2.0]), Variable([3.0, 4.0])
    F.where([True, True], a, b).backward(b)
    assert a.grad is not b
    assert not np.shares_memory(a.grad.data, b.data)


def test_gradient_that_is_a_saved_operand_is_copied() -> None:
    class Slope(Function):
        def forward(self, a, b):
            return (a * b).sum()

        def backward(self, gy, b):
            return b, None

    a, b = Variable([1.0, 2.0]), Variable([3.0, 4.0])
    Slope()(a, b).backward()
    a.grad.data += 1.0
    assert b.data.tolist() == [3.0, 4.0]


# -- who gets one --------------------------------------------------------------------------------


def test_t66_constant_gets_no_gradient() -> None:
    x, t = Variable([1.0, 2.0]), Variable([3.0, 4.0], requires_grad=False)
    (x * t).sum().backward()
    assert t.grad is None


def test_t66_gradient_of_a_constant_is_never_computed() -> None:
    log: list[str] = []
    Noticed(log)(np.array([1.0]), Variable([2.0])).backward()
    assert log == ["b"]


def test_t66_gradient_of_what_no_leaf_led_to_is_never_computed() -> None:
    log: list[str] = []
    batch = Variable([1.0], requires_grad=False) * 2.0
    Noticed(log)(batch, Variable([2.0])).backward()
    assert log == ["b"]


def test_t66_operators_on_constants_record_nothing() -> None:
    y = Variable([1.0], requires_grad=False) * 2.0
    assert (y.requires_grad, y.is_leaf) == (False, True)


def test_frozen_parameter_gets_no_gradient() -> None:
    W = Parameter(np.ones(2))
    W.requires_grad = False
    x = Variable(np.ones(2))
    (W * x).sum().backward()
    assert W.grad is None


def test_results_of_integers_require_no_gradient() -> None:
    y = Variable([1, 2]) * 3
    assert (y.dtype.kind, y.requires_grad) == ("i", False)


def test_no_grad_records_nothing() -> None:
    x = Variable(1.0)
    with no_grad():
        y = x * 2.0
    assert (y.requires_grad, y.is_leaf) == (False, True)


def test_using_grad_inside_no_grad_records_again() -> None:
    x = Variable(1.0)
    with no_grad(), using(grad=True):
        y = x * 2.0
    y.backward()
    assert x.grad.item() == 2.0


def test_t67_result_that_is_no_single_number_needs_a_grad() -> None:
    y = Variable([1.0, 2.0]) * 2.0
    with pytest.raises(ShapeError, match=r"result of shape \(2,\) needs grad.*sum\(\) or mean\(\)"):
        y.backward()


def test_result_of_one_element_and_any_rank_needs_none() -> None:
    x = Variable(np.ones((1, 1)))
    (x * 2.0).backward()
    assert x.grad.data.tolist() == [[2.0]]


def test_t68_backward_of_a_leaf_gives_it_the_seed() -> None:
    x = Variable(3.0)
    x.backward()
    assert x.grad.item() == 1.0


def test_t68_backward_of_a_constant_says_that_it_requires_none() -> None:
    with pytest.raises(GraphError, match="Variable 'x' requires no gradient"):
        Variable(3.0, name="x", requires_grad=False).backward()


def test_backward_of_a_result_made_under_no_grad_says_so() -> None:
    x = Variable(1.0)
    with no_grad():
        y = x * 2.0
    with pytest.raises(GraphError, match=r"made under no_grad\(\)"):
        y.backward()


@pytest.mark.parametrize("index", [0, 1])
def test_t69_result_that_was_dropped_counts_as_zero(index: int) -> None:
    x = Variable([1.0, 2.0, 3.0, 4.0])
    part = F.split(x * x, 2)[index]
    part.sum().backward()
    expected = [2.0, 4.0, 0.0, 0.0] if index == 0 else [0.0, 0.0, 6.0, 8.0]
    assert x.grad.data.tolist() == expected


# -- twice ---------------------------------------------------------------------------------------


def test_second_backward_through_a_freed_graph_is_refused() -> None:
    x = Variable(2.0)
    y = F.exp(x)
    y.backward()
    with pytest.raises(BackwardTwiceError, match=r"graph at Exp\(\) was used.*retain_graph=True"):
        y.backward()


def test_second_backward_is_refused_also_where_nothing_was_kept() -> None:
    x = Variable(2.0)
    y = x + 1.0
    y.backward()
    with pytest.raises(BackwardTwiceError, match="was used and freed"):
        y.backward()


def test_retain_graph_allows_a_second_backward() -> None:
    x = Variable(2.0)
    y = x * x
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.item() == 8.0


def test_two_losses_on_one_body_need_retain_graph() -> None:
    x = Variable(2.0)
    body = x * x
    one, two = body * 3.0, body * 5.0
    one.backward(retain_graph=True)
    two.backward()
    assert x.grad.item() == 32.0


def test_intermediate_gradients_are_not_kept() -> None:
    x = Variable(2.0)
    h = x * x
    (h * 3.0).backward()
    assert h.grad is None


def test_retain_grad_keeps_intermediate_gradients() -> None:
    x = Variable(2.0)
    h = x * x
    y = h * 3.0
    y.backward(retain_grad=True)
    assert (h.grad.item(), y.grad.item()) == (3.0, 1.0)


def test_retained_gradients_own_their_numbers() -> None:
    x = Variable([2.0])
    h = x + 1.0
    y = h + 1.0
    y.backward(retain_grad=True)
    arrays = [x.grad.data, h.grad.data, y.grad.data]
    assert not any(np.shares_memory(arrays[i], arrays[i - 1]) for i in range(3))


def test_retain_grad_keeps_gradients_of_several_results() -> None:
    a, b = F.split(Variable([1.0, 2.0]) * 1.0, 2)
    (a * 3.0 + b * 4.0).sum().backward(retain_grad=True)
    assert (a.grad.item(), b.grad.item()) == (3.0, 4.0)


def test_cleargrad_forgets() -> None:
    x = Variable(2.0)
    (x * x).backward()
    x.cleargrad()
    assert x.grad is None


def test_gradients_of_a_plain_backward_are_constants() -> None:
    x = Variable(2.0)
    (x * x).backward()
    assert (x.grad.requires_grad, x.grad.is_leaf) == (False, True)


# -- when something fails ------------------------------------------------------------------------


class Refuses(Function):
    def forward(self, x):
        return x * 2

    def backward(self, gy):
        raise RuntimeError("backward refuses")


def test_failed_backward_gives_no_leaf_a_part_of_its_gradient() -> None:
    x, z = Variable(1.0), Variable(2.0)
    y = Refuses()(x) + z * 3.0
    with pytest.raises(RuntimeError, match="backward refuses"):
        y.backward()
    assert (x.grad, z.grad) == (None, None)


def test_failed_backward_leaves_the_settings_as_they_were() -> None:
    with pytest.raises(RuntimeError, match="backward refuses"):
        Refuses()(Variable(1.0)).backward()
    assert (Variable(1.0) * 2.0).requires_grad
