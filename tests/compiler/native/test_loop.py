"""`lamina.scan` as native code: the loop of the eager step, its gradients, what it cannot take."""

from __future__ import annotations

import numpy as np
import pytest

import lamina
from lamina import Parameter, Variable, gradients, scan
from lamina import functions as F
from lamina.compiler.simplify import simplify
from lamina.compiler.trace import trace

from .emitted import Emitted

CLOSE = {"rtol": 2e-5, "atol": 2e-6}  # float32, sums of up to 7 turns in another order


def told(step):
    """The lines of `Step.explain` on scans."""
    return [line for line in step.explain().splitlines() if " Scan" in line and "%" not in line]


def assert_native_equals_eager(step, params, *inputs, native=True):
    """Values and gradients of a step that gives a loss, or several arrays."""
    found = []
    compiled = lamina.compile(step, backend="native")
    for run in (step, compiled, compiled):
        for p in params:
            p.cleargrad()
        given = run(*inputs)
        arrays = [given] if isinstance(given, Variable) else list(given)
        found.append([x.numpy().copy() for x in (*arrays, *[p.grad for p in params])])
    for eager, again in [found[:2], found[::2]]:
        for x, y in zip(eager, again, strict=True):
            assert x.dtype == y.dtype
            np.testing.assert_allclose(y, x, **CLOSE)
    assert all("kernel" in line for line in told(compiled)) == native
    return compiled


@pytest.fixture
def weights(rng):
    shapes = (5, 5), (3, 5), (5,)
    return [Parameter(rng.normal(size=shape).astype("f") * 0.5) for shape in shapes]


def cell(weights):
    W, U, b = weights
    places = np.array([1.0, 0.0, 2.0, 1.0, 0.5], np.float32)  # heard as a constant of the body

    def body(carry, x):
        h, c, turns = carry["h"], carry["c"], carry["turns"]
        z = h @ W + x["in"] @ U + b
        h = F.sigmoid(z) * c + (1.0 - F.sigmoid(z)) * F.tanh(z * places)
        c = lamina.where(x["late"], c * 0.9 + h, c)
        return {"h": h, "c": c, "turns": turns + 1}, (h, (h * c).sum(axis=1), turns)

    return body


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("steps", [1, 2, 7])
def test_a_loop_gives_what_eager_gives(rng, weights, steps, reverse):
    def step(x, late, h, c):
        xs = {"in": x, "late": late}
        init = {"h": h, "c": c, "turns": np.zeros((), np.int32)}
        last, (hs, sums, turns) = scan(cell(weights), init, xs, reverse=reverse)
        loss = (hs * hs).sum() + sums.sum() + (last["c"] * last["h"]).sum()
        loss.backward()
        return loss, hs, turns, last["turns"]

    x, late = rng.normal(size=(steps, 2, 3)).astype("f"), rng.random((steps, 2, 1)) < 0.6
    h, c = rng.normal(size=(2, 2, 5)).astype("f")
    compiled = assert_native_equals_eager(step, weights, x, late, h, c)
    assert len(told(compiled)) == 2


def test_gradients_reach_the_first_carry_and_what_the_loop_runs_over(rng, weights):
    W, U, b = weights
    h, x = [Parameter(rng.normal(size=shape).astype("f")) for shape in ((2, 5), (4, 2, 3))]

    def step():
        _, hs = scan(lambda h, x: ((n := F.tanh(h @ W + x @ U + b)), n), h * 2.0, F.sin(x))
        loss = (hs * hs * hs).sum()
        loss.backward()
        return loss

    assert_native_equals_eager(step, [h, x, *weights])


def test_other_lengths_are_other_programs(rng, weights):
    W, U, b = weights
    step = lamina.compile(
        lambda x, h: scan(lambda h, x: ((n := F.tanh(h @ W + x @ U + b)), n), h, x)[1],
        backend="native",
    )
    h = np.zeros((2, 5), np.float32)
    for steps in (3, 9, 3):
        x = rng.normal(size=(steps, 2, 3)).astype("f")
        expected = step.function(x, h).numpy()
        for _ in range(2):
            np.testing.assert_allclose(step(x, h).numpy(), expected, **CLOSE)
    assert step.explain().startswith("2 programs")


def test_sums_do_not_depend_on_the_number_of_threads(rng):
    W = Parameter(rng.normal(size=(40, 40)).astype("f") * 0.2)

    def step(h, x):
        _, hs = scan(lambda h, x: ((n := F.tanh(h @ W + x)), F.softmax(n, axis=1)), h, x)
        W.cleargrad()
        (hs * hs).sum().backward()
        return hs

    h, x = rng.normal(size=(33, 40)).astype("f"), rng.normal(size=(6, 33, 40)).astype("f")
    emitted = Emitted(simplify(trace(step, (h, x), {}).program))
    one = emitted.run(h, x)
    for threads in (2, 3):
        for a, b in zip(one, emitted.run(h, x, threads=threads), strict=True):
            assert np.array_equal(a, b)


def test_a_gradient_of_a_gradient(rng):
    W = Parameter(rng.normal(size=(3, 3)).astype("f") * 0.5)

    def step(x, h):
        leaf = Variable(h, requires_grad=True) * 1.0
        _, ys = scan(lambda c, v: ((n := F.tanh(c @ W + v)), n * n), leaf, x)
        g = gradients(ys.sum(), leaf, create_graph=True)
        loss = (g * g).sum()
        loss.backward()
        return loss

    x, h = rng.normal(size=(4, 2, 3)).astype("f"), rng.normal(size=(2, 3)).astype("f")
    assert_native_equals_eager(step, [W], x, h)


def test_a_loop_in_a_loop(rng):
    W = Parameter(rng.normal(size=(3, 3)).astype("f") * 0.5)

    def outer(c, xs):
        last, ys = scan(lambda h, x: ((n := F.tanh(h @ W + x)), n), c, xs)
        return last * 0.5, ys.sum(axis=0)

    def step(x, h):
        last, ys = scan(outer, h, x)
        loss = (ys * ys).sum() + last.sum()
        loss.backward()
        return loss

    x, h = rng.normal(size=(2, 3, 2, 3)).astype("f"), rng.normal(size=(2, 3)).astype("f")
    assert_native_equals_eager(step, [W], x, h)


def test_carries_that_change_places_or_stay(rng):
    def step(a, b, k, x):
        def body(carry, x):
            a, b, k = carry
            return (b, a * x, k), (a, a, k, np.ones((2,), np.float32))

        return [y for part in scan(body, (a, b, k), x) for y in part]

    a, b, k = rng.normal(size=(3, 2)).astype("f")
    for steps in (1, 4):
        assert_native_equals_eager(step, [], a, b, k, rng.normal(size=(steps, 2)).astype("f"))


def test_what_has_no_native_code_is_named_and_only_its_loop_falls_back(rng, weights):
    W, U, b = weights

    def step(x, h):
        _, hs = scan(lambda h, x: ((n := F.tanh(h @ W + x @ U + b)), n), h, x)
        _, ys = scan(lambda c, v: ((n := F.cumsum(v, 0) + c), n), h, hs)
        return hs, ys

    x, h = rng.normal(size=(4, 2, 3)).astype("f"), rng.normal(size=(2, 5)).astype("f")
    step = assert_native_equals_eager(step, [], x, h, native=False)
    kernel, numpy = sorted(told(step), key=lambda line: "numpy" in line)
    assert "kernel : Scan of 4 turns" in kernel
    assert "numpy : Scan, by NumPy: cumsum of float32[2, 5] has no native code" in numpy


def test_a_loop_that_draws_is_native_code_and_gets_the_numbers_of_all_turns(rng):
    step = lamina.compile(
        lambda h, x: scan(lambda c, v: (F.dropout(c + v), v), h, x)[0], backend="native"
    )
    h, x = rng.normal(size=2).astype("f"), rng.normal(size=(3, 2)).astype("f")
    found = []
    for run in (step.function, step):
        lamina.seed(0)
        found.append([run(h, x).numpy().tolist() for _ in range(3)])
    assert found[0] == found[1]  # a factor of 2 and sums of two: exact
    [kernel] = told(step)
    assert "kernel : Scan of 3 turns" in kernel
