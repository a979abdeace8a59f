"""Where something stands in a sequence, told to attention: sinusoidal_positions, rotary_embedding,
alibi_bias.
"""

from __future__ import annotations

from math import floor, log2
from typing import TYPE_CHECKING, Any

import numpy as np

from ..config import current
from ..core import Variable
from ..errors import DTypeError, RangeError, ShapeError
from .arith import abs
from .bound import floating, positive
from .join import concatenate, stack
from .operand import as_integer, as_variable, beside
from .trig import cos, sin

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["sinusoidal_positions", "rotary_embedding", "alibi_bias"]


def _angles(positions: Variable, count: int, base: float) -> Variable:
    """``p / base**(i / count)`` for i in 0..count - 1, in float64: p may be large."""
    rates = base ** (-np.arange(count) / max(count, 1))
    wide = positions if positions.dtype == np.float64 else positions.astype(np.float64)
    return wide.reshape(*positions.shape, 1) * beside(rates, positions.data)


def sinusoidal_positions(
    positions: ArrayLike, size: int, *, base: float = 10000.0, dtype: Any = None
) -> Variable:
    """Positions as waves of many lengths: ``y[p, 2i] = sin(p / base**(2i / size))``, and the cosine
    of the same at ``2i + 1``.

    Args:
        positions: any shape, integers or floating: places in a sequence, or times.
        size: how many numbers for each, even.
        base: the longest wave is 2 pi times this; above 0.
        dtype: of the result; None means that of floating ``positions``, else ``current().dtype``.
    Returns:
        The shape of ``positions`` and ``size``.
    Raises:
        RangeError: if ``size`` is odd or negative, or ``base`` is not above 0.
        DTypeError: if ``positions`` are neither integers nor floating.
    Source:
        A. Vaswani and others, "Attention Is All You Need", 2017.
    Example:
        >>> sinusoidal_positions([0, 1], 2, dtype="float64")
        Variable([[0.        , 1.        ],
                  [0.84147098, 0.54030231]], float64)
    """
    name = "sinusoidal_positions"
    v, count = _positions(positions, name), as_integer(size, f"{name}: size")
    if count < 0 or count % 2:
        raise RangeError(f"{name}: size should be even and 0 or more, got {count}")
    kept = v.dtype if v.dtype.kind == "f" else current().dtype
    angles = _angles(v, count // 2, positive(base, f"{name}: base"))
    y = stack([sin(angles), cos(angles)], -1).reshape(*v.shape, count)
    return y.astype(kept if dtype is None else np.dtype(dtype))


def _positions(positions: Any, name: str) -> Variable:
    v = as_variable(positions, f"{name}: positions")
    if v.dtype.kind not in "iuf":
        raise DTypeError(f"{name}: positions should be integers or floating, got {v.dtype}")
    return v


def rotary_embedding(
    x: ArrayLike,
    positions: ArrayLike | None = None,
    *,
    base: float = 10000.0,
    interleaved: bool = False,
) -> Variable:
    """Pairs of numbers turned by an angle that grows with the position:
    ``y₁ = x₁ cos a - x₂ sin a``, ``y₂ = x₂ cos a + x₁ sin a`` with ``a = p / base**(2i / size)``.

    A product of two such vectors depends on how far they are from one another, and not on where
    they are. Queries and keys are turned, values are not.

    Args:
        x: (..., positions, size), floating; size even.
        positions: (positions,), or a shape that broadcasts to (..., positions): integers or
            floating; None means 0, 1, 2, ...
        base: the slowest pair turns once in 2 pi times this; above 0.
        interleaved: which numbers are a pair: i and i + size / 2 (False: GPT-NeoX, LLaMA as
            commonly stored), or 2i and 2i + 1 (True: the paper, GPT-J).
    Returns:
        Shape and dtype of ``x``.
    Raises:
        ShapeError: if ``x`` has less than two axes or an odd size, or ``positions`` do not fit.
        RangeError: if ``base`` is not above 0.
        DTypeError: if ``x`` is not floating.
    Source:
        J. Su and others, "RoFormer: Enhanced Transformer with Rotary Position Embedding", 2021.
    Example:
        >>> rotary_embedding([[1.0, 0.0], [1.0, 0.0]])
        Variable([[1.        , 0.        ],
                  [0.54030231, 0.84147098]], float64)
    """
    name = "rotary_embedding"
    v = floating(x, f"{name}: x")
    if v.ndim < 2 or v.shape[-1] % 2:
        raise ShapeError(f"{name}: x should be (..., positions, size), size even, got {v.shape}")
    at = _positions(np.arange(v.shape[-2]) if positions is None else positions, name)
    try:
        fits = np.broadcast_shapes(at.shape, v.shape[:-1]) == v.shape[:-1]
    except ValueError:
        fits = False
    if not fits:
        raise ShapeError(f"{name}: positions should fit {v.shape[:-1]}, got {at.shape}")
    if not isinstance(positions, Variable) and isinstance(at.data, np.ndarray):
        at = as_variable(beside(at.data, v.data), name)
    half = v.shape[-1] // 2
    angles = _angles(at, half, positive(base, f"{name}: base"))
    c, s = cos(angles).astype(v.dtype), sin(angles).astype(v.dtype)
    if interleaved:
        a, b = v[..., ::2], v[..., 1::2]
        return stack([a * c - b * s, b * c + a * s], -1).reshape(v.shape)
    a, b = v[..., :half], v[..., half:]
    return concatenate([a * c - b * s, b * c + a * s], -1)


def alibi_bias(queries: ArrayLike, keys: ArrayLike, heads: int, *, dtype: Any = None) -> Variable:
    """What is added to products of queries and keys, the less the farther they are apart:
    ``y[h, i, j] = -slope_h |queries[i] - keys[j]|``.

    The slopes are ``2**(-8 h / heads)`` for h from 1 to heads, if that is a power of two; else
    those of the next smaller power, and then every second of those of the next larger.

    Args:
        queries: (queries,), integers or floating: their positions.
        keys: (keys,), integers or floating: their positions.
        heads: how many, 1 or more.
        dtype: of the result; None means ``current().dtype``.
    Returns:
        (heads, queries, keys): a mask for `scaled_dot_product_attention`.
    Raises:
        ShapeError: if positions have not one axis.
        RangeError: if ``heads`` is less than 1.
        DTypeError: if positions are neither integers nor floating.
    Source:
        O. Press, N. Smith and M. Lewis, "Train Short, Test Long: Attention with Linear Biases
        Enables Input Length Extrapolation", 2022, and its code for other numbers of
        heads.
    Example:
        >>> alibi_bias([1, 2], [0, 1, 2], 1, dtype="float64") * 256
        Variable([[[-1.,  0., -1.],
                   [-2., -1.,  0.]]], float64)
    """
    name = "alibi_bias"
    q, k = _positions(queries, name), _positions(keys, name)
    if q.ndim != 1 or k.ndim != 1:
        raise ShapeError(f"{name}: positions should have one axis, got {q.shape} and {k.shape}")
    count = as_integer(heads, f"{name}: heads")
    if count < 1:
        raise RangeError(f"{name}: heads should be 1 or more, got {count}")
    apart = abs(q.reshape(q.size, 1) - k).astype(np.float64)
    slopes = beside(_slopes(count).reshape(count, 1, 1), q.data)
    return (0 - apart * slopes).astype(current().dtype if dtype is None else np.dtype(dtype))


def _slopes(heads: int) -> Any:
    power = 2 ** floor(log2(heads))
    slopes = 2.0 ** (-8 * np.arange(1, power + 1) / power)
    between = 2.0 ** (-8 * np.arange(1, 2 * power, 2) / (2 * power))
    return np.concatenate([slopes, between[: heads - power]])
