"""Hooks: called with the complete gradient of a Variable, which they may replace."""

from __future__ import annotations

import pytest

import lamina.functions as F
from lamina import Variable, gradients
from lamina.errors import GraphError, ShapeError


def test_hook_of_a_leaf_sees_its_complete_gradient_once() -> None:
    x, seen = Variable([1.0, 2.0]), []
    x.register_hook(lambda g: seen.append(g.data.tolist()))
    (x * 3.0 + x * 4.0).sum().backward()
    assert seen == [[7.0, 7.0]]


def test_hook_of_an_intermediate_result_sees_its_complete_gradient_once() -> None:
    x, seen = Variable([1.0, 2.0]), []
    h = x * 2.0
    h.register_hook(lambda g: seen.append(g.data.tolist()))
    (h * 3.0 + h * 4.0).sum().backward()
    assert seen == [[7.0, 7.0]]


def test_hook_of_a_leaf_replaces_its_gradient() -> None:
    x = Variable([1.0, 2.0])
    x.register_hook(lambda g: g * 10.0)
    x.sum().backward()
    assert x.grad.data.tolist() == [10.0, 10.0]


def test_hook_of_an_intermediate_result_replaces_what_flows_on() -> None:
    x = Variable([1.0, 2.0])
    h = x * 2.0
    h.register_hook(lambda g: g * 10.0)
    h.sum().backward()
    assert x.grad.data.tolist() == [20.0, 20.0]


def test_hooks_run_in_order_of_registration() -> None:
    x = Variable(1.0)
    x.register_hook(lambda g: g + 1.0)
    x.register_hook(lambda g: g * 10.0)
    x.backward()
    assert x.grad.item() == 20.0


def test_hook_is_removed_by_what_register_hook_returns() -> None:
    x = Variable(1.0)
    remove = x.register_hook(lambda g: g * 10.0)
    remove()
    x.backward()
    assert x.grad.item() == 1.0


def test_hook_may_be_removed_twice() -> None:
    x = Variable(1.0)
    remove = x.register_hook(lambda g: g * 10.0)
    remove()
    remove()
    x.backward()
    assert x.grad.item() == 1.0


def test_hook_may_remove_itself() -> None:
    x, seen = Variable(1.0), []

    def once(g):
        seen.append("once")
        remove()

    remove = x.register_hook(once)
    x.register_hook(lambda g: seen.append("always"))
    x.backward()
    x.backward()
    assert seen == ["once", "always", "always"]


def test_replaced_gradient_is_owned_by_the_leaf() -> None:
    x, kept = Variable([1.0, 2.0]), Variable([5.0, 6.0], requires_grad=False)
    x.register_hook(lambda g: kept)
    x.sum().backward()
    x.grad.data += 1.0
    assert kept.data.tolist() == [5.0, 6.0]


def test_gradient_that_a_hook_keeps_is_not_changed_through_the_leaf() -> None:
    x, kept = Variable([1.0, 2.0]), []
    x.register_hook(kept.append)
    x.sum().backward()
    x.grad.data += 1.0
    assert kept[0].data.tolist() == [1.0, 1.0]


def test_hook_must_give_a_variable() -> None:
    x = Variable(1.0)
    x.register_hook(lambda g: 3.0)
    with pytest.raises(ShapeError, match=r"hook: should give a Variable of shape \(\).*got float"):
        x.backward()


def test_hook_must_keep_the_shape() -> None:
    x = Variable([1.0, 2.0])
    x.register_hook(lambda g: g.sum())
    with pytest.raises(ShapeError, match=r"of shape \(2,\) or None, got \(\)"):
        x.sum().backward()


def test_hook_on_a_constant_is_refused() -> None:
    with pytest.raises(GraphError, match="register_hook: this Variable requires no gradient"):
        Variable(1.0, requires_grad=False).register_hook(print)


def test_hook_of_one_of_several_results() -> None:
    x = Variable([1.0, 2.0])
    a, b = F.split(x * 1.0, 2)
    a.register_hook(lambda g: g * 10.0)
    (a + b).sum().backward()
    assert x.grad.data.tolist() == [10.0, 1.0]


def test_hook_works_in_gradients() -> None:
    x = Variable(2.0)
    h = x * x
    h.register_hook(lambda g: g * 10.0)
    assert gradients(h, x).item() == 40.0


def test_hook_belongs_to_the_place_in_the_graph_not_to_the_object() -> None:
    x, seen = Variable(2.0), []
    h = x * x
    h.register_hook(seen.append)
    y = h * 3.0
    del h
    y.backward()
    assert [g.item() for g in seen] == [3.0]


def test_what_a_hook_computes_can_be_differentiated() -> None:
    x = Variable(3.0)
    h = x * x
    remove = h.register_hook(lambda g: g * g * 2.0)
    g = gradients(h * h, x, create_graph=True)  # at h: 2 h; hooked: 8 h^2; at x: 16 x^5
    remove()
    assert (g.item(), gradients(g, x).item()) == (16 * 3.0**5, 80 * 3.0**4)


def test_gradient_that_a_hook_keeps_is_not_changed_through_a_leaf_behind() -> None:
    x, kept = Variable([1.0, 2.0]), []
    h = x + 0.0
    h.register_hook(kept.append)
    (h * 3.0).sum().backward()
    x.grad.data += 1.0
    assert kept[0].data.tolist() == [3.0, 3.0]
