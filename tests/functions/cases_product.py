"""Products beyond matmul, powers and exponentials of matrices: against NumPy and SciPy."""

from __future__ import annotations

import numpy as np
import scipy.linalg

import lamina.functions as F
from lamina.check import case


def several(name, *samples):
    """A row for a product of a list of matrices."""
    return case(lambda *xs: F.multi_dot(xs), lambda *xs: np.linalg.multi_dot(xs),
                shapes=samples, name=name)  # fmt: skip


def vdot(a, b):
    return np.asarray(np.vdot(a, b))


def vecdot(a, b, axis=-1):
    return (a * b).sum(axis)


def regular(rng, dtype):
    """Matrices that have an inverse."""
    return (rng.uniform(-0.5, 0.5, (2, 3, 3)) + 2 * np.eye(3)).astype(dtype)


CASES = [
    case(F.inner, np.inner, shapes=[((3,), (3,)), ((2, 3), (4, 3)), ((2, 1, 3), (3,)), ((), (2,)),
                                    ((0, 2), (3, 2)), ((2, 0), (3, 0)), ((1,), (1,))]),
    case(F.vdot, vdot, shapes=[((2, 3), (3, 2)), ((1,), ()), ((0,), (0, 2))]),
    case(F.vecdot, vecdot,
         shapes=[((2, 3), (3,)), ((4, 1, 2), (3, 2)), ((1,), (1,)), ((2, 0), (0,))]),
    case(F.vecdot, vecdot, shapes=[((3, 2), (3, 1))], kwargs={"axis": -2}, name="vecdot axis"),
    case(F.matvec, lambda a, x: np.einsum("...ij,...j->...i", a, x),
         shapes=[((2, 3), (3,)), ((4, 1, 2, 3), (5, 3)), ((1, 1), (1,)), ((0, 2), (2,))]),
    case(F.matvec, lambda a, x: np.zeros(2), shapes=[((2, 0), (0,))], name="matvec of nothing"),
    case(F.vecmat, lambda x, a: np.einsum("...i,...ij->...j", x, a),
         shapes=[((2,), (2, 3)), ((5, 2), (4, 1, 2, 3)), ((1,), (1, 1)), ((0,), (0, 2))]),
    case(F.cross, np.cross, shapes=[((3,), (3,)), ((2, 3), (3,)), ((4, 1, 3), (2, 3)),
                                    ((0, 3), (3,))]),
    case(lambda a, b: F.cross(a, b, -2), lambda a, b: np.cross(a, b, axis=-2),
         shapes=[((3, 2), (3, 2))], name="cross axis"),
    case(F.kron, np.kron, shapes=[((2, 3), (3, 2)), ((2,), (3,)), ((2, 1, 2), (3,)), ((), (2,)),
                                  ((0,), (3,)), ((1,), (1,))]),
    several("multi_dot", ((2, 3), (3, 4), (4, 1), (1, 5)), ((3,), (3, 2), (2,)), ((2, 0), (0, 3)),
            ((1, 1), (1, 1))),
    *[
        case(F.matrix_power, np.linalg.matrix_power, shapes=[(3, 3), (2, 2, 2), (1, 1), (0, 0)],
             domain=(-1, 1), kwargs={"n": n}, name=f"matrix_power {n}")
        for n in (1, 5)
    ],
    case(lambda x: F.matrix_power(x, 0) + x, lambda x: np.eye(x.shape[-1]) + x,
         shapes=[(3, 3), (0, 0)], name="matrix_power 0"),
    case(F.matrix_power, np.linalg.matrix_power, make=regular, kwargs={"n": -3},
         name="matrix_power -3"),
    case(F.matrix_exp, scipy.linalg.expm, shapes=[(3, 3), (2, 2, 2), (1, 1)], domain=(-1, 1)),
    case(F.matrix_exp, lambda x: x, shapes=[(0, 0), (0, 2, 2)], name="matrix_exp of nothing"),
    case(F.matrix_exp, scipy.linalg.expm, shapes=[(2, 2)], domain=(3, 6), order=1,
         name="matrix_exp of large numbers", dtypes=[np.float64], rtol=2e-12,
         reason="SciPy's is off by 7e-13 here, in 60 digits, ours by 3e-15"),
]  # fmt: skip
