"""Products of vectors and matrices beyond matmul; powers and exponentials of matrices."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import ceil, log2
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import Function, Variable
from ..errors import RangeError, ShapeError
from .inverse import Inv, as_squares
from .join import concatenate, stack
from .operand import as_axis, as_integer, as_pair, as_variable, beside, in_single
from .shape import broadcast_to, moveaxis, ravel

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = [
    "inner",
    "vdot",
    "vecdot",
    "matvec",
    "vecmat",
    "cross",
    "kron",
    "multi_dot",
    "matrix_power",
    "matrix_exp",
]


def inner(a: ArrayLike, b: ArrayLike) -> Variable:
    """The product over the last axis of both: ``y[i, j] = Σ a[i, k] b[j, k]``.

    Args:
        a: (..., k), any dtype; a number multiplies.
        b: (..., k).
    Returns:
        The other axes of ``a``, then those of ``b``; the promoted dtype.
    Raises:
        ShapeError: if the last lengths differ.
    Example:
        >>> inner([1.0, 2.0], [3.0, 4.0])
        Variable(11., float64)
    """
    v, w = as_pair(a, b, "inner")
    if not v.ndim or not w.ndim:
        return v * w
    if v.shape[-1] != w.shape[-1]:
        raise ShapeError(f"inner: last lengths of {v.shape} and {w.shape} differ")
    k = v.shape[-1]
    y = v.reshape(_rows(v), k) @ w.reshape(_rows(w), k).T
    return y.reshape(*v.shape[:-1], *w.shape[:-1])


def _rows(v: Variable) -> int:
    """How many lines there are along the last axis."""
    return int(np.prod(v.shape[:-1], dtype=np.int64))


def vdot(a: ArrayLike, b: ArrayLike) -> Variable:
    """The sum of the products of all elements, in their order.

    Args:
        a: any shape and dtype; complex numbers are conjugated.
        b: as many elements.
    Returns:
        (), the promoted dtype.
    Raises:
        ShapeError: if the numbers of elements differ.
    """
    v, w = as_pair(a, b, "vdot")
    if v.size != w.size:
        raise ShapeError(f"vdot: {v.shape} and {w.shape} should have as many elements")
    return ravel(v.conj() if v.dtype.kind == "c" else v) @ ravel(w)


def vecdot(a: ArrayLike, b: ArrayLike, axis: int = -1) -> Variable:
    """The products of vectors, one of each with one of the other: ``y = Σ a b`` over an axis.

    Args:
        a: (..., k), real; or with that axis elsewhere, counted from the end.
        b: a shape that broadcasts with that of ``a``, but for the axis.
        axis: which is summed over, negative.
    Returns:
        The broadcast shape without the axis, the promoted dtype.
    Raises:
        ShapeError: if the lengths of the axis differ.
        RangeError: if there is no such axis, or it is not negative.
    Example:
        >>> vecdot([[1.0, 2.0], [0.0, 1.0]], [3.0, 4.0])
        Variable([11.,  4.], float64)
    """
    v, w = as_pair(a, b, "vecdot")
    place = as_integer(axis, "vecdot: axis")
    if place >= 0:
        raise RangeError(f"vecdot: axis should be negative, as shapes may differ, got {place}")
    lengths = [x.shape[as_axis(place, x.ndim, f"vecdot of {x.shape}")] for x in (v, w)]
    if lengths[0] != lengths[1]:
        raise ShapeError(f"vecdot: lengths of axis {place} of {v.shape} and {w.shape} differ")
    return (v * w).sum(place)


def matvec(a: ArrayLike, x: ArrayLike) -> Variable:
    """Matrices times vectors, one of each with one of the other: ``y[i] = Σ a[i, j] x[j]``.

    Args:
        a: (..., m, n), any dtype.
        x: (..., n); the stacks broadcast.
    Returns:
        (..., m), the promoted dtype.
    Raises:
        ShapeError: if there are no matrices or no vectors, or lengths differ.
    Example:
        >>> matvec([[1.0, 2.0], [3.0, 4.0]], [[1.0, 0.0], [0.0, 1.0]])
        Variable([[1., 3.],
                  [2., 4.]], float64)
    """
    v, w = _matrix_and_vector(a, x, "matvec", -1)
    return (v @ w.reshape(*w.shape, 1)).sum(-1)


def vecmat(x: ArrayLike, a: ArrayLike) -> Variable:
    """Vectors times matrices, one of each with one of the other: ``y[j] = Σ x[i] a[i, j]``.

    As `matvec`, with ``a`` transposed.
    """
    v, w = _matrix_and_vector(a, x, "vecmat", -2)
    return (w.reshape(*w.shape[:-1], 1, w.shape[-1]) @ v).sum(-2)


def _matrix_and_vector(a: Any, x: Any, operation: str, axis: int) -> tuple[Variable, Variable]:
    v, w = as_variable(a, operation), as_variable(x, operation)
    if v.ndim < 2 or not w.ndim or v.shape[axis] != w.shape[-1]:
        raise ShapeError(f"{operation}: matrices {v.shape} and vectors {w.shape} do not fit")
    return v, w


def cross(a: ArrayLike, b: ArrayLike, axis: int = -1) -> Variable:
    """The vector product in space: ``y = a × b``, at right angles to both.

    Args:
        a: (..., 3), real; or with that axis elsewhere, counted from the end.
        b: a shape that broadcasts with that of ``a``.
        axis: where the three coordinates stand; the lengths of both there are 3.
    Returns:
        The broadcast shape, the promoted dtype.
    Raises:
        ShapeError: if the lengths are not 3.
        RangeError: if there is no such axis.
    Example:
        >>> cross([1.0, 0.0, 0.0], [0.0, 1.0, 0.0])
        Variable([0., 0., 1.], float64)
    """
    pair = as_pair(a, b, "cross")
    v, w = [moveaxis(x, as_axis(axis, x.ndim, f"cross of {x.shape}"), -1) for x in pair]
    if v.shape[-1] != 3 or w.shape[-1] != 3:
        raise ShapeError(f"cross: axis {axis} of {pair[0].shape} and {pair[1].shape} should be 3")
    a0, a1, a2 = [v[..., i] for i in range(3)]
    b0, b1, b2 = [w[..., i] for i in range(3)]
    return moveaxis(stack([a1 * b2 - a2 * b1, a2 * b0 - a0 * b2, a0 * b1 - a1 * b0], -1), -1, axis)


def kron(a: ArrayLike, b: ArrayLike) -> Variable:
    """Kronecker's product: each element of ``a`` times the whole of ``b``, in its place.

    Args:
        a: any shape and dtype.
        b: any shape; the one with fewer axes gets more, of length 1, in front.
    Returns:
        Each axis is as long as the product of both lengths; the promoted dtype.
    Example:
        >>> kron([1.0, 10.0], [1.0, 2.0])
        Variable([ 1.,  2., 10., 20.], float64)
    """
    v, w = as_pair(a, b, "kron")
    ndim = max(v.ndim, w.ndim)
    m, n = [(1,) * (ndim - x.ndim) + x.shape for x in (v, w)]
    left = v.reshape([k for length in m for k in (length, 1)])
    right = w.reshape([k for length in n for k in (1, length)])
    return (left * right).reshape([i * j for i, j in zip(m, n)])


def multi_dot(xs: Sequence[ArrayLike]) -> Variable:
    """The product of several matrices, multiplied in the order that takes the fewest products.

    Args:
        xs: two or more, each (m, n); the first and the last may be vectors.
    Returns:
        As of ``x0 @ x1 @ x2 ...``.
    Raises:
        ShapeError: if there are fewer than two, one has other axes, or lengths do not fit.
    Source:
        T. Cormen et al., "Introduction to Algorithms", 3rd edition, 2009, section 15.2.
    """
    vs = [as_variable(x, "multi_dot") for x in xs]
    shapes = ", ".join([str(v.shape) for v in vs])
    ends = [v.ndim in (1, 2) for v in (vs[:1] + vs[-1:])]
    if len(vs) < 2 or not all(ends) or any(v.ndim != 2 for v in vs[1:-1]):
        raise ShapeError(f"multi_dot: needs two matrices or more, got {shapes or 'none'}")
    first, last = vs[0].ndim == 1, vs[-1].ndim == 1
    vs[0] = vs[0].reshape(1, -1) if first else vs[0]
    vs[-1] = vs[-1].reshape(-1, 1) if last else vs[-1]
    if any(a.shape[1] != b.shape[0] for a, b in pairwise(vs)):
        raise ShapeError(f"multi_dot: shapes {shapes} do not fit one another")
    y = _multiplied(vs, _best_cuts([v.shape[0] for v in vs] + [vs[-1].shape[1]]), 0, len(vs) - 1)
    return y.reshape([n for n, gone in zip(y.shape, (first, last)) if not gone])


def _best_cuts(lengths: list[int]) -> dict[tuple[int, int], int]:
    """For each run of matrices, after which one to cut it."""
    count = len(lengths) - 1
    cost = {(i, i): 0 for i in range(count)}
    cuts: dict[tuple[int, int], int] = {}
    for span in range(1, count):
        for i in range(count - span):
            j = i + span
            cost[i, j], cuts[i, j] = min([
                (cost[i, k] + cost[k + 1, j] + lengths[i] * lengths[k + 1] * lengths[j + 1], k)
                for k in range(i, j)
            ])  # fmt: skip
    return cuts


def _multiplied(vs: list[Variable], cuts: dict[tuple[int, int], int], i: int, j: int) -> Variable:
    if i == j:
        return vs[i]
    k = cuts[i, j]
    return _multiplied(vs, cuts, i, k) @ _multiplied(vs, cuts, k + 1, j)


# -- functions of matrices -----------------------------------------------------------------------


def _identity(v: Variable) -> Variable:
    one = beside(np.eye(v.shape[-1], dtype=v.dtype), v.data)
    return broadcast_to(one, v.shape)


def matrix_power(x: ArrayLike, n: int) -> Variable:
    """``x @ x @ ... @ x``, ``n`` factors; of the inverse for negative ``n``. By squaring.

    Args:
        x: (..., n, n), floating.
        n: an integer; 0 gives the identity.
    Returns:
        Shape and dtype of ``x``.
    Raises:
        ShapeError: if they are not square.
        RangeError: if ``n`` is negative and one is singular.
    Example:
        >>> matrix_power([[1.0, 1.0], [0.0, 1.0]], 5)
        Variable([[1., 5.],
                  [0., 1.]], float64)
    """
    v, count = as_squares(x, "matrix_power", complex=True), as_integer(n, "matrix_power: n")
    if count < 0:
        v, count = Inv()(v), -count
    y = None
    while count:
        if count % 2:
            y = v if y is None else y @ v
        count //= 2
        v = v @ v if count else v
    return _identity(v) if y is None else y + 0


PADE = (
    64764752532480000, 32382376266240000, 7771770303897600, 1187353796428800, 129060195264000,
    10559470521600, 670442572800, 33522128640, 1323241920, 40840800, 960960, 16380, 182, 1,
)  # fmt: skip
"""Of the numerator of Padé's quotient of degree 13 for e**x: Higham, 2005."""

LIMIT = 5.371920351148152
"""Up to this norm it is exact to a rounding of float64: Higham, 2005, table 2.3."""


class MatrixExp(Function):
    """``1 + x + x²/2 + x³/6 + ...`` of square matrices. A kernel: how often it is squared depends
    on the numbers.

    The derivative is a block of the exponential of a matrix twice as large: R. Mathias, "A Chain
    Rule for Matrix Functions and Applications", 1996.
    """

    def forward(self, x):
        return in_single(self.kernel, x)

    def kernel(self, x):
        if not x.size:
            return np.copy(x)
        size = float(np.abs(x).sum(-2).max())
        halvings = max(0, ceil(log2(size / LIMIT))) if LIMIT < size < np.inf else 0
        y = _pade(x / 2.0**halvings)
        for _ in range(halvings):
            y = np.matmul(y, y)
        return y

    def backward(self, gy, x):
        n, turned = x.shape[-1], x.mT
        upper = concatenate([turned, gy], -1)
        lower = concatenate([turned * 0, turned], -1)
        return MatrixExp()(concatenate([upper, lower], -2))[..., :n, n:]

    def spec(self, x):
        return x.shape, x.dtype


def _pade(x):
    """Padé's quotient: even and odd powers by themselves, as Higham sums them."""
    b = [c / PADE[0] for c in PADE]
    one = np.eye(x.shape[-1], dtype=x.dtype, like=x)
    x2 = np.matmul(x, x)
    x4 = np.matmul(x2, x2)
    x6 = np.matmul(x4, x2)
    odd = np.matmul(x6, x6 * b[13] + x4 * b[11] + x2 * b[9])
    odd = np.matmul(x, odd + x6 * b[7] + x4 * b[5] + x2 * b[3] + one * b[1])
    even = np.matmul(x6, x6 * b[12] + x4 * b[10] + x2 * b[8])
    even = even + x6 * b[6] + x4 * b[4] + x2 * b[2] + one * b[0]
    return np.linalg.solve(even - odd, even + odd)


def matrix_exp(x: ArrayLike) -> Variable:
    """The exponential of matrices: ``y = 1 + x + x²/2 + x³/6 + ...``, with products of matrices.

    Args:
        x: (..., n, n), floating.
    Returns:
        Shape and dtype of ``x``. A stack is scaled as its largest matrix needs.
    Raises:
        ShapeError: if they are not square.
    Source:
        N. Higham, "The Scaling and Squaring Method for the Matrix Exponential Revisited", 2005,
        algorithm 2.3.
    Example:
        >>> matrix_exp([[0.0, 1.0], [0.0, 0.0]])
        Variable([[1., 1.],
                  [0., 1.]], float64)
    """
    return MatrixExp()(as_squares(x, "matrix_exp", complex=True))
