"""Linear equations: against NumPy and SciPy."""

from __future__ import annotations

import numpy as np
import scipy.linalg

import lamina.functions as F
from lamina.check import case

CONDITION = "roundings are multiplied by the condition of the matrix, here below 10"
LOOSE = {"rtol": 2e-14, "reason": CONDITION, "dtypes": [np.float64]}
SQUARES = [(3, 3), (2, 4, 4), (1, 1), (0, 0), (0, 2, 2)]


def regular(*shapes):
    """Matrices far from singular, then matrices of any kind."""

    def make(rng, dtype):
        first = rng.uniform(-0.5, 0.5, shapes[0]) + 2 * np.eye(shapes[0][-1])
        more = [rng.uniform(-1, 1, shape) for shape in shapes[1:]]
        return tuple(x.astype(dtype) for x in (first, *more))

    return make


def each(f, *shapes):
    """The reference, one matrix at a time."""
    return np.vectorize(f, signature=shapes[0])


def positive(x):
    """A symmetric positive definite matrix made of any other."""
    return x @ np.swapaxes(x, -1, -2) + 2 * np.eye(x.shape[-1])


def positive_variable(x):
    product = F.matmul(x, F.swapaxes(x, -1, -2))
    return F.fill_diagonal(product, product + 2)


def solved(a, b):
    return np.linalg.solve(a, b)


def triangular(a, b, lower=False, unit_diagonal=False):
    a = np.tril(a) if lower else np.triu(a)
    if unit_diagonal:
        a = a - a * np.eye(a.shape[-1]) + np.eye(a.shape[-1])
    return np.linalg.inv(a) @ b


def two_steps(L, b):
    return np.linalg.inv(np.tril(L) @ np.swapaxes(np.tril(L), -1, -2)) @ b


def singular(rank, *shape):
    """Matrices of a rank below their size."""

    def make(rng, dtype):
        left = rng.uniform(-1, 1, (*shape[:-1], rank))
        return (left @ rng.uniform(-1, 1, (*shape[:-2], rank, shape[-1]))).astype(dtype)

    return make


def cofactors(x):
    """det by the definition: the sum over permutations, as the minors of the first row say."""
    if x.shape[-1] == 0:
        return np.ones(x.shape[:-2])
    minors = [cofactors(np.delete(x[..., 1:, :], i, -1)) for i in range(x.shape[-1])]
    return sum((-1) ** i * x[..., 0, i] * minor for i, minor in enumerate(minors))


PAIRS = [
    regular((3, 3), (3, 2)),
    regular((3, 3), (3,)),
    regular((2, 4, 4), (4, 1)),
    regular((2, 2), (3, 2, 1)),
    regular((1, 1), (1,)),
    regular((0, 0), (0, 2)),
]

CASES = [
    case(F.inv, np.linalg.inv, make=[regular(s) for s in SQUARES]),
    case(F.solve, solved, make=PAIRS),
    case(F.solve_triangular, triangular, make=PAIRS),
    case(
        F.solve_triangular,
        triangular,
        make=PAIRS[:3],
        kwargs={"lower": True, "unit_diagonal": True},
        name="solve_triangular lower",
    ),
    case(
        lambda x: F.cholesky(positive_variable(x)),
        lambda x: np.linalg.cholesky(positive(x)),
        shapes=[(3, 3), (2, 2, 2), (1, 1), (0, 0)],
        domain=(-1, 1),
        name="cholesky",
    ),
    case(F.cholesky_solve, two_steps, make=[PAIRS[0], PAIRS[1], PAIRS[4], PAIRS[5]]),
    case(F.det, cofactors, make=[regular(s) for s in SQUARES]),
    case(lambda x: F.det(x) + 1, lambda x: cofactors(x) + 1,  # 1: to know how small 0 should be
         make=[singular(2, 3, 3), singular(1, 3, 3)], order=1, name="det of singular matrices"),
    case(F.slogdet, lambda x: tuple(np.linalg.slogdet(x)), make=[regular(s) for s in SQUARES]),
    case(F.slogdet, lambda x: tuple(np.linalg.slogdet(x)), name="slogdet negative",
         make=lambda rng, dtype: -regular((3, 3))(rng, dtype)[0]),
    case(F.pinv, np.linalg.pinv, shapes=[(3, 2), (2, 4), (2, 3, 2), (1, 1), (0, 3)], **LOOSE),
    case(F.pinv, lambda x: np.linalg.pinv(x, 1e-10), make=singular(1, 3, 2), order=0,
         name="pinv of singular matrices", **LOOSE),
    case(F.lstsq, lambda a, b: scipy.linalg.lstsq(a, b)[0],
         shapes=[((4, 2), (4,)), ((2, 3), (2, 2)), ((1, 1), (1,))], **LOOSE),
    case(F.lstsq, lambda a, b: np.zeros((2, 3)), shapes=[((0, 2), (0, 3))],
         name="lstsq of no equations"),
]  # fmt: skip
