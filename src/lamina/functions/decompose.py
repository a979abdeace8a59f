"""Matrices taken apart: qr, eigh, svd; and what is read off: rank, condition, norms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import Function, Variable
from ..errors import RangeError, ShapeError
from . import reduce as whole
from .arrange import tril
from .compare import GT, where
from .diagonal import diag_embed
from .inverse import Solve, as_matrices, as_squares, attempted
from .join import concatenate
from .operand import as_axes, as_floating
from .reduce import Axes
from .shape import expand_dims, moveaxis, swapaxes
from .statistic import vector_norm

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = [
    "qr",
    "eigh",
    "eigvalsh",
    "svd",
    "svdvals",
    "matrix_rank",
    "cond",
    "matrix_norm",
    "norm",
]


class QR(Function):
    """``x = Q R`` for m >= n: Q (..., m, n) with orthonormal columns, R upper triangular."""

    def forward(self, x):
        return attempted("qr", "LAPACK failed", lambda x: tuple(np.linalg.qr(x)), x)

    def backward(self, gq, gr, q, r):
        # S. Walter and L. Lehmann, 2010
        m = r @ gr.mT - gq.mT @ q
        symmetric = tril(m) + swapaxes(tril(m, -1), -1, -2)
        return Solve()(r, (gq + q @ symmetric).mT).mT

    def spec(self, x):
        n = x.shape[-1]
        return (x.shape, x.dtype), ((*x.shape[:-2], n, n), x.dtype)


def qr(x: ArrayLike) -> tuple[Variable, Variable]:
    """An orthonormal and a triangular factor of matrices: ``x = Q @ R``, the reduced form.

    Args:
        x: (..., m, n), floating; k is the smaller of m and n.
    Returns:
        Q (..., m, k) with ``Q.T @ Q = 1``, and R (..., k, n), upper triangular; the signs are
        LAPACK's. Derivatives exist where the first k columns are independent.
    Raises:
        ShapeError: if there are no matrices.
        RangeError: in backward, if the first k columns are dependent.
    Source:
        S. Walter and L. Lehmann, "Algorithmic Differentiation of Linear Algebra Functions with
        Application in Optimum Experimental Design", 2010.
    """
    v = as_matrices(x, "qr")
    m, n = v.shape[-2:]
    if m >= n:
        return QR()(v)
    q, r = QR()(v[..., :m])
    return q, concatenate([r, q.mT @ v[..., m:]], -1)


def _gaps(values: Variable) -> Variable:
    """``1 / (λⱼ - λᵢ)``, and 0 on the diagonal and where two are equal."""
    gap = expand_dims(values, -2) - expand_dims(values, -1)
    equal = gap == 0
    return where(equal, 0, 1 / where(equal, 1, gap))


class Eigh(Function):
    """``x = V diag(w) Vᵀ`` of symmetric x, w in rising order."""

    def forward(self, x):
        return attempted("eigh", "LAPACK failed", lambda x: tuple(np.linalg.eigh(x)), x)

    def backward(self, gw, gv, w, v):
        # Giles, 2008, section 3.1
        inner = diag_embed(gw) + _gaps(w) * (v.mT @ gv)
        gx = v @ inner @ v.mT
        return (gx + gx.mT) * 0.5

    def spec(self, x):
        return (x.shape[:-1], x.dtype), (x.shape, x.dtype)


def eigh(x: ArrayLike) -> tuple[Variable, Variable]:
    """Eigenvalues and eigenvectors of symmetric matrices: ``x = V @ diag(w) @ V.T``.

    Args:
        x: (..., n, n), floating, symmetric: only the lower triangle is read.
    Returns:
        w (..., n), in rising order; V (..., n, n), whose columns are the vectors, each with a sign
        that LAPACK chose. The gradient is symmetric. Where eigenvalues are equal their vectors
        have no derivative: what depends on such a pair is taken as 0. That of w is right if the
        result does not tell the equal ones apart.
    Raises:
        ShapeError: if they are not square.
    Source:
        M. Giles, "Collected Matrix Derivative Results for Forward and Reverse Mode Algorithmic
        Differentiation", 2008, section 3.1.
    """
    return Eigh()(as_squares(x, "eigh"))


def eigvalsh(x: ArrayLike) -> Variable:
    """The eigenvalues of symmetric matrices, in rising order: the first of what `eigh` gives."""
    return Eigh()(as_squares(x, "eigvalsh"))[0]


class SVD(Function):
    """``x = U diag(s) Vᵀ``, the reduced form, s in falling order; Vᵀ is the third result."""

    def forward(self, x):
        return attempted("svd", "LAPACK failed", self.kernel, x)

    def kernel(self, x):
        return tuple(np.linalg.svd(x, full_matrices=False))

    def backward(self, gu, gs, gv, u, s, v):
        # J. Townsend, 2016; v is Vᵀ
        gaps = _gaps(s * s)
        left, right = gaps * (u.mT @ gu), gaps * (v @ gv.mT)
        row, column = expand_dims(s, -2), expand_dims(s, -1)
        inner = diag_embed(gs) + (left + left.mT) * row + column * (right + right.mT)
        none = s == 0
        inverse = where(none, 0, 1 / where(none, 1, s))
        gx = u @ inner @ v
        if u.shape[-2] > u.shape[-1]:
            outside = gu - u @ (u.mT @ gu)
            gx = gx + (outside * inverse.reshape(row.shape)) @ v
        if v.shape[-1] > v.shape[-2]:
            outside = gv - (gv @ v.mT) @ v
            gx = gx + u @ (inverse.reshape(column.shape) * outside)
        return gx

    def spec(self, x):
        m, n = x.shape[-2:]
        k, stack = min(m, n), x.shape[:-2]
        return (
            ((*stack, m, k), x.dtype),
            ((*stack, k), x.dtype),
            ((*stack, k, n), x.dtype),
        )


def svd(x: ArrayLike) -> tuple[Variable, Variable, Variable]:
    """The singular value decomposition of matrices: ``x = U @ diag(s) @ Vᵀ``, the reduced form.

    Args:
        x: (..., m, n), floating; k is the smaller of m and n.
    Returns:
        U (..., m, k), s (..., k) in falling order, Vᵀ (..., k, n). Each pair of vectors has a sign
        that LAPACK chose. Where singular values are equal, or 0, their vectors have no derivative:
        what depends on such a pair is taken as 0.
    Raises:
        ShapeError: if there are no matrices.
    Source:
        J. Townsend, "Differentiating the Singular Value Decomposition", 2016.
    """
    return SVD()(as_matrices(x, "svd"))


def svdvals(x: ArrayLike) -> Variable:
    """The singular values of matrices, in falling order: the second of what `svd` gives."""
    return SVD()(as_matrices(x, "svdvals"))[1]


def matrix_rank(x: ArrayLike, rtol: float | None = None) -> Variable:
    """How many singular values are not 0.

    Args:
        x: (..., m, n), floating.
        rtol: those up to this share of the largest count as 0. None means the longer length in
            roundings of the dtype.
    Returns:
        (...), int64. No gradient.
    Raises:
        ShapeError: if there are no matrices.
    """
    v = as_matrices(x, "matrix_rank").detach()
    share = max(v.shape[-2:]) * float(np.finfo(v.dtype).eps) if rtol is None else rtol
    s = svdvals(v)
    if not s.shape[-1]:
        return whole.sum(GT(s, 0), -1)
    return whole.sum(GT(s, whole.max(s, -1, True) * share), -1)


def cond(x: ArrayLike) -> Variable:
    """The condition of matrices: the largest singular value over the smallest.

    Args:
        x: (..., m, n), floating, not empty.
    Returns:
        (...), the dtype of ``x``, at least 1; infinite for singular matrices.
    Raises:
        ShapeError: if there are no matrices, or they are empty.
    """
    s = svdvals(as_matrices(x, "cond"))
    low = whole.min(s, -1)
    none = low == 0
    return where(none, np.inf, whole.max(s, -1) / where(none, 1, low))


# -- norms ---------------------------------------------------------------------------------------

ORDERS = ("fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf)


def matrix_norm(
    x: ArrayLike,
    ord: Any = "fro",
    axis: tuple[int, int] = (-2, -1),
    keepdims: bool = False,
) -> Variable:
    """The size of matrices, in one of eight ways.

    Args:
        x: (..., m, n), floating; or with the two axes elsewhere.
        ord: ``"fro"``: the root of the sum of squares. ``"nuc"``: the sum of the singular values.
            2 and -2: the largest and the smallest of them. 1 and -1: the largest and the smallest
            sum of ``|x|`` of a column; infinity and minus infinity: of a row.
        axis: those of rows and columns.
        keepdims: keep them, with length 1.
    Returns:
        The other axes, the dtype of ``x``.
    Raises:
        RangeError: if there is no such axis or order, or both axes are one.
        ShapeError: if there are not two axes, or a largest is to be found among none.
    Example:
        >>> matrix_norm([[3.0, 0.0], [0.0, 4.0]], "nuc")
        Variable(7., float64)
    """
    v = as_floating(x, "matrix_norm")
    axes = as_axes(axis, v.ndim, f"matrix_norm of {v.shape}")
    if len(axes) != 2:
        raise ShapeError(f"matrix_norm: axis should be two axes, got {axis}")
    if ord not in ORDERS:
        raise RangeError(f"matrix_norm: ord should be one of {ORDERS}, got {ord!r}")
    if ord == "fro":
        return vector_norm(v, 2, axes, keepdims)
    y = _matrix_size(moveaxis(v, axes, (-2, -1)), ord)
    if not keepdims:
        return y
    return y.reshape([1 if i in axes else n for i, n in enumerate(v.shape)])


def _matrix_size(v: Variable, ord: Any) -> Variable:
    if ord == "nuc":
        return whole.sum(svdvals(v), -1)
    extreme = whole.max if ord > 0 else whole.min
    if abs(ord) == 2:
        return extreme(svdvals(v), -1)
    return extreme(whole.sum(abs(v), -2 if abs(ord) == 1 else -1), -1)


def norm(x: ArrayLike, ord: Any = None, axis: Axes = None, keepdims: bool = False) -> Variable:
    """The length of vectors or the size of matrices, as `numpy.linalg.norm` chooses.

    Args:
        x: any shape, real.
        ord: as in `vector_norm` or `matrix_norm`; None means the root of the sum of squares.
        axis: one axis for vectors, two for matrices. None means: with an ``ord``, that ``x`` is
            a vector or a matrix; without, all axes.
        keepdims: keep them, with length 1.
    Returns:
        Shape of ``x`` without those axes, its dtype; float64 for integers.
    Raises:
        RangeError: if there is no such axis or order.
        ShapeError: if ``x`` is neither a vector nor a matrix, and no axis is named.
    Example:
        >>> norm([3.0, 4.0])
        Variable(5., float64)
    """
    v = as_floating(x, "norm")
    if ord is None:
        return vector_norm(v, 2, axis, keepdims)
    axes = tuple(range(v.ndim)) if axis is None else axis
    if isinstance(axes, int) or len(axes) == 1:
        return vector_norm(v, ord, axes, keepdims)
    if len(axes) != 2:
        raise ShapeError(f"norm: ord={ord!r} is of vectors or matrices, got axes {axes}")
    return matrix_norm(v, ord, (axes[0], axes[1]), keepdims)
