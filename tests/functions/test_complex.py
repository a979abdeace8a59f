"""Gradients of complex numbers point where the result grows fastest; transforms by properties."""

from __future__ import annotations

import numpy as np
import pytest

import lamina.functions as F
from lamina import Variable, gradients
from lamina.errors import DTypeError, GraphError, RangeError, ShapeError

Z = np.array([0.5 + 0.25j, -1.0 + 2.0j, 0.75 - 0.5j])

FUNCTIONS = [
    lambda z: F.abs(z),
    lambda z: F.abs(z * z),
    lambda z: (z * (1 + 2j)).real,
    lambda z: F.imag(F.exp(z)),
    lambda z: F.angle(z) * F.abs(z),
    lambda z: F.abs(F.fft(z)) ** 2,
    lambda z: F.irfft(z) ** 2,
    lambda z: (z.conj() * z).real,
    lambda z: F.real(F.inv(F.diag_embed(z) + 0.5)),
]


def steepest(f, z, step=1e-6):
    """``∂a + i ∂b`` by differences of the sum of the result."""
    slopes = np.zeros_like(z)
    for i in range(z.size):
        for direction in (1, 1j):
            move = np.zeros_like(z)
            move[i] = step * direction
            change = f(Variable(z + move)).data.sum() - f(Variable(z - move)).data.sum()
            slopes[i] += direction * change / (2 * step)
    return slopes


@pytest.mark.parametrize("f", FUNCTIONS)
def test_gradient_of_complex_numbers_is_the_direction_of_steepest_ascent(f):
    z = Variable(Z)
    f(z).sum().backward()
    # 1e-8: two points, step 1e-6: its square, and rounding over the step
    np.testing.assert_allclose(z.grad.data, steepest(f, Z), rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("f", FUNCTIONS)
def test_gradients_backward_and_retained_gradients_agree(f):
    z = Variable(Z)
    between = z * 1
    f(between).sum().backward(retain_grad=True)
    again = Variable(Z)
    np.testing.assert_allclose(gradients(f(again).sum(), again).data, z.grad.data, rtol=1e-15)
    np.testing.assert_allclose(between.grad.data, z.grad.data, rtol=1e-15)


def test_hook_sees_and_gives_the_gradient_as_users_see_it():
    z, seen = Variable(Z), []
    z.register_hook(lambda g: seen.append(g.data) or g * 1j)
    (z * (2 + 1j)).real.sum().backward()
    np.testing.assert_allclose(seen[0], np.full(3, 2 - 1j), rtol=1e-15)
    np.testing.assert_allclose(z.grad.data, np.full(3, (2 - 1j) * 1j), rtol=1e-15)


def test_second_derivative_through_a_complex_gradient():
    z = Variable(Z)
    first = gradients(F.abs(z * z).sum(), z, create_graph=True)  # of |z|²: 2 z
    np.testing.assert_allclose(first.data, 2 * Z, rtol=1e-14)
    second = gradients(first.real.sum(), z)  # of 2 a: 2
    np.testing.assert_allclose(second.data, np.full(3, 2 + 0j), rtol=1e-13, atol=1e-13)


def test_descent_along_the_gradient_finds_the_nearest_number():
    z, target = Variable(np.array(3 - 2j)), 0.5 + 1j
    for _ in range(60):
        z.cleargrad()
        (F.abs(z - target) ** 2).backward()
        z.data = z.data - 0.25 * z.grad.data
    assert abs(z.data - target) < 1e-12


def test_complex_result_has_no_one_derivative():
    with pytest.raises(GraphError, match=r"is complex, and has no one derivative; take its real"):
        Variable(np.array(1j)).backward()


def test_real_input_of_complex_numbers_gets_a_real_gradient():
    x = Variable(np.array([1.0, 2.0], np.float32))
    F.abs(F.fft(x)).sum().backward()
    assert x.grad.dtype == np.float32


# -- transforms ----------------------------------------------------------------------------------


@pytest.mark.parametrize("norm", ["backward", "ortho", "forward"])
@pytest.mark.parametrize("n", [1, 4, 7])
def test_transform_and_its_inverse_give_the_numbers_back(n, norm, rng):
    x = rng.normal(size=n)
    y = F.irfft(F.rfft(x, norm=norm), n, norm=norm)
    np.testing.assert_allclose(y.data, x, atol=1e-15)  # roundings of numbers about 1
    z = F.ifft(F.fft(x * 1j, norm=norm), norm=norm)
    np.testing.assert_allclose(z.data, x * 1j, atol=1e-15)


@pytest.mark.parametrize(("given", "made"), [("f2", "c8"), ("f4", "c8"), ("f8", "c16")])
def test_transform_keeps_the_length_of_numbers(given, made):
    assert F.rfft(np.ones(4, given)).dtype == np.dtype(made)
    assert F.fft(np.ones(4, given)).dtype == np.dtype(made)


MISTAKES = [
    (lambda: F.fft(1.0), RangeError, r"fft of \(\): axis -1 is outside"),
    (lambda: F.fft([1.0], norm="both"), RangeError, "backward, ortho, forward, got 'both'"),
    (lambda: F.fft([1.0], 0), RangeError, "fft: n should be 1 or more, got 0"),
    (lambda: F.fft(np.ones((2, 0))), ShapeError, r"fft: axis 1 of \(2, 0\) is empty"),
    (lambda: F.rfft([1j]), DTypeError, "rfft: x should be real, got complex128"),
    (lambda: F.irfft([1j]), RangeError, "irfft: n should be 1 or more, got 0"),
    (lambda: F.fftn(np.ones((2, 2)), (2, 2, 2)), RangeError, "is outside an array of 2 axes"),
    (lambda: F.fftn(np.ones((2, 2)), (2,), (0, 1)), ShapeError, r"axes \(0, 1\) and lengths \(2,"),
    (lambda: F.fft2(np.ones((2, 2)), axes=(0, 0)), RangeError, "name one axis twice"),
    (lambda: F.complex([1j], 1.0), DTypeError, "parts should be real, got complex128"),
    (lambda: F.cholesky([[1j]]), DTypeError, "cholesky: is of real matrices, got complex128"),
    (lambda: F.svd([[1j]]), DTypeError, "svd: is of real matrices, got complex128"),
]


@pytest.mark.parametrize(("call", "error", "text"), MISTAKES)
def test_wrong_argument_is_named(call, error, text):
    with pytest.raises(error, match=text):
        call()


@pytest.mark.parametrize("center", [True, False])
def test_short_time_transform_and_its_inverse_give_the_signal_back(center, rng):
    x, w = rng.normal(size=(2, 64)), np.hanning(18)[1:-1]
    y = F.istft(F.stft(x, 16, 4, w, center), 16, 4, w, center)
    # roundings of numbers about 1, of a few frames, over the smallest cover, above 0.001
    np.testing.assert_allclose(y.data, x, atol=1e-12)


SHORT = [
    (
        lambda: F.stft(np.ones(2), 4),
        ShapeError,
        r"stft: x of shape \(2,\) is too short for n_fft=4",
    ),
    (lambda: F.stft(np.ones(8), 0), RangeError, "lengths should be 1 or more, got n_fft=0, hop=1"),
    (lambda: F.stft(np.ones(8), 4, window=np.ones(3)), ShapeError, r"shape \(4,\), got \(3,\)"),
    (lambda: F.istft(np.ones((2, 3)), 4), ShapeError, r"\(..., 3, frames\), got \(2, 3\)"),
    (lambda: F.istft(np.ones((3, 3)), 4, length=99), ShapeError, "got length=99"),
    (
        lambda: F.istft(np.ones((3, 3)), 4, 4, [0.0, 1, 1, 1], center=False),
        RangeError,
        "istft: no window covers place 0",
    ),
    (lambda: F.ldexp([1.0], [0.5]), DTypeError, "ldexp: n should hold integers, got float64"),
    (lambda: F.matvec(np.eye(2), np.ones(3)), ShapeError, r"\(2, 2\) and vectors \(3,\) do not"),
    (lambda: F.vecmat(np.ones(3), np.eye(2)), ShapeError, r"\(2, 2\) and vectors \(3,\) do not"),
]


@pytest.mark.parametrize(("call", "error", "text"), SHORT)
def test_wrong_length_or_dtype_is_named(call, error, text):
    with pytest.raises(error, match=text):
        call()
