"""Linear algebra where the tables do not go: equal eigenvalues, singular matrices, mistakes."""

from __future__ import annotations

import numpy as np
import pytest

import lamina.functions as F
from lamina import Variable
from lamina.errors import RangeError, ShapeError

ZEROS = np.zeros((2, 2))

MISTAKES = [
    (lambda: F.inv(ZEROS), RangeError, r"inv: of shape \(2, 2\), a matrix is singular"),
    (lambda: F.inv(np.ones((2, 3))), ShapeError, r"inv: needs square matrices .* \(2, 3\)"),
    (lambda: F.inv(np.ones(2)), ShapeError, r"inv: needs matrices \(..., m, n\), got \(2,\)"),
    (lambda: F.solve(ZEROS, [1.0, 1.0]), RangeError, "solve: .* a matrix is singular"),
    (lambda: F.solve(np.eye(2), np.ones(3)), ShapeError, r"\(2, 2\) and b of shape \(3,\) do not"),
    (lambda: F.solve_triangular(np.eye(2), 1.0), ShapeError, r"b of shape \(\) do not fit"),
    (lambda: F.cholesky(-np.eye(2)), RangeError, "cholesky: .* a matrix is not positive definite"),
    (lambda: F.cholesky_solve(np.eye(2), np.ones(3)), ShapeError, "cholesky_solve: a of shape"),
    (lambda: F.det(np.ones((2, 3))), ShapeError, "det: needs square matrices"),
    (lambda: F.lstsq(np.ones((2, 3)), np.ones(3)), ShapeError, r"lstsq: a of shape \(2, 3\)"),
    (lambda: F.eigh(np.ones((2, 3))), ShapeError, "eigh: needs square matrices"),
    (lambda: F.svd(np.ones(3)), ShapeError, r"svd: needs matrices \(..., m, n\), got \(3,\)"),
    (lambda: F.matrix_norm(np.ones((2, 2)), 3), RangeError, r"ord should be one of .* got 3"),
    (lambda: F.matrix_norm(np.ones((2, 2)), axis=(0,)), ShapeError, "should be two axes"),
    (lambda: F.norm(np.ones((2, 2, 2)), 1), ShapeError, r"ord=1 is of vectors or matrices"),
    (lambda: F.inner(np.ones(2), np.ones(3)), ShapeError, r"inner: last lengths of \(2,\) and"),
    (lambda: F.vdot(np.ones(2), np.ones(3)), ShapeError, "vdot: .* should have as many elements"),
    (lambda: F.vecdot(np.ones(2), np.ones(1)), ShapeError, "vecdot: lengths of axis -1"),
    (lambda: F.vecdot(np.ones(2), np.ones(2), 0), RangeError, "axis should be negative"),
    (lambda: F.cross(np.ones(2), np.ones(2)), ShapeError, r"cross: axis -1 of \(2,\) and \(2,\)"),
    (lambda: F.multi_dot([np.eye(2)]), ShapeError, r"needs two matrices or more, got \(2, 2\)"),
    (lambda: F.multi_dot([np.eye(2), np.eye(3)]), ShapeError, "do not fit one another"),
    (lambda: F.matrix_power(np.ones((2, 3)), 2), ShapeError, "matrix_power: needs square"),
    (lambda: F.matrix_power(ZEROS, -1), RangeError, "inv: .* a matrix is singular"),
    (lambda: F.matrix_exp(np.ones(3)), ShapeError, r"matrix_exp: needs matrices"),
]


@pytest.mark.parametrize(("call", "error", "text"), MISTAKES)
def test_wrong_argument_is_named(call, error, text):
    with pytest.raises(error, match=text):
        call()


@pytest.mark.parametrize("f", [F.eigvalsh, F.svdvals])
def test_sum_over_equal_values_has_the_right_derivative(f):
    x = Variable(np.eye(3) * 2)
    (f(x) ** 2).sum().backward()
    np.testing.assert_allclose(x.grad.data, np.eye(3) * 4, rtol=1e-14, atol=1e-14)  # roundings


@pytest.mark.parametrize("f", [F.eigh, F.svd])
def test_vectors_of_equal_values_have_finite_gradients(f):
    x = Variable(np.eye(3))
    total = sum([y.sum() for y in f(x)[1:]], f(x)[0].sum())
    total.backward()
    assert np.isfinite(x.grad.data).all()


def test_slogdet_does_not_overflow_where_det_does():
    x = np.eye(500, dtype=np.float32) * 10
    sign, logarithm = F.slogdet(x)
    assert sign.data == 1
    np.testing.assert_allclose(logarithm.data, 500 * np.log(10), rtol=1e-5)  # 500 roundings


def test_det_of_a_singular_matrix_has_its_cofactors_as_gradient():
    x = Variable(np.array([[1.0, 2.0], [2.0, 4.0]]))
    F.det(x).backward()
    # roundings of the largest cofactor
    np.testing.assert_allclose(x.grad.data, [[4.0, -2.0], [-2.0, 1.0]], rtol=1e-14)


def test_multi_dot_takes_the_cheapest_order(monkeypatch):
    sizes = []
    multiply = Variable.__matmul__

    def counting(a, b):
        sizes.append(a.shape[0] * a.shape[1] * b.shape[1])
        return multiply(a, b)

    monkeypatch.setattr(Variable, "__matmul__", counting)
    F.multi_dot([np.ones((10, 100)), np.ones((100, 5)), np.ones((5, 50))])
    assert sum(sizes) == 10 * 100 * 5 + 10 * 5 * 50


def test_matrix_exp_of_a_rotation_by_a_large_angle_is_a_rotation():
    angle = 100.0
    y = F.matrix_exp(np.array([[0.0, -angle], [angle, 0.0]])).data
    c, s = np.cos(angle), np.sin(angle)
    # 100 / 5.4 is halved 5 times: 2**5 roundings of the angle, which is 100
    np.testing.assert_allclose(y, [[c, -s], [s, c]], atol=100 * 32 * np.finfo(float).eps)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_decompositions_keep_short_dtypes(dtype):
    x = np.array([[2.0, 1.0], [1.0, 3.0]], dtype)
    results = [*F.svd(x), *F.eigh(x), *F.qr(x), *F.slogdet(x), F.cholesky(x), F.pinv(x), F.inv(x)]
    assert {y.dtype for y in results} == {np.dtype(dtype)}
