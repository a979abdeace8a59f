"""Images of another size: nearest, linear and cubic interpolation, one axis after the other."""

from __future__ import annotations

from functools import lru_cache
from math import floor, prod
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays import Array
from ..core import Variable
from ..core.variable import Shape, result
from ..errors import RangeError, ShapeError
from .bound import floating, wide
from .index import get_item
from .join import stack
from .linear import PRODUCTS
from .operand import as_variable, beside
from .shape import moveaxis
from .window import Lengths, lengths

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["interpolate"]

MODES = ("nearest", "linear", "cubic")

STEEPNESS = -0.75
"""The derivative of Keys's kernel at 1. PyTorch and OpenCV have this, Keys and Pillow -0.5."""


def interpolate(
    x: ArrayLike,
    size: Lengths | None = None,
    scale: float | tuple[float, ...] | None = None,
    mode: str = "nearest",
    align_corners: bool = False,
) -> Variable:
    """An image at another size, by interpolation along each of its spatial axes.

    Pixels are squares, and corners of images meet: place i of the result lies on
    ``(i + 1/2) n / out - 1/2``. With ``align_corners`` pixels are points, and the first and last
    ones meet: ``i (n - 1) / (out - 1)``. Beyond the border its pixels are repeated.

    Args:
        x: (n, c, ...), of one spatial axis or more; floating but for "nearest".
        size: of the result: an integer, or one for each axis.
        scale: in place of ``size``: how many times as large, a number or one for each axis; the
            size is rounded down, and 1 / scale stands for n / out.
        mode: ``"nearest"``: the pixel at ``floor(i n / out)``; ``"linear"``: between the two (four,
            eight) nearest, which is bilinear over two axes and trilinear over three; ``"cubic"``:
            Keys's cubic convolution of the four nearest along each axis, bicubic over two.
        align_corners: see above; not for "nearest".
    Returns:
        (n, c, *size), in the dtype of ``x``; float16 is computed in float32. A NaN or an infinity
        spreads along the axes, but with "nearest".
    Raises:
        ShapeError: if there are no spatial axes, or one is empty.
        RangeError: if not one of ``size`` and ``scale`` is given, or something else is meant.
        DTypeError: if ``x`` is not floating but should be.
    Source:
        R. Keys, "Cubic Convolution Interpolation for Digital Image Processing", 1981; the places
        and the constant are PyTorch's.
    Example:
        >>> interpolate([[[1.0, 3.0]]], 4, mode="linear")
        Variable([[[1. , 1.5, 2.5, 3. ]]], float64)
        >>> interpolate([[[1.0, 3.0]]], scale=2)
        Variable([[[1., 1., 3., 3.]]], float64)
    """
    name = "interpolate"
    if mode not in MODES:
        raise RangeError(f"{name}: mode should be one of {', '.join(MODES)}, got {mode!r}")
    v = as_variable(x, name) if mode == "nearest" else floating(x, f"{name}: x")
    if v.ndim < 3 or not prod(v.shape[2:]):
        raise ShapeError(f"{name}: x should be (n, c, size, ...), not empty, got {v.shape}")
    if mode == "nearest" and align_corners:
        raise RangeError(f"{name}: align_corners has no meaning for mode 'nearest'")
    sizes, steps = _sizes(v.shape[2:], size, scale)
    y = v if mode == "nearest" else wide(v)
    for axis, (out, step) in enumerate(zip(sizes, steps), 2):
        n = y.shape[axis]
        if n == out and step == 1:
            continue
        if mode == "nearest":
            exact = np.arange(out) * n // out  # out steps of n / out may be a rounding below
            places = exact if scale is None else np.floor(np.arange(out) * step).astype(np.intp)
            y = _nearest(y, axis, np.minimum(places, n - 1))
        else:
            y = along_axis(y, axis, weights(n, out, step, mode, bool(align_corners)))
    return y if y.dtype == v.dtype else y.astype(v.dtype)


def _nearest(x: Variable, axis: int, places: Array) -> Variable:
    """Pixels by number along one axis; whole copies where there are few, for speed: the gradient of
    an index is added up number by number, that of a stack array by array.
    """
    n, out = x.shape[axis], len(places)
    times = out // n
    if out % n or times > 8 or (places != np.arange(out) // times).any():
        return take_rows(x, places, axis)
    return stack([x] * times, axis + 1).reshape(*x.shape[:axis], out, *x.shape[axis + 1 :])


def _sizes(size: Shape, wanted: Any, scale: Any) -> tuple[Shape, tuple[float, ...]]:
    """The sizes of the result, and how far its pixels are from one another in the image."""
    rank = len(size)
    if (wanted is None) == (scale is None):
        raise RangeError(
            f"interpolate: give one of size and scale, got size={wanted!r}, scale={scale!r}"
        )
    if scale is None:
        sizes = lengths(wanted, rank, "interpolate: size")
        return sizes, tuple([n / out for n, out in zip(size, sizes)])
    each = tuple(scale) if isinstance(scale, (tuple, list)) else (scale,) * rank
    if len(each) != rank or not all(s > 0 and floor(n * s) > 0 for n, s in zip(size, each)):
        raise RangeError(
            f"interpolate: scale should be a number or {rank} of them that leave a pixel of {size},"
            f" got {scale!r}"
        )
    return tuple([floor(n * s) for n, s in zip(size, each)]), tuple([1 / s for s in each])


@lru_cache(maxsize=256)
def weights(n: int, out: int, step: float, mode: str, align_corners: bool) -> Array:
    """The matrix (out, n) that interpolates along one axis, in float64."""
    if align_corners:
        places = np.arange(out) * ((n - 1) / (out - 1) if out > 1 else 0.0)
    else:
        places = (np.arange(out) + 0.5) * step - 0.5
    if mode == "linear":
        places = np.clip(places, 0, n - 1)  # beyond the border there is nothing between
    below = np.floor(places)
    t = places - below
    taps = _cubic(t) if mode == "cubic" else {0: 1 - t, 1: t}
    matrix = np.zeros((out, n))
    for offset, weight in taps.items():
        columns = np.clip(below + offset, 0, n - 1).astype(np.intp)
        np.add.at(matrix, (np.arange(out), columns), weight)
    matrix.flags.writeable = False
    return matrix


def _cubic(t: Array) -> dict[int, Array]:
    """Weights of the four nearest pixels, by their offset from the one below."""

    def near(d: Array) -> Array:
        return ((STEEPNESS + 2) * d - (STEEPNESS + 3)) * d * d + 1

    def far(d: Array) -> Array:
        return ((d - 5) * d + 8) * d * STEEPNESS - 4 * STEEPNESS

    return {-1: far(t + 1), 0: near(t), 1: near(1 - t), 2: far(2 - t)}


def take_rows(x: Variable, places: Array, axis: int) -> Variable:
    """`take`, with the axis in front meanwhile: for speed, as gradients of wide rows are added up
    row by row and not number by number.
    """
    y = get_item(moveaxis(x, axis, 0), places)
    return moveaxis(y, tuple(range(places.ndim)), tuple(range(axis, axis + places.ndim)))


def along_axis(x: Variable, axis: int, matrix: Array) -> Variable:
    """``matrix``: (out, n), times the vectors along ``axis`` of ``x``."""
    n, out = x.shape[axis], len(matrix)
    lead, rest = prod(x.shape[:axis]), prod(x.shape[axis + 1 :])
    m = result(beside(matrix.astype(x.dtype), x.data))
    if rest == 1:
        y = PRODUCTS[False, True](x.reshape(lead, n), m)
    else:
        y = PRODUCTS[False, False](m, x.reshape(lead, n, rest))
    return y.reshape(*x.shape[:axis], out, *x.shape[axis + 1 :])
