"""`scan` and `cond`: the numbers and gradients of Python's loop and choice, compiled and not."""

from __future__ import annotations

import numpy as np
import pytest

import lamina
import lamina.compiler.trace
from lamina import Parameter, Variable, cond, scan
from lamina import functions as F
from lamina.check import gradient


def network(rng, dtype=np.float64):
    W = Parameter(rng.normal(size=(4, 4)).astype(dtype) * 0.5)
    U = Parameter(rng.normal(size=(3, 4)).astype(dtype))

    def body(h, x):
        h = F.tanh(h @ W + x @ U)
        return h, {"twice": h * 2.0, "square": h * h}

    def step(x, h):
        last, ys = scan(body, h, x)
        loss = (ys["twice"] * ys["square"]).sum() + last.sum()
        for p in (W, U):
            p.cleargrad()
        loss.backward()
        return loss

    return step, (W, U)


@pytest.mark.parametrize("steps", [1, 2, 7])
def test_a_replayed_scan_gives_the_bits_of_the_loop(rng, steps):
    step, params = network(rng)
    x, h = rng.normal(size=(steps, 2, 3)), rng.normal(size=(2, 4))
    loss = step(x, h).item()
    grads = [p.grad.numpy().copy() for p in params]
    compiled = lamina.compile(step, backend="replay")
    assert [compiled(x, h).item() for _ in range(3)] == [loss] * 3
    for p, expected in zip(params, grads):
        np.testing.assert_allclose(p.grad.numpy(), expected, rtol=1e-12)  # sums in another order


def test_a_native_scan_is_equal_in_float32(rng):
    step, params = network(rng, np.float32)
    x, h = rng.normal(size=(5, 2, 3)).astype("f"), rng.normal(size=(2, 4)).astype("f")
    loss = step(x, h).item()
    grads = [p.grad.numpy().copy() for p in params]
    compiled = lamina.compile(step, backend="native")
    assert compiled(x, h).item() == loss
    assert compiled(x, h).item() == pytest.approx(loss, rel=1e-6)
    for p, expected in zip(params, grads):
        np.testing.assert_allclose(p.grad.numpy(), expected, rtol=1e-5, atol=1e-6)  # float32


def test_the_body_is_heard_once(rng):
    step, _ = network(rng)
    compiled = lamina.compile(step, backend="replay")
    lengths = []
    for steps in (3, 30):
        for _ in range(2):
            compiled(rng.normal(size=(steps, 2, 3)), np.zeros((2, 4)))
        lengths.append(len(compiled.explain().partition("return")[0].splitlines()))
    assert lengths[0] == lengths[1]


def test_gradients_of_order_two(rng):
    def f(x, h):
        last, ys = scan(lambda c, v: (F.sin(c * v), c * c), h, x)
        return ys.sum() + last.sum()

    gradient(f, rng.normal(size=(3, 2)), rng.normal(size=2), order=2)


def test_from_the_end(rng):
    x = rng.normal(size=4)
    _, sums = scan(lambda c, v: (c + v, c + v), np.zeros(()), x, reverse=True)
    np.testing.assert_allclose(sums.numpy(), np.cumsum(x[::-1])[::-1], rtol=1e-14)


@pytest.mark.parametrize(
    ("body", "xs", "message"),
    [
        (lambda c, x: (c.sum(), x), np.ones((3, 2)), r"carry of \(\) from one of \(2,\)"),
        (lambda c, x: (c.astype(np.float32), x), np.ones((3, 2)), "carry of float32 from one of"),
        (lambda c, x: (c, x), (np.ones(3), np.ones(4)), r"one first length .* got \(3,\), \(4,\)"),
        (lambda c, x: (c, x), np.ones((0, 2)), "one first length of 1 or more"),
        (lambda c, x: (c, x), (), "xs holds no array"),
    ],
)
@pytest.mark.parametrize("compiled", [False, True])
def test_what_does_not_fit_is_named(body, xs, message, compiled):
    def step(h):
        return scan(body, h, xs)[0]

    # the eager step raises at once; compiled, it is heard by hand
    run = (lambda h: lamina.compiler.trace.trace(step, (h,), {})) if compiled else step
    with pytest.raises((ValueError, TypeError), match=message):
        run(np.zeros(2))


def drawing_step(rng, body, reverse=False):
    W = Parameter(rng.normal(size=(4, 4)).astype(np.float32) * 0.5)

    def step(x, h):
        last, ys = scan(lambda h, x: body(h, x, W), h, x, reverse=reverse)
        loss = (ys * ys).sum() + last.sum() + F.dropout(last).sum()  # draws after the loop
        W.cleargrad()
        loss.backward()
        return loss, ys

    return step, W, (rng.normal(size=(5, 2, 4)).astype("f"), rng.normal(size=(2, 4)).astype("f"))


def dropped(h, x, W):
    h = F.dropout(F.tanh(h @ W + F.dropout(x, 0.3)))
    return h, h + x


def noisy(h, x, W):
    h = F.tanh(F.gaussian_noise(h) @ W) * F.bernoulli(F.sigmoid(x))
    F.dropout(x)  # drawn, and not used
    return h, F.drop_path(h, 0.4) + F.channel_dropout(x)


def unused_carry(h, x, W):
    return h, F.dropout(x @ W)


def in_another(h, x, W):
    def inner(c, v):
        return F.dropout(c * v + F.normal((2,))), c

    last, cs = scan(inner, h[:, 0], F.transpose(x))
    h = F.tanh(F.dropout(h) @ W + F.reshape(last, (2, 1)))
    return h, h * F.transpose(cs)


@pytest.mark.parametrize("body", [dropped, noisy, unused_carry, in_another])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("backend", ["replay", "native"])
def test_a_body_draws_the_same_numbers_compiled_and_not(rng, backend, reverse, body):
    if backend == "native":
        pytest.importorskip("llvmlite")
    step, W, arguments = drawing_step(rng, body, reverse)
    results = []
    for run in (step, lamina.compile(step, backend=backend)):
        lamina.seed(3)
        for _ in range(4):
            loss, ys = run(*arguments)
            results.append((loss.item(), ys.numpy().copy(), W.grad.numpy().copy()))
    for eager, compiled in zip(results[:4], results[4:]):
        for expected, found in zip(eager, compiled):
            # sums in another order; a number drawn otherwise would be another by its own size
            np.testing.assert_allclose(found, expected, rtol=1e-4, atol=2e-5)
    assert len({loss for loss, *_ in results[4:]}) == 4  # each run draws anew
    turns = results[4][1] == 0
    assert not turns.any() or len({turn.tobytes() for turn in turns}) > 1  # and so does each turn


@pytest.mark.parametrize("backend", ["replay", "native"])
def test_a_body_goes_on_drawing_where_a_saved_state_was(rng, backend):
    if backend == "native":
        pytest.importorskip("llvmlite")
    step, _, arguments = drawing_step(rng, dropped)
    run = lamina.compile(step, backend=backend)
    for _ in range(3):
        run(*arguments)
    state = lamina.random.state_dict()
    expected = [run(*arguments)[0].item() for _ in range(2)]
    lamina.random.load_state_dict(state)
    assert [run(*arguments)[0].item() for _ in range(2)] == expected


def test_derivatives_of_order_two_see_the_same_numbers(rng):
    W = Parameter(rng.normal(size=(3, 3)) * 0.5)
    h = Parameter(rng.normal(size=(2, 3)))

    def step(x):
        _, ys = scan(lambda c, v: ((n := F.dropout(F.tanh(c @ W + v))), n * n), h, x)
        g = lamina.gradients(ys.sum(), h, create_graph=True)
        loss = (g * g).sum()
        W.cleargrad()
        loss.backward()
        return loss

    xs = rng.normal(size=(3, 4, 2, 3))
    results = []
    for run in (step, lamina.compile(step, backend="replay")):
        lamina.seed(1)
        results.append([(run(x).item(), W.grad.numpy().copy()) for x in xs])
    for (loss, grad), (found, found_grad) in zip(*results):
        assert found == pytest.approx(loss, rel=1e-12)  # sums in another order
        np.testing.assert_allclose(found_grad, grad, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("compiled", [False, True])
def test_cond_chooses_by_a_number(compiled):
    def step(x):
        return cond(x.sum() > 0, lambda v: v * 2.0, lambda v: v - 1.0, x)

    run = lamina.compile(step, backend="replay") if compiled else step
    for x, expected in [([1.0, 2.0], [2.0, 4.0]), ([-1.0, -2.0], [-2.0, -3.0])] * 2:
        assert run(Variable(np.array(x))).numpy().tolist() == expected


def test_cond_needs_one_bool():
    with pytest.raises(ValueError, match=r"one bool, got float64 of shape \(2,\)"):
        cond(np.ones(2), abs, abs, np.ones(2))


def test_a_gradient_of_a_gradient_is_replayed(rng):
    W = Parameter(rng.normal(size=(3, 3)) * 0.5)
    h = Parameter(rng.normal(size=(2, 3)))

    def step(x):
        _, ys = scan(lambda c, v: ((n := F.tanh(c @ W + v)), n * n), h, x)
        g = lamina.gradients(ys.sum(), h, create_graph=True)
        for p in (W, h):
            p.cleargrad()
        (g * g).sum().backward()
        return g

    x = rng.normal(size=(4, 2, 3))
    found = []
    compiled = lamina.compile(step, backend="replay")
    for run in (step, compiled, compiled):
        run(x)
        found.append([p.grad.numpy().copy() for p in (W, h)])
    for eager, replayed in zip(found[0], found[2]):
        np.testing.assert_allclose(replayed, eager, rtol=1e-12)  # sums in another order


def test_a_layer_that_is_a_loop_is_heard_as_one_for_native_code(rng):
    layer = lamina.layers.RNN(4)
    x = rng.normal(size=(2, 6, 3)).astype("f")
    expected = layer(x)[0].numpy()
    for backend, count in [("native", 1), ("replay", 0)]:
        step = lamina.compile(lambda x: layer(x)[0], backend=backend)
        for _ in range(2):
            np.testing.assert_allclose(step(x).numpy(), expected, rtol=1e-5)  # float32, 6 turns
        assert step.explain().count("function='Scan(") == count
