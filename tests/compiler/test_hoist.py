"""What is taken out of loops: the program as text, and the same results."""

from __future__ import annotations

import numpy as np
import pytest

from lamina import Parameter, scan
from lamina import functions as F
from lamina.compiler.hoist import hoisted
from lamina.compiler.simplify import simplify
from lamina.compiler.trace import trace
from lamina.listen import run, verify


def heard(step, *inputs):
    return simplify(trace(step, inputs, {}).program)


def taken_out(program):
    return verify(simplify(hoisted(program, lambda loop: True)))


def bodies(program):
    """The programs of the loops, in order."""
    calls = [i for i in program.instructions if i.opcode == "call"]
    return [i.fields["function"].body.program for i in calls]


def plain(rng):
    W, U, b = [Parameter(rng.normal(size=s) * 0.5) for s in ((4, 4), (3, 4), (4,))]

    def step(x, h):
        _, hs = scan(lambda h, x: ((n := F.tanh(x @ U + b + h @ W)), n), h, x)
        for p in (W, U, b):
            p.cleargrad()
        (hs * hs).sum().backward()
        return hs

    return step


def test_products_go_before_the_loop_and_sums_behind_it(rng):
    program = heard(plain(rng), rng.normal(size=(6, 2, 3)), np.zeros((2, 4)))
    forward, backward = bodies(taken_out(program))
    assert (
        str(forward)
        == """\
%0: float64[2, 4] = input(None)
%1: float64[2, 4] = input(None)
%2: float64[4, 4] = input(None)
%3: float64[2, 4] = matmul(%0, %2)
%4: float64[2, 4] = add(%1, %3)
%5: float64[2, 4] = tanh(%4)
return %5, %5, %0"""
    )
    found = [i.opcode for i in backward.instructions]
    assert found.count("matmul") == 1  # with the weights turned, which are turned outside
    assert "transpose" not in found
    assert len(backward.outputs) == 2  # the gradient of the state, and that of what is bent


def test_both_loops_read_one_product(rng):
    program = taken_out(heard(plain(rng), rng.normal(size=(6, 2, 3)), np.zeros((2, 4))))
    sizes = [i.results[0].shape for i in program.instructions if i.opcode == "matmul"]
    # x U, once; h W for backward; the gradients of the weights
    assert sorted(sizes) == [(3, 4), (4, 4), (12, 4), (12, 4)]


def test_a_loop_that_numpy_runs_is_left_as_it_is(rng):
    program = heard(plain(rng), rng.normal(size=(6, 2, 3)), np.zeros((2, 4)))
    assert hoisted(program, lambda loop: False) == program


def test_states_that_only_a_derivative_reads_are_left_out(rng):
    W = Parameter(rng.normal(size=(2, 2)))
    program = heard(
        lambda x: scan(lambda c, v: ((n := c @ W + v), n), x[0], x)[1], np.ones((4, 3, 2))
    )
    assert len(bodies(program)[0].outputs) == 3
    assert len(bodies(taken_out(program))[0].outputs) == 2


M, B = np.arange(12.0).reshape(3, 4), np.arange(4.0)
BODIES = {
    "a sum of products": lambda c, x: (c + x.T @ (x @ M), x),
    "a sum of rows": lambda c, x: (c + F.sum(x @ M, axis=0), x @ M + B),
    "nothing is left": lambda c, x: (c + (x @ M).sum(0, keepdims=True), F.tanh(x @ M + B)),
    "a sum that is read": lambda c, x: (c + x.T @ (x @ M), c),
    "a sum of two": lambda c, x: (c + x.T @ (x @ M) + c * 0.5, x),
    "a product with itself": lambda c, x: (c @ (M.T @ M) + x @ M, c + B),
    "nothing changes": lambda c, x: (c, F.exp(B)),
    "turned": lambda c, x: (x @ M - c, (x.T, x.sum())),
}


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("reverse", [False, True])
def test_results_are_the_same(rng, name, reverse):
    x = rng.normal(size=(5, 2, 3))
    start = {"a sum of rows": (4,), "nothing is left": (1, 4)}.get(name, (2, 4))
    start = (3, 4) if "sum" in name and start == (2, 4) else start

    def step(x, c):
        last, ys = scan(BODIES[name], c, x, reverse=reverse)
        return last, ys

    inputs = x, rng.normal(size=start)
    program = heard(step, *inputs)
    for a, b in zip(run(program, *inputs), run(taken_out(program), *inputs), strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-12, atol=1e-12)  # sums in another order


def test_nothing_is_left_of_a_loop_that_only_adds_up(rng):
    program = heard(
        lambda x: scan(BODIES["nothing is left"], np.zeros((1, 4)), x), rng.normal(size=(5, 2, 3))
    )
    assert bodies(program)
    assert not bodies(taken_out(program))
