"""Traps 32 to 40: calling a Layer. Each runs on lamina, and on the seed's code to fail."""

from __future__ import annotations

import copy
import pickle
import threading

import numpy as np
import pytest

import lamina
from fixtures.seed import both, ours, seed
from lamina import Variable


def returns(lib, value):
    """A Layer whose forward gives ``value(inputs)``."""

    class Returns(lib.Layer):
        def forward(self, *inputs):
            return value(inputs)

    return Returns()


@both
@pytest.mark.parametrize(
    "x", [[1], 1, 2.0, None, np.float64(2), (1,), {"a": 1}, "text", True], ids=repr
)
def test_t32_any_input_is_passed_through(lib, x):
    assert returns(lib, lambda inputs: Variable([1.0]))(x).shape == (1,)


@both
@pytest.mark.parametrize("y", [[1, 2], None, {"a": 1}, 2.0], ids=repr)
def test_t33_any_output_is_passed_through(lib, y):
    assert returns(lib, lambda inputs: y)() is y


@both
@pytest.mark.parametrize("y", [(), (Variable([1.0]),)], ids=["empty", "one"])
def test_t34_a_tuple_is_returned_as_it_is(lib, y):
    assert returns(lib, lambda inputs: y)() is y


@both
def test_t35_keywords_reach_forward(lib):
    class Masked(lib.Layer):
        def forward(self, x, mask=None):
            return x * mask

    assert Masked()(Variable([3.0]), mask=2.0).item() == 6


class OfLamina(ours.Linear):
    """At the top of a module, so that pickle finds it."""


class OfTheSeed(seed.Linear):
    """The same."""


@both
def test_t36_a_used_layer_can_be_pickled(lib):
    layer = (OfLamina if lib is ours else OfTheSeed)(4)
    x = Variable(np.ones((2, 3), np.float32))
    y = layer(x)
    again = pickle.loads(pickle.dumps(layer))
    assert np.array_equal(again(x).data, y.data)


@both
def test_t37_a_deep_copy_of_a_used_layer_knows_nothing_of_the_original(lib):
    layer = lib.Linear(4)
    x = Variable(np.ones((2, 3), np.float32))
    y = layer(x)
    copied = copy.deepcopy(layer)
    layer.W.data[...] = 0
    assert np.array_equal(copied(x).data, y.data)
    assert not hasattr(copied, "inputs")


@both
def test_t38_a_call_leaves_nothing_on_the_layer(lib):
    layer = lib.Linear(4, in_size=3)
    before = dict(vars(layer))
    layer(Variable(np.ones((2, 3), np.float32)))
    assert vars(layer) == before


def test_t38_threads_share_a_layer():
    layer = lamina.Linear(4)
    layer(np.ones((1, 3), np.float32))
    results = {}

    def work(i):
        for _ in range(50):
            results[i] = layer(np.full((2, 3), i, np.float32)).data

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i, y in results.items():
        assert np.array_equal(y, layer(np.full((2, 3), i, np.float32)).data)


@both
def test_t39_repr_is_a_tree(lib):
    model = lib.Layer()
    model.l1 = lib.Linear(4, in_size=3)
    model.blocks = [lib.Linear(2, True)]
    assert repr(model) == "Layer(\n  l1: Linear(3 -> 4)\n  blocks/0: Linear(? -> 2, nobias=True)\n)"


@both
def test_t40_the_page_asks_for_a_backward_and_the_documentation_says_who_has_it(lib):
    assert "There is no backward to write" in (lib.Layer.__doc__ or "")


def test_t40_a_layer_without_a_backward_is_trained():
    layer = lamina.Linear(4)
    layer(np.ones((2, 3), np.float32)).sum().backward()
    assert np.array_equal(layer.W.grad.data, np.full((3, 4), 2, np.float32))
