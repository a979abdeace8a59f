"""How long the graph lives: deep chains, wide fans, no cycles, freed as soon as nobody needs it."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import lamina.functions as F
from lamina import Function, Parameter, Variable, gradients


class Noted(np.ndarray):
    """An array that a weak reference can watch."""


def noted(x: Any) -> Noted:
    return np.array(x, np.float64).view(Noted)


class Fails(Function):
    """Raises in the direction that its field names."""

    where: str

    def forward(self, x):
        if self.where == "forward":
            raise RuntimeError("forward refuses")
        return x * 2

    def backward(self, gy, x):
        raise RuntimeError("backward refuses")


@pytest.fixture
def without_gc() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def test_chain_of_100_000_operators_goes_backward() -> None:
    x = Variable(2.0)
    y = x
    for _ in range(100_000):
        y = y + 1.0
    y.backward()
    assert x.grad.item() == 1.0


def test_chain_of_a_million_operators_is_freed_without_recursion() -> None:
    x = Variable(2.0)
    y = x
    for _ in range(1_000_000):
        y = -y
    watch = weakref.ref(y)
    del y
    assert watch() is None


def test_chain_of_100_000_that_saves_its_results_is_freed_without_recursion() -> None:
    y = Variable(0.5)
    for _ in range(100_000):
        y = F.tanh(y)
    watch = weakref.ref(y)
    del y
    assert watch() is None


def test_fan_of_100_000_sums_every_gradient() -> None:
    x = Variable(np.float64(3.0))
    total = F.concatenate([(x * 1.0).reshape(1) for _ in range(100_000)]).sum()
    total.backward()
    assert x.grad.item() == 100_000


def test_fan_of_100_000_uses_into_one_chain() -> None:
    x = Variable(3.0)
    y = x * 0.0
    for _ in range(100_000):
        y = y + x
    y.backward()
    assert x.grad.item() == 100_000


def test_wide_diamond_visits_each_operator_once() -> None:
    calls = []

    class Counted(Function):
        def forward(self, x):
            return x + 0

        def backward(self, gy):
            calls.append(1)
            return gy

    x = y = Variable(1.0)
    for _ in range(40):
        y = Counted()(y)
        y = y + y  # 2 ** 40 paths
    y.backward()
    assert (len(calls), x.grad.item()) == (40, 2.0**40)


# -- no cycles -----------------------------------------------------------------------------------


def trained() -> None:
    W = Parameter(np.ones((3, 2)))
    (F.tanh(Variable(np.ones((5, 3))) @ W)).sum().backward()


def trained_twice() -> None:
    x = Variable([1.0, 2.0])
    for _ in range(2):
        (x * x).sum().backward(retain_grad=True)


def failed_forward() -> None:
    with pytest.raises(RuntimeError, match="forward refuses"):
        Fails("forward")(Variable(1.0) * 2.0)


def failed_backward() -> None:
    with pytest.raises(RuntimeError, match="backward refuses"):
        Fails("backward")(Variable(1.0) * 2.0).backward()


def failed_double_backward() -> None:
    x = Variable(1.0)
    with pytest.raises(RuntimeError, match="backward refuses"):
        gradients(F.tanh(x) * Fails("backward")(x), x, create_graph=True)


def double_gradients() -> None:
    x = Variable([1.0, 2.0])
    (g,) = gradients((F.tanh(x) * x).sum(), [x], create_graph=True)
    gradients(g.sum(), x, create_graph=True)


def hooked() -> None:
    x = Variable([1.0, 2.0])
    y = F.exp(x)
    y.register_hook(lambda g: g * 2.0)
    y.sum().backward()


def split_apart() -> None:
    a, b = F.split(Variable(np.ones(4)), 2)
    (a * b).sum().backward()


@pytest.mark.parametrize(
    "program",
    [
        trained,
        trained_twice,
        failed_forward,
        failed_backward,
        failed_double_backward,
        double_gradients,
        hooked,
        split_apart,
    ],
)
@pytest.mark.usefixtures("without_gc")
def test_no_reference_cycle_is_left(program: Callable[[], None]) -> None:
    program()  # what Python itself caches at a first call
    gc.collect()
    program()
    assert gc.collect() == 0


@pytest.mark.usefixtures("without_gc")
def test_graph_is_freed_as_soon_as_the_loss_is_dropped() -> None:
    x = Variable(np.ones(3))
    hidden = F.exp(x)
    hidden.data = noted(hidden.data)
    watch = weakref.ref(hidden.data)
    loss = (hidden * hidden).sum()
    del hidden
    assert watch() is not None
    del loss
    assert watch() is None


@pytest.mark.usefixtures("without_gc")
def test_backward_frees_what_it_has_used() -> None:
    x = Variable(np.ones(3))
    hidden = F.exp(x)
    hidden.data = noted(hidden.data)
    watch = weakref.ref(hidden.data)
    loss = (hidden * hidden).sum()
    del hidden
    with pytest.raises(Exception, match="data"):  # exp's own result was replaced
        loss.backward()
    del loss
    assert watch() is None


@pytest.mark.usefixtures("without_gc")
def test_dropped_variable_frees_its_array_if_no_backward_needs_it() -> None:
    x = Variable(noted([1.0, 2.0]))
    hidden = x + 1.0
    watch = weakref.ref(hidden.data)
    loss = (hidden + 2.0).sum()
    del hidden
    assert watch() is None
    loss.backward()
    assert x.grad.data.tolist() == [1.0, 1.0]


@pytest.mark.usefixtures("without_gc")
def test_dropped_variable_keeps_its_array_while_a_backward_needs_it() -> None:
    x = Variable(noted([1.0, 2.0]))
    hidden = x + 1.0
    watch = weakref.ref(hidden.data)
    loss = (hidden * hidden).sum()
    del hidden
    assert watch() is not None
    loss.backward()
    assert watch() is None


@pytest.mark.usefixtures("without_gc")
def test_retained_graph_is_kept_until_the_loss_is_dropped() -> None:
    hidden = Variable(noted([1.0, 2.0])) + 1.0
    watch = weakref.ref(hidden.data)
    loss = (hidden * hidden).sum()
    del hidden
    loss.backward(retain_graph=True)
    assert watch() is not None
    del loss
    assert watch() is None


@pytest.mark.usefixtures("without_gc")
def test_t70_gradients_leave_no_cycle_where_create_graph_of_backward_does() -> None:
    x = Variable(noted([1.0, 2.0]))
    watch = weakref.ref(x.data)
    g = gradients((x * x).sum(), x, create_graph=True)
    del x, g
    assert watch() is None


def test_t70_cycle_of_backward_with_create_graph_ends_with_cleargrad() -> None:
    gc.collect()
    gc.disable()
    try:
        x = Variable(noted([1.0, 2.0]))
        watch = weakref.ref(x.data)
        (x * x).sum().backward(create_graph=True)
        x.cleargrad()
        del x
        assert watch() is None
    finally:
        gc.enable()


# -- cutting -------------------------------------------------------------------------------------


def test_unchain_makes_a_leaf_that_keeps_its_value() -> None:
    x = Variable([1.0, 2.0])
    y = x * 3.0
    y.unchain()
    assert y.is_leaf
    (y * 2.0).sum().backward()
    assert (x.grad, y.grad.data.tolist()) == (None, [2.0, 2.0])


def test_unchain_backward_cuts_what_lies_behind() -> None:
    x = Variable(2.0)
    h = x * 3.0
    y = h * 5.0
    y.unchain_backward()
    (y * 7.0).backward()
    assert x.grad is None


def test_unchain_backward_keeps_what_led_to_it_directly() -> None:
    x, w = Variable(2.0), Variable(5.0)
    y = (x * 3.0) * w
    y.unchain_backward()
    y.backward()
    assert (x.grad, w.grad.item()) == (None, 6.0)


def test_unchain_backward_frees_the_past() -> None:
    x = Variable(noted([1.0, 2.0]))
    h = x + 1.0
    watch = weakref.ref(h.data)
    y = h * h + 0.0
    del h
    y.unchain_backward()
    assert watch() is None


def test_unchain_backward_of_a_leaf_changes_nothing() -> None:
    x = Variable(2.0)
    x.unchain_backward()
    (x * 3.0).backward()
    assert x.grad.item() == 3.0


def test_truncated_recurrence_stays_at_one_length() -> None:
    w = Variable(0.5)
    h = Variable(1.0)
    for _ in range(4):
        w.cleargrad()
        h = F.tanh(h * w)
        h.backward(retain_graph=True)
        h.unchain_backward()
    before = np.tanh(0.5 * np.tanh(0.5 * np.tanh(0.5)))
    after = np.tanh(0.5 * before)
    np.testing.assert_allclose(w.grad.item(), (1 - after**2) * before, rtol=1e-14)  # 6 roundings
