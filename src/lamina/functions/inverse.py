"""Systems of linear equations: solve, inv, det, cholesky, pinv, lstsq.

Kernels of NumPy's LAPACK, on stacks of matrices. Their derivatives are products of matrices.
Source of all formulas, where no other is named: M. Giles, "Collected Matrix Derivative Results for
Forward and Reverse Mode Algorithmic Differentiation", 2008, section 2.2.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import Function, Variable
from ..errors import DTypeError, RangeError, ShapeError
from .arrange import tril, triu
from .diagonal import fill_diagonal
from .operand import as_floating, as_floating_pair, in_single
from .shape import swapaxes

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = [
    "inv",
    "solve",
    "solve_triangular",
    "cholesky",
    "cholesky_solve",
    "det",
    "slogdet",
    "pinv",
    "lstsq",
]


def as_matrices(x: ArrayLike, operation: str, complex: bool = False) -> Variable:
    """A Variable of two axes or more, real unless ``complex`` numbers are welcome."""
    v = as_floating(x, operation)
    if v.dtype.kind == "c" and not complex:
        raise DTypeError(f"{operation}: is of real matrices, got {v.dtype}")
    if v.ndim < 2:
        raise ShapeError(f"{operation}: needs matrices (..., m, n), got {v.shape}")
    return v


def as_squares(x: ArrayLike, operation: str, complex: bool = False) -> Variable:
    """A Variable whose last two axes are equally long."""
    v = as_matrices(x, operation, complex)
    if v.shape[-1] != v.shape[-2]:
        raise ShapeError(f"{operation}: needs square matrices (..., n, n), got {v.shape}")
    return v


def attempted(operation: str, problem: str, kernel: Callable[..., Any], *xs: Any) -> Any:
    """What a kernel of LAPACK gives; where it fails, a RangeError that says why.

    Float16 is computed in float32.
    """
    try:
        return in_single(kernel, *xs)
    except np.linalg.LinAlgError:
        raise RangeError(f"{operation}: of shape {xs[0].shape}, {problem}") from None


SINGULAR = "a matrix is singular; pinv and lstsq take those"


class Inv(Function):
    """``x⁻¹``."""

    def forward(self, x):
        return attempted("inv", SINGULAR, np.linalg.inv, x)

    def backward(self, gy, y):
        return -(y.mT @ gy @ y.mT)

    def spec(self, x):
        return x.shape, x.dtype


def inv(x: ArrayLike) -> Variable:
    """The inverse of matrices: ``x @ y = 1``. To solve equations, `solve` is faster and more exact.

    Args:
        x: (..., n, n), floating.
    Returns:
        Shape and dtype of ``x``.
    Raises:
        ShapeError: if they are not square.
        RangeError: if one is singular.
    Example:
        >>> inv([[2.0, 0.0], [0.0, 4.0]])
        Variable([[0.5 , 0.  ],
                  [0.  , 0.25]], float64)
    """
    return Inv()(as_squares(x, "inv", complex=True))


class Solve(Function):
    """``a⁻¹ b``, or ``a⁻ᵀ b``; b is a matrix. A primitive for precision, in place of inv."""

    turned: bool = False

    def forward(self, a, b):
        return attempted("solve", SINGULAR, self.kernel, a, b)

    def kernel(self, a, b):
        return np.linalg.solve(np.swapaxes(a, -1, -2) if self.turned else a, b)

    def backward(self, gy, a, y):
        gb = Solve(not self.turned)(a, gy)
        return (lambda: -(y @ gb.mT) if self.turned else -(gb @ y.mT)), gb

    def spec(self, a, b):
        stack = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        return (*stack, *b.shape[-2:]), np.result_type(a.dtype, b.dtype)


def solve(a: ArrayLike, b: ArrayLike) -> Variable:
    """The solution of linear equations: the ``y`` with ``a @ y = b``.

    Args:
        a: (..., n, n), floating.
        b: (n,), one right side; or (..., n, k), k of them. Stacks broadcast.
    Returns:
        The shape of ``b``, with the stack broadcast; the promoted dtype.
    Raises:
        ShapeError: if ``a`` is not square, or lengths differ.
        RangeError: if a matrix is singular.
    Example:
        >>> solve([[2.0, 0.0], [0.0, 4.0]], [1.0, 1.0])
        Variable([0.5 , 0.25], float64)
    """
    v, w = as_floating_pair(a, b, "solve")
    return _solved(as_squares(v, "solve", complex=True), w, "solve")


def _solved(v: Variable, w: Variable, operation: str) -> Variable:
    if not w.ndim or v.shape[-1] != w.shape[max(w.ndim - 2, 0)]:
        raise ShapeError(f"{operation}: a of shape {v.shape} and b of shape {w.shape} do not fit")
    if w.ndim > 1:
        return Solve()(v, w)
    y = Solve()(v, w.reshape(-1, 1))
    return y.reshape(y.shape[:-1])


def solve_triangular(
    a: ArrayLike, b: ArrayLike, lower: bool = False, unit_diagonal: bool = False
) -> Variable:
    """`solve` for triangular matrices: the other triangle is not looked at.

    Args:
        a: (..., n, n), floating.
        b: (n,) or (..., n, k), as in `solve`.
        lower: whether the lower triangle counts, or the upper.
        unit_diagonal: whether the diagonal is taken as 1, whatever stands there.
    Returns:
        The shape of ``b``, with the stack broadcast; the promoted dtype.
    Raises:
        ShapeError: if ``a`` is not square, or lengths differ.
        RangeError: if a matrix is singular.
    """
    v, w = as_floating_pair(a, b, "solve_triangular")
    v = as_squares(v, "solve_triangular")
    v = tril(v) if lower else triu(v)
    return _solved(fill_diagonal(v, 1) if unit_diagonal else v, w, "solve_triangular")


class Cholesky(Function):
    """The lower triangular L with ``L Lᵀ = x``."""

    def forward(self, x):
        return attempted("cholesky", "a matrix is not positive definite", np.linalg.cholesky, x)

    def backward(self, gy, y):
        # I. Murray, "Differentiation of the Cholesky decomposition", 2016
        middle = tril(y.mT @ gy)
        middle = middle - tril(triu(middle)) * 0.5
        left = Solve(True)(y, middle)
        whole = Solve(True)(y, left.mT)
        return (whole + whole.mT) * 0.5

    def spec(self, x):
        return x.shape, x.dtype


def cholesky(x: ArrayLike) -> Variable:
    """The lower triangular root of symmetric positive definite matrices: ``L @ L.T = x``.

    Args:
        x: (..., n, n), floating, symmetric: only the lower triangle is read.
    Returns:
        Shape and dtype of ``x``. The gradient is symmetric, as of a symmetric matrix.
    Raises:
        ShapeError: if they are not square.
        RangeError: if one is not positive definite.
    Source:
        I. Murray, "Differentiation of the Cholesky decomposition", 2016.
    Example:
        >>> cholesky([[4.0, 2.0], [2.0, 2.0]])
        Variable([[2., 0.],
                  [1., 1.]], float64)
    """
    return Cholesky()(as_squares(x, "cholesky"))


def cholesky_solve(L: ArrayLike, b: ArrayLike) -> Variable:
    """The ``y`` with ``L @ L.T @ y = b``, from what `cholesky` gives.

    Args:
        L: (..., n, n), floating, lower triangular.
        b: (n,) or (..., n, k), as in `solve`.
    Returns:
        The shape of ``b``, with the stack broadcast; the promoted dtype.
    Raises:
        ShapeError: if ``L`` is not square, or lengths differ.
        RangeError: if a matrix is singular.
    """
    v, w = as_floating_pair(L, b, "cholesky_solve")
    v = tril(as_squares(v, "cholesky_solve"))
    first = _solved(v, w, "cholesky_solve")
    return _solved(swapaxes(v, -1, -2), first, "cholesky_solve")


# -- determinants --------------------------------------------------------------------------------


class Det(Function):
    """``det x``."""

    def forward(self, x):
        return in_single(np.linalg.det, x)

    def backward(self, gy, x):
        return gy.reshape(*gy.shape, 1, 1) * Cofactors()(x)

    def spec(self, x):
        return x.shape[:-2], x.dtype


class Cofactors(Function):
    """``det(x) x⁻ᵀ``, the derivative of det. A primitive because that formula fails where x is
    singular: with ``x = U S Vᵀ`` it is ``det U det V U Π Vᵀ``, Π the products of the other s.
    """

    def forward(self, x):
        return in_single(self.kernel, x)

    def kernel(self, x):
        u, s, v = np.linalg.svd(x)
        others = [self.without(s, i) for i in range(x.shape[-1])]
        if not others:
            return np.copy(x)
        turn = np.linalg.det(u) * np.linalg.det(v)
        scaled = np.stack(others, -1) * turn.reshape(*turn.shape, 1)
        return np.matmul(u * scaled.reshape(*s.shape[:-1], 1, s.shape[-1]), v)

    def without(self, s, i):
        return s[..., :i].prod(-1) * s[..., i + 1 :].prod(-1)

    def backward(self, gy, x, y):
        inverse = Inv()(x).mT
        along = (gy * inverse).sum((-2, -1), keepdims=True)
        return y * along - y @ gy.mT @ inverse

    def spec(self, x):
        return x.shape, x.dtype


def det(x: ArrayLike) -> Variable:
    """The determinant of matrices. For large ones `slogdet` does not overflow.

    Args:
        x: (..., n, n), floating.
    Returns:
        (...), the dtype of ``x``. The first derivative is right for singular matrices too; the
        second needs regular ones.
    Raises:
        ShapeError: if they are not square.
    Example:
        >>> det([[1.0, 2.0], [3.0, 4.0]])
        Variable(-2., float64)
    """
    return Det()(as_squares(x, "det"))


class SLogDet(Function):
    """The sign of det x, and ``log |det x|``. A primitive for range."""

    def forward(self, x):
        return in_single(lambda x: tuple(np.linalg.slogdet(x)), x)

    def backward(self, gsign, glogarithm, x):
        return glogarithm.reshape(*glogarithm.shape, 1, 1) * Inv()(x).mT

    def spec(self, x):
        return (x.shape[:-2], x.dtype), (x.shape[:-2], x.dtype)


def slogdet(x: ArrayLike) -> tuple[Variable, Variable]:
    """The sign and the logarithm of the size of the determinant: ``det x = sign e**logarithm``.

    Args:
        x: (..., n, n), floating.
    Returns:
        Two of shape (...), in the dtype of ``x``: the sign, 0 for singular matrices and without
        gradient; and the logarithm, minus infinity there.
    Raises:
        ShapeError: if they are not square.
        RangeError: in backward, if one is singular.
    """
    return SLogDet()(as_squares(x, "slogdet"))


# -- least squares -------------------------------------------------------------------------------


class Pinv(Function):
    """The pseudoinverse; singular values below ``rtol`` times the largest count as 0."""

    rtol: float

    def forward(self, x):
        return in_single(self.kernel, x)

    def kernel(self, x):
        if not x.size:
            return np.swapaxes(np.zeros_like(x), -1, -2)
        return np.linalg.pinv(x, self.rtol)

    def backward(self, gy, x, y):
        # G. Golub and V. Pereyra, 1973, turned round
        g, pseudo = gy.mT, y.mT
        beyond = g @ y - x @ (y @ (g @ y))
        before = y @ g - ((y @ g) @ y) @ x
        return beyond @ pseudo + pseudo @ before - pseudo @ gy @ pseudo

    def spec(self, x):
        return (*x.shape[:-2], x.shape[-1], x.shape[-2]), x.dtype


def pinv(x: ArrayLike, rtol: float | None = None) -> Variable:
    """The pseudoinverse of matrices of any shape, by singular values.

    Args:
        x: (..., m, n), floating.
        rtol: singular values below this share of the largest count as 0. None means the longer
            length in roundings of the dtype.
    Returns:
        (..., n, m), the dtype of ``x``. The derivatives are those for matrices of the same rank.
    Raises:
        ShapeError: if there are no matrices.
    Source:
        G. Golub and V. Pereyra, "The Differentiation of Pseudo-Inverses and Nonlinear Least
        Squares Problems Whose Variables Separate", 1973.
    """
    v = as_matrices(x, "pinv")
    if rtol is None:
        wide = np.float32 if v.dtype == np.float16 else v.dtype
        rtol = max(v.shape[-2:]) * float(np.finfo(wide).eps)
    return Pinv(rtol)(v)


def lstsq(a: ArrayLike, b: ArrayLike, rtol: float | None = None) -> Variable:
    """Least squares: the shortest of the ``y`` for which ``|a @ y - b|`` is smallest.

    Args:
        a: (..., m, n), floating.
        b: (m,), or (..., m, k).
        rtol: as in `pinv`, which is multiplied by ``b``.
    Returns:
        (n,), or (..., n, k): the solution alone.
    Raises:
        ShapeError: if lengths differ.
    Example:
        >>> lstsq([[1.0], [1.0]], [0.0, 1.0])
        Variable([0.5], float64)
    """
    v, w = as_floating_pair(a, b, "lstsq")
    v = as_matrices(v, "lstsq")
    if not w.ndim or v.shape[-2] != w.shape[max(w.ndim - 2, 0)]:
        raise ShapeError(f"lstsq: a of shape {v.shape} and b of shape {w.shape} do not fit")
    return pinv(v, rtol) @ w
