"""Random graphs: shared parts, broadcasting, several results, dead ends; against differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lamina.functions as F
from lamina import Variable, gradients, no_grad
from lamina.check import gradient

UNARY: list[Callable[[Any], Any]] = [
    F.tanh,
    lambda v: F.exp(v * 0.1),
    lambda v: -v,
    lambda v: v * v,
    lambda v: v.reshape(v.size).reshape(v.shape),
    lambda v: v.T.T,
    lambda v: F.split(v, [1], axis=0)[1] if v.shape[0] > 1 else v,
    lambda v: F.concatenate([v, v], axis=1)[:, : v.shape[1]],
    lambda v: v.sum(axis=0, keepdims=True),
    lambda v: v.mean(axis=1, keepdims=True),
    lambda v: v + v.detach() * 0.0,
]
BINARY: list[Callable[[Any, Any], Any]] = [
    lambda a, b: a + b,
    lambda a, b: a - b,
    lambda a, b: a * b,
    lambda a, b: F.where(np.array([[True, False, True]]), a, b),
]


def broadcast(a: Any, b: Any) -> bool:
    return all(1 in (n, m) or n == m for n, m in zip(a.shape, b.shape, strict=True))


def grown(seed: int) -> Callable[..., Variable]:
    """A function of three Variables: the same graph for the same seed."""

    def f(*xs: Variable) -> Variable:
        rng = np.random.default_rng(seed)
        pool = list(xs)
        for _ in range(25):
            a, b = (pool[i] for i in rng.integers(len(pool), size=2))
            if rng.random() < 0.5 or not broadcast(a, b):
                pool.append(UNARY[rng.integers(len(UNARY))](a))
            else:
                c = BINARY[rng.integers(len(BINARY))](a, b)
                pool.append(F.tanh(c) if rng.random() < 0.3 else c * 0.5)
        return sum((v.mean() for v in pool[3::2]), pool[-1].sum())  # the others are dead ends

    return f


def inputs(seed: int) -> list[np.ndarray]:
    rng = np.random.default_rng([seed, 1])
    return [rng.uniform(-1, 1, shape) for shape in [(2, 3), (1, 3), (2, 1)]]


@pytest.mark.parametrize("seed", range(20))
def test_random_graph_agrees_with_differences_to_order_2(seed: int) -> None:
    gradient(grown(seed), *inputs(seed))


@pytest.mark.parametrize("seed", range(20))
def test_backward_and_gradients_agree_to_the_bit(seed: int) -> None:
    f = grown(seed)
    xs = [Variable(x) for x in inputs(seed)]
    f(*xs).backward()
    ys = [Variable(x) for x in inputs(seed)]
    for x, g in zip(xs, gradients(f(*ys), ys), strict=True):
        assert (x.grad is None) == (g is None)
        assert g is None or x.grad.data.tobytes() == g.data.tobytes()


@pytest.mark.parametrize("seed", range(20))
def test_value_is_the_same_without_a_graph(seed: int) -> None:
    f = grown(seed)
    xs = [Variable(x) for x in inputs(seed)]
    with no_grad():
        silent = f(*xs)
    assert silent.data.tobytes() == f(*xs).data.tobytes()


@pytest.mark.parametrize("seed", range(20))
def test_retained_and_recorded_walks_give_the_same_bits(seed: int) -> None:
    f = grown(seed)
    found = []
    for options in ({}, {"retain_graph": True}, {"create_graph": True}):
        xs = [Variable(x) for x in inputs(seed)]
        found.append(gradients(f(*xs), xs, **options))
    for plain, *others in zip(*found, strict=True):
        for other in others:
            assert (plain is None) == (other is None)
            assert plain is None or plain.data.tobytes() == other.data.tobytes()
