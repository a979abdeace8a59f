"""Normalisation of each sample, and lengths: what does not fit, extremes, and what agrees."""

from __future__ import annotations

import numpy as np
import pytest

import lamina.functions as F
from lamina import Variable, gradients
from lamina.errors import DTypeError, RangeError, ShapeError

WRONG = {
    "groups": (
        lambda: F.group_norm(np.ones((2, 6, 3)), 4),
        RangeError,
        "group_norm: 4 groups do not divide 6 channels",
    ),
    "no groups": (
        lambda: F.group_norm(np.ones((2, 6)), 0),
        RangeError,
        "group_norm: 0 groups do not divide 6 channels",
    ),
    "an empty group": (
        lambda: F.group_norm(np.ones((2, 6, 0)), 2),
        ShapeError,
        r"group_norm: over axes \(2, 3\) of \(2, 2, 3, 0\) there is nothing",
    ),
    "gamma": (
        lambda: F.group_norm(np.ones((2, 6, 3)), 2, gamma=np.ones(3)),
        ShapeError,
        r"group_norm: gamma should have shape \(6,\) \(x is \(2, 6, 3\)\), got \(3,\)",
    ),
    "no places": (
        lambda: F.instance_norm(np.ones((2, 6))),
        ShapeError,
        r"instance_norm: x should be \(n, channels, size, \.\.\.\), got \(2, 6\)",
    ),
    "rms of nothing": (
        lambda: F.rms_norm(np.ones((2, 0))),
        ShapeError,
        r"rms_norm: over axes \(1,\) of \(2, 0\) there is nothing",
    ),
    "eps": (
        lambda: F.rms_norm(np.ones((2, 3)), eps=0),
        RangeError,
        "rms_norm: eps should be above 0, got 0",
    ),
    "integers": (
        lambda: F.rms_norm([1, 2]),
        DTypeError,
        "rms_norm: x should be floating, got int64",
    ),
    "size": (
        lambda: F.local_response_norm(np.ones((2, 3)), 0),
        RangeError,
        r"local_response_norm: size should be 1 or more and alpha 0 or more, got 0 and 0\.0001",
    ),
    "one axis": (
        lambda: F.local_response_norm(np.ones(3)),
        ShapeError,
        r"local_response_norm: x should be \(n, channels, \.\.\.\), got \(3,\)",
    ),
    "lengths": (
        lambda: F.weight_norm(np.ones((3, 2)), np.ones(3)),
        ShapeError,
        r"weight_norm: g should have shape \(2,\) \(x is \(3, 2\)\), got \(3,\)",
    ),
    "vector": (
        lambda: F.spectral_norm(np.ones((3, 2)), np.ones(3)),
        ShapeError,
        r"spectral_norm: u should have shape \(2,\), got \(3,\)",
    ),
    "one axis of weights": (
        lambda: F.spectral_norm(np.ones(3), np.ones(3)),
        ShapeError,
        r"spectral_norm: W should have two axes or more, got \(3,\)",
    ),
    "iterations": (
        lambda: F.spectral_norm(np.ones((3, 2)), np.ones(2), iterations=0),
        RangeError,
        "spectral_norm: iterations should be 1 or more, got 0",
    ),
    "cosine": (
        lambda: F.cosine_similarity(np.ones((2, 3)), np.ones((3, 3))),
        ShapeError,
        r"cosine_similarity: a and b should have shapes that broadcast, got \(2, 3\) and \(3, 3\)",
    ),
    "axis": (lambda: F.l2_normalize(np.ones(3), 1), RangeError, "l2_normalize: axis 1 is outside"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit_is_named(name):
    make, error, message = WRONG[name]
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize("scale", [1.0, 1000.0])
def test_half_precision_does_not_overflow(rng, scale):
    x = (rng.normal(size=(2, 4, 3)) * scale).astype(np.float16)
    wide = x.astype(np.float64)
    for f in (F.rms_norm, F.l2_normalize, F.local_response_norm, lambda x: F.group_norm(x, 2)):
        y = f(x)
        assert y.dtype == np.float16
        # one rounding to float16 at the end, of numbers computed in float32
        np.testing.assert_allclose(y.data, f(wide).data, rtol=2.0**-10, atol=1e-6)


def test_one_group_is_layer_norm_over_everything(rng):
    x = rng.normal(size=(2, 3, 5))
    y, expected = F.group_norm(x, 1), F.layer_norm(x, axis=(1, 2))
    np.testing.assert_allclose(y.data, expected.data, rtol=1e-13)  # another order of the sums


def test_samples_do_not_see_one_another(rng):
    x = rng.normal(size=(3, 4, 5))
    for f in (lambda x: F.group_norm(x, 2), F.instance_norm, F.rms_norm):
        assert f(x).data[1:2].tobytes() == f(x[1:2]).data.tobytes()


def test_zero_vectors_have_finite_gradients():
    x = Variable(np.zeros((2, 3)))
    (F.l2_normalize(x).sum() + F.rms_norm(x).sum() + F.cosine_similarity(x, x).sum()).backward()
    assert np.isfinite(x.grad.data).all()


def test_spectral_norm_divides_by_the_largest_singular_value(rng):
    W = rng.normal(size=(4, 3))
    y, u = F.spectral_norm(W, np.ones(3), iterations=200)
    expected = W / np.linalg.svd(W, compute_uv=False)[0]
    np.testing.assert_allclose(y.data, expected, rtol=1e-12)  # converged to the last digits
    assert not u.requires_grad


def test_spectral_norm_that_has_converged_has_the_exact_gradient(rng):
    W, weights = rng.normal(size=(4, 3)), rng.normal(size=(4, 3))
    leaf = Variable(W)
    y, _ = F.spectral_norm(leaf, np.ones(3), iterations=500)
    (g,) = gradients([(y * weights).sum()], [leaf])
    left, values, right = np.linalg.svd(W)
    inner = (weights * W).sum() / values[0] ** 2
    expected = weights / values[0] - inner * np.outer(left[:, 0], right[0])
    np.testing.assert_allclose(g.data, expected, rtol=1e-10)  # as far as u has converged


def test_spectral_norm_continues_from_its_vector(rng):
    W = rng.normal(size=(4, 3))
    _, u = F.spectral_norm(W, np.ones(3), iterations=2)
    y, v = F.spectral_norm(W, u)
    z, w = F.spectral_norm(W, np.ones(3), iterations=3)
    assert (y.data.tobytes(), v.data.tobytes()) == (z.data.tobytes(), w.data.tobytes())
