"""NumPy's products: matmul, dot, tensordot, outer, einsum."""

from __future__ import annotations

from math import prod
from operator import index
from string import ascii_letters
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from ..errors import ShapeError
from .heard import emit, heard, values
from .heard_shape import permuted, reshaped
from .place import trace_error


@heard(np.matmul)
def _matmul(a: Any, b: Any) -> Any:
    a, b = values(a, b)
    left, right = (1, *a.shape)[-2:], (*b.shape, 1)[:2] if b.ndim < 2 else b.shape[-2:]
    if not a.ndim or not b.ndim:
        raise ShapeError(
            f"matmul: {a.shape} @ {b.shape}: a number is not a matrix; multiply with *"
        )
    if left[-1] != right[0]:
        raise ShapeError(
            f"matmul: {a.shape} @ {b.shape}, inner lengths {left[-1]} and {right[0]} differ"
        )
    rows, columns = left[:-1] if a.ndim > 1 else (), right[1:] if b.ndim > 1 else ()
    y = emit("matmul", a if rows else reshaped(a, left), b if columns else reshaped(b, right))
    return reshaped(y, (*y.shape[:-2], *rows, *columns))


@heard(np.dot)
def _dot(a: Any, b: Any) -> Any:
    a, b = values(a, b)
    if not a.ndim or not b.ndim:
        return np.multiply(a, b)
    if b.ndim < 3 and (a.ndim < 3 or b.ndim < 2):
        return _matmul(a, b)
    return _tensordot(a, b, ((a.ndim - 1,), (b.ndim - 2,)))


@heard(np.inner)
def _inner(a: Any, b: Any) -> Any:
    a, b = values(a, b)
    return _tensordot(a, b, ((-1,), (-1,))) if a.ndim and b.ndim else np.multiply(a, b)


@heard(np.tensordot)
def _tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    a, b = values(a, b)
    if np.ndim(axes) == 0 and not isinstance(axes, (tuple, list)):
        count = index(axes)
        axes = range(a.ndim - count, a.ndim), range(count)
    left = normalize_axis_tuple(axes[0], a.ndim)
    right = normalize_axis_tuple(axes[1], b.ndim)
    if [a.shape[i] for i in left] != [b.shape[i] for i in right]:
        raise ValueError(f"the lengths of axes {left} and {right} differ")
    rows = [i for i in range(a.ndim) if i not in left]
    columns = [i for i in range(b.ndim) if i not in right]
    m, n = [a.shape[i] for i in rows], [b.shape[i] for i in columns]
    inner = prod([a.shape[i] for i in left])
    y = emit(
        "matmul",
        reshaped(permuted(a, (*rows, *left)), (prod(m), inner)),
        reshaped(permuted(b, (*right, *columns)), (inner, prod(n))),
    )
    return reshaped(y, (*m, *n))


@heard(np.outer)
def _outer(a: Any, b: Any) -> Any:
    a, b = values(a, b)
    return np.multiply(reshaped(a, (a.size, 1)), reshaped(b, (1, b.size)))


@heard(np.einsum)
def _einsum(subscripts: Any, *operands: Any, optimize: Any = False) -> Any:
    if not isinstance(subscripts, str):
        raise trace_error("np.einsum: lists of axes are not heard", "write them as 'ab,bc->ac'")
    xs = values(*operands)
    named = {"optimize": True} if optimize else {}
    return emit("einsum", *xs, subscripts=explicit(subscripts, [x.ndim for x in xs]), **named)


def explicit(subscripts: str, ndims: list[int]) -> str:
    """Subscripts of `numpy.einsum` with all labels and the output written out.

    Args:
        subscripts: with or without ``->`` and ellipses.
        ndims: the number of axes of each operand.
    Raises:
        ValueError: if they do not fit.
    Example:
        >>> explicit("...ij,jk", [4, 2])
        'abij,jk->abik'
    """
    source, arrow, output = subscripts.replace(" ", "").partition("->")
    terms = source.split(",")
    if len(terms) != len(ndims):
        raise ValueError(f"{len(terms)} terms for {len(ndims)} operands")
    free = [label for label in ascii_letters if label not in subscripts]
    extra = [ndim - len(term.replace("...", "")) for term, ndim in zip(terms, ndims)]
    around = "".join(free[: max([n for n, t in zip(extra, terms) if "..." in t], default=0)])
    if any(n < 0 or (n and "..." not in term) for n, term in zip(extra, terms)):
        raise ValueError(f"the labels do not name each axis, of which there are {ndims}")
    if not arrow:
        letters = source.replace("...", "").replace(",", "")
        output = "..." + "".join(sorted([c for c in set(letters) if letters.count(c) == 1]))
    if around and "..." not in output:
        raise ValueError("the output has no ellipsis")
    filled = [term.replace("...", around[len(around) - n :]) for term, n in zip(terms, extra)]
    return f"{','.join(filled)}->{output.replace('...', around)}"
