"""Muon and Shampoo: what they are of a matrix, against formulas written another way."""

from __future__ import annotations

import numpy as np
import pytest

import lamina
from lamina import Linear, Parameter, Sequential
from lamina import functions as F
from lamina import optimizers as O
from lamina.errors import DTypeError, NonFiniteError, RangeError
from lamina.optimizers.matrix import NEWTON_SCHULZ
from optimizers.model import Model, gradient, run, small


def stepped(optimizer, W, *grads):
    """The steps taken, with a learning rate of 1, under gradients given."""
    param = Parameter(np.array(W))
    optimizer.setup({"W": param})
    steps = []
    for grad in grads:
        before = param.data.copy()
        param.grad = np.array(grad)
        optimizer.update()
        steps.append(before - param.data)
    return steps


# -- Muon ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(3, 7), (7, 3), (5, 5), (1, 4), (4, 1)])
def test_muons_steps_have_singular_values_near_1(shape, rng):
    (step,) = stepped(O.Muon(lr=1.0), np.zeros(shape), rng.standard_normal(shape))
    values = np.linalg.svd(step, compute_uv=False) / max(1, shape[1] / shape[0]) ** 0.5
    assert 0.68 < values.min() <= values.max() < 1.16  # the band that Jordan's coefficients lead to


def test_muon_turns_no_singular_vector(rng):
    g = rng.standard_normal((3, 5))
    (step,) = stepped(O.Muon(lr=1.0), np.zeros((3, 5)), g)
    left, _, right = np.linalg.svd(g, full_matrices=False)
    inner = left.T @ step @ right.T
    assert abs(inner - np.diag(np.diag(inner))).max() < 1e-13  # a few dozen roundings


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_muon_does_not_see_the_size_of_gradients(scale, rng):
    g = rng.standard_normal((3, 5))
    (plain,) = stepped(O.Muon(lr=1.0), np.zeros((3, 5)), g)
    (scaled,) = stepped(O.Muon(lr=1.0), np.zeros((3, 5)), scale * g)
    np.testing.assert_allclose(scaled, plain, rtol=1e-10)  # five iterations carry one rounding on


def test_muon_takes_a_kernel_as_a_matrix_of_its_outputs(rng):
    g = rng.standard_normal((6, 2, 1, 3))
    (step,) = stepped(O.Muon(lr=1.0), np.zeros(g.shape), g)
    (flat,) = stepped(O.Muon(lr=1.0), np.zeros((6, 6)), g.reshape(6, 6))
    np.testing.assert_allclose(step.reshape(6, 6), flat, rtol=1e-12)  # the same products


def test_muon_leaves_a_zero_gradient_at_zero():
    (step,) = stepped(O.Muon(lr=1.0), np.ones((2, 3)), np.zeros((2, 3)))
    assert not step.any()


def test_what_is_no_matrix_follows_adam_at_its_own_rate():
    here, there = small(), small()
    run(O.Muon(lr=0.4, others=0.25).setup(here), here, 5)
    run(O.Adam(lr=0.1, beta2=0.95, eps=1e-10).setup(there), there, 5)
    for name in ("l1/b", "scale"):  # the rate is multiplied in another order
        np.testing.assert_allclose(here[name].data, there[name].data, rtol=1e-13)


def test_only_chooses_the_matrices_of_muon():
    model = Model(**{name: Parameter(np.ones((2, 3))) for name in ("embed/W", "l1/W")})
    optimizer = O.Muon(only="l*/W").setup(model)
    run(optimizer, model, 1)
    assert sorted(optimizer.state_dict()["arrays"]) == ["embed/W.m", "embed/W.v", "l1/W.m"]


def test_five_iterations_take_every_singular_value_into_the_band():
    values = np.linspace(0.005, 1, 10001)
    a, b, c = NEWTON_SCHULZ
    for _ in range(5):
        values = a * values + b * values**3 + c * values**5
    assert 0.68 < values.min() < values.max() < 1.16


# -- Shampoo -------------------------------------------------------------------------------------


def power(matrix, exponent):
    """Of a symmetric one that is positive."""
    u, s, v = np.linalg.svd(matrix)
    return (u * s**exponent) @ v


def shampoo(W, steps, lr, eps):
    """Algorithm 1, with powers that come of a singular value decomposition."""
    left, right, seen = eps * np.eye(len(W)), eps * np.eye(W.shape[1]), []
    for step in range(steps):
        g = gradient("l1/W", W, step)
        left, right = left + g @ g.T, right + g.T @ g
        W = W - lr * power(left, -0.25) @ g @ power(right, -0.25)
        seen.append(W)
    return seen


def test_fifty_steps_of_shampoo_follow_the_paper():
    model = small()
    wanted = shampoo(model["l1/W"].data, 50, lr=0.1, eps=1e-3)
    seen = run(O.Shampoo(lr=0.1, eps=1e-3).setup(model), model, 50)
    for step, (got, want) in enumerate(zip(seen, wanted)):
        # powers of matrices with a condition of 1e5, by two ways, agree to about 1e-11
        np.testing.assert_allclose(
            got["l1/W"], want, rtol=1e-9, atol=1e-9, err_msg=f"after step {step}"
        )


def test_shampoo_of_a_diagonal_problem_is_adagrad(rng):
    grads = [np.diag(rng.standard_normal(3)) for _ in range(4)]
    steps = stepped(O.Shampoo(lr=1.0, eps=1e-12), np.zeros((3, 3)), *grads)
    total = sum(np.diag(g) ** 2 for g in grads)
    np.testing.assert_allclose(np.diag(steps[-1]), np.diag(grads[-1]) / total**0.5, rtol=1e-9)


def test_a_side_that_is_too_long_is_left_out(rng):
    g = rng.standard_normal((2, 5))
    (step,) = stepped(O.Shampoo(lr=1.0, eps=1e-9, largest=3), np.zeros((2, 5)), g)
    wanted = power(g @ g.T + 1e-9 * np.eye(2), -0.5) @ g
    np.testing.assert_allclose(step, wanted, rtol=1e-9)  # two ways to a power, condition near 10


def test_a_matrix_with_two_long_sides_follows_adagrad(rng):
    g = rng.standard_normal((4, 5))
    (step,) = stepped(O.Shampoo(lr=1.0, largest=3), np.zeros((4, 5)), g)
    np.testing.assert_allclose(step, np.sign(g), rtol=1e-8)  # eps beside the root


def test_roots_are_computed_every_so_often(rng):
    g = rng.standard_normal((3, 2))
    steps = stepped(O.Shampoo(lr=1.0, every=3), np.zeros((3, 2)), g, g, g, g)
    for step in steps[1:3]:  # what the difference of weights rounds
        np.testing.assert_allclose(step, steps[0], rtol=1e-13)
    assert abs(steps[3] - steps[0]).max() > 0.1


def test_shampoo_says_when_its_sums_are_not_finite():
    optimizer = O.Shampoo().setup({"W": (W := Parameter(np.ones((2, 2))))})
    W.grad = np.full((2, 2), np.nan)
    with pytest.raises(NonFiniteError, match="Shampoo: the sum of the products of gradients is"):
        optimizer.update()


# -- both ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make", [lambda: O.Muon(lr=0.02), lambda: O.Shampoo(lr=0.05, every=2), lambda: O.SOAP(every=2)]
)
def test_matrices_of_some_size_compile_to_the_same_bits(make):
    rng = np.random.default_rng(4)
    batches = [
        (rng.standard_normal((9, 30)).astype(np.float32), rng.integers(0, 20, 9)) for _ in range(6)
    ]
    found = []
    for wrap in (lambda f: f, lamina.compile(backend="replay")):
        lamina.seed(1)
        model = Sequential(Linear(40), F.tanh, Linear(20))
        optimizer = make().setup(model)

        @wrap
        def step(x, t, model=model, optimizer=optimizer):
            loss = F.softmax_cross_entropy(model(x), t)
            model.cleargrads()
            loss.backward()
            optimizer.update()
            return loss

        losses = [step(x, t).item() for x, t in batches]
        found.append((losses, [p.data.tobytes() for p in model.params()]))
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: O.Muon(steps=0), RangeError, "steps should be an integer of 1 or more, got 0"),
        (lambda: O.Muon(momentum=1.0), RangeError, r"momentum should be below 1, got 1\.0"),
        (lambda: O.Muon(nesterov=1), DTypeError, "nesterov should be True or False, got 1"),
        (lambda: O.Muon(only=3), DTypeError, "only should be a glob, a function of"),
        (lambda: O.Muon(others=-1), RangeError, "others should be a finite number of 0 or more"),
        (lambda: O.Shampoo(eps=0), RangeError, "eps should be over 0, got 0"),
        (lambda: O.Shampoo(every=0), RangeError, "every should be an integer of 1 or more, got 0"),
        (lambda: O.Shampoo(largest=0), RangeError, "largest should be an integer of 1 or more"),
    ],
)
def test_arguments_outside_their_range_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize("make", [O.Muon, O.Shampoo])
def test_a_glob_that_matches_nothing_is_refused(make):
    with pytest.raises(RangeError, match=r"only: no parameter matches 'l2/\*'; there are l1/W"):
        make(only="l2/*").setup(small())


@pytest.mark.parametrize("make", [O.Muon, O.Shampoo])
def test_complex_matrices_are_refused(make):
    W = Parameter(np.ones((2, 2), complex))
    W.grad = np.ones((2, 2), complex)
    with pytest.raises(DTypeError, match="is complex128, and only real numbers"):
        make().setup({"W": W}).update()
