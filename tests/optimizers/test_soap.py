"""SOAP: algorithm 3 written out once more, and what turning a problem does to it."""

from __future__ import annotations

import numpy as np
import pytest

from lamina import Parameter
from lamina import optimizers as O
from lamina.errors import DTypeError, NonFiniteError, RangeError
from optimizers.model import gradient, run, small


def soap(W, steps, lr, b1, b2, eps, every):
    """Algorithm 3, with corrected biases, and the bases of the first gradient at the first step."""
    rows, columns = W.shape
    m, v, seen = np.zeros(W.shape), np.zeros(W.shape), []
    left, right = np.zeros((rows, rows)), np.zeros((columns, columns))
    for step in range(steps):
        g = gradient("l1/W", W, step)
        if step == 0:
            p, _, q = np.linalg.svd(g)
            q = q.T
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * (p.T @ g @ q) ** 2
        normed = (p.T @ m @ q) / (1 - b1 ** (step + 1))
        W = W - lr * p @ (normed / (np.sqrt(v / (1 - b2 ** (step + 1))) + eps)) @ q.T
        left = b2 * left + (1 - b2) * g @ g.T
        right = b2 * right + (1 - b2) * g.T @ g
        if (step + 1) % every == 0:
            p, q = np.linalg.qr(left @ p)[0], np.linalg.qr(right @ q)[0]
        seen.append(W)
    return seen


def test_fifty_steps_follow_the_paper():
    model = small()
    wanted = soap(model["l1/W"].data, 50, lr=0.05, b1=0.8, b2=0.9, eps=1e-3, every=4)
    optimizer = O.SOAP(lr=0.05, beta1=0.8, beta2=0.9, eps=1e-3, every=4, weight_decay=0.0)
    seen = run(optimizer.setup(model), model, 50)
    for step, (got, want) in enumerate(zip(seen, wanted)):
        # bases that turn in every fourth step carry a few hundred roundings on
        np.testing.assert_allclose(
            got["l1/W"], want, rtol=1e-10, atol=1e-10, err_msg=f"after step {step}"
        )


def test_vectors_follow_adam():
    here, there = small(), small()
    run(O.SOAP(lr=0.1, beta1=0.9, beta2=0.99, weight_decay=0.0).setup(here), here, 5)
    run(O.Adam(lr=0.1, beta1=0.9, beta2=0.99).setup(there), there, 5)
    assert np.array_equal(here["l1/b"].data, there["l1/b"].data)


@pytest.mark.parametrize("every", [1, 3])
def test_a_problem_that_is_turned_has_steps_that_are_turned(every, rng):
    turn = np.linalg.qr(rng.standard_normal((4, 4)))[0]
    plain, turned = Parameter(np.zeros((4, 3))), Parameter(np.zeros((4, 3)))
    a = O.SOAP(lr=0.1, every=every, weight_decay=0.0).setup({"W": plain})
    b = O.SOAP(lr=0.1, every=every, weight_decay=0.0).setup({"W": turned})
    for _ in range(6):
        plain.grad = rng.standard_normal((4, 3))
        turned.grad = turn @ plain.grad.data
        a.update()
        b.update()
    # where the first gradient has nothing, a rounding of 1e-16 is divided by an eps of 1e-8
    np.testing.assert_allclose(turned.data, turn @ plain.data, rtol=1e-7, atol=1e-7)


def test_a_mean_that_is_not_finite_is_named():
    W = Parameter(np.ones((2, 2)))
    W.grad = np.full((2, 2), np.nan)
    with pytest.raises(NonFiniteError, match="SOAP: the mean of the products of gradients is not"):
        O.SOAP().setup({"W": W}).update()


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: O.SOAP(beta1=1.0), RangeError, r"beta1 should be below 1, got 1\.0"),
        (lambda: O.SOAP(eps=0), RangeError, "eps should be over 0, got 0"),
        (lambda: O.SOAP(every=0), RangeError, "every should be an integer of 1 or more, got 0"),
        (lambda: O.SOAP(largest=0), RangeError, "largest should be an integer of 1 or more"),
        (lambda: O.SOAP(only=3), DTypeError, "only should be a glob, a function of"),
    ],
)
def test_arguments_outside_their_range_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()
