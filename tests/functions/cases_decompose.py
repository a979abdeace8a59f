"""Matrices taken apart: against NumPy, as values and by what does not depend on signs."""

from __future__ import annotations

import numpy as np

import lamina.functions as F
from lamina.check import case

WIDE = [np.float32, np.float64]
MATRICES = [(3, 2), (2, 4), (2, 3, 2), (1, 1)]


def spread(*shape):
    """Matrices with singular values about 1, 2, 3, ...: none close to another."""

    def make(rng, dtype):
        *stack, m, n = shape
        k = min(m, n)
        u = np.linalg.qr(rng.normal(size=(*stack, m, k)))[0]
        v = np.linalg.qr(rng.normal(size=(*stack, n, k)))[0]
        s = np.arange(1, k + 1) + rng.uniform(0, 0.5, (*stack, 1, k))
        return (u * s @ np.swapaxes(v, -1, -2)).astype(dtype)

    return make


def symmetric(x):
    return (x + np.swapaxes(x, -1, -2)) / 2


def symmetric_variable(x):
    return (x + F.swapaxes(x, -1, -2)) * 0.5


def parts(f, reference, **options):
    """A row for one of the results, of symmetric matrices made of any."""
    return case(
        lambda x: f(symmetric_variable(x)),
        lambda x: reference(symmetric(x)),
        make=[spread(3, 3), spread(2, 2, 2), spread(1, 1)],
        dtypes=WIDE,
        **options,
    )


def function_of_eigh(x):
    """``sin`` of a symmetric matrix: it depends on the vectors, and not on their signs."""
    w, v = np.linalg.eigh(x)
    return v * np.sin(w)[..., None, :] @ np.swapaxes(v, -1, -2)


def same_by_eigh(x):
    w, v = F.eigh(x)
    return F.matmul(v * F.sin(F.expand_dims(w, -2)), F.swapaxes(v, -1, -2))


def function_of_svd(x):
    u, s, v = np.linalg.svd(x, full_matrices=False)
    return u * np.sin(s)[..., None, :] @ v


def same_by_svd(x):
    u, s, v = F.svd(x)
    return F.matmul(u * F.sin(F.expand_dims(s, -2)), v)


def condition(x):
    s = np.linalg.svd(x, compute_uv=False)
    return s.max(-1) / s.min(-1)


def norms(order, *, reference=None):
    def by_numpy(x, ord, axis=(-2, -1), keepdims=False):
        return np.linalg.norm(x, ord, axis, keepdims)

    return [
        case(F.matrix_norm, by_numpy, make=[spread(3, 2), spread(2, 3, 4), spread(1, 1)],
             kwargs={"ord": order}, name=f"matrix_norm {order}", dtypes=WIDE),
        case(F.matrix_norm, by_numpy, make=[spread(2, 3, 4)], order=1, dtypes=WIDE,
             kwargs={"ord": order, "axis": (2, 0), "keepdims": True},
             name=f"matrix_norm {order} of other axes"),
    ]  # fmt: skip


CASES = [
    case(F.qr, lambda x: tuple(np.linalg.qr(x)), make=[spread(*s) for s in MATRICES]),
    case(F.qr, lambda x: tuple(np.linalg.qr(x)), shapes=[(0, 2), (0, 0)], name="qr of nothing"),
    parts(F.eigh, lambda x: tuple(np.linalg.eigh(x)), order=1, name="eigh"),
    parts(same_by_eigh, function_of_eigh, name="eigh into a function"),
    case(F.eigh, lambda x: tuple(np.linalg.eigh(x)), shapes=[(0, 0), (0, 2, 2)],
         name="eigh of nothing"),
    parts(F.eigvalsh, np.linalg.eigvalsh, name="eigvalsh"),
    case(F.eigvalsh, np.linalg.eigvalsh, shapes=[(0, 0)], name="eigvalsh of nothing"),
    case(F.svd, lambda x: tuple(np.linalg.svd(x, full_matrices=False)),
         make=[spread(*s) for s in MATRICES], order=1, dtypes=WIDE),
    case(same_by_svd, function_of_svd, make=[spread(*s) for s in MATRICES], dtypes=WIDE,
         name="svd into a function"),
    case(F.svd, lambda x: tuple(np.linalg.svd(x, full_matrices=False)), shapes=[(0, 2), (2, 0)],
         name="svd of nothing"),
    case(F.svdvals, lambda x: np.linalg.svd(x, compute_uv=False), dtypes=WIDE,
         make=[spread(*s) for s in MATRICES]),
    case(F.svdvals, lambda x: np.zeros(0), shapes=[(0, 2)], name="svdvals of nothing"),
    case(F.matrix_rank, np.linalg.matrix_rank, order=0, dtypes=WIDE,
         make=[*[spread(*s) for s in MATRICES], lambda rng, dtype: np.ones((3, 4), dtype)]),
    case(F.matrix_rank, lambda x: np.array(0), shapes=[(0, 2)], order=0, name="matrix_rank of 0"),
    case(F.cond, condition, make=[spread(*s) for s in MATRICES[:-1]], dtypes=WIDE),
    case(F.cond, lambda x: np.zeros(0), shapes=[(0, 2, 2)], name="cond of nothing"),
    case(F.cond, lambda x: np.ones(()), make=spread(1, 1), order=0, name="cond of one number"),
    *[row for order in ("fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf) for row in norms(order)],
    case(F.matrix_norm, lambda x: np.zeros(()), shapes=[(0, 2)], name="matrix_norm of nothing"),
    case(F.norm, np.linalg.norm, shapes=[(2, 3, 4), (3,), (1,), (), (0, 2)], domain=(0.5, 2)),
    case(F.norm, np.linalg.norm, make=spread(3, 2), kwargs={"ord": 2}, name="norm of a matrix"),
    case(F.norm, np.linalg.norm, make=spread(3, 2), kwargs={"ord": 3, "axis": 1},
         name="norm of vectors"),
    case(F.norm, np.linalg.norm, make=spread(2, 3, 4), name="norm of two axes",
         kwargs={"ord": "nuc", "axis": (0, 2), "keepdims": True}, dtypes=WIDE),
]  # fmt: skip
