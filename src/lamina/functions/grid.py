"""Images looked at through a grid of places: affine_grid, grid_sample."""

from __future__ import annotations

from functools import reduce
from itertools import product
from math import prod
from operator import add, and_, mul
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import Variable
from ..core.variable import Shape, result
from ..errors import RangeError, ShapeError
from .bound import floating, wide
from .compare import clip, where
from .index import get_item
from .linear import PRODUCTS
from .operand import beside
from .shape import moveaxis
from .unary import floor, round
from .window import lengths

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["affine_grid", "grid_sample"]

MODES, BORDERS = ("linear", "nearest"), ("zeros", "border")


def affine_grid(theta: ArrayLike, size: tuple[int, ...], align_corners: bool = False) -> Variable:
    """The places that an affine map sends those of an image to, for `grid_sample`:
    ``y[n, place] = theta[n] (place, 1)``.

    Places are from -1 to 1 along each axis, written last axis first: (x, y) or (x, y, z). They are
    pixels' centres: the borders are at -1 and 1, or, with ``align_corners``, the centres of the
    first and last pixel are.

    Args:
        theta: (n, 2, 3) or (n, 3, 4), floating.
        size: (h, w) or (d, h, w): of the result, without samples and channels.
        align_corners: see above.
    Returns:
        (n, h, w, 2) or (n, d, h, w, 3), in the dtype of ``theta``.
    Raises:
        ShapeError: if ``theta`` has another shape.
        RangeError: for other sizes.
        DTypeError: if ``theta`` is not floating.
    Source:
        M. Jaderberg and others, "Spatial Transformer Networks", 2015.
    Example:
        >>> affine_grid([[[1.0, 0.0, 0.5], [0.0, 1.0, 0.0]]], (1, 2))
        Variable([[[[0., 0.],
                    [1., 0.]]]], float64)
    """
    name = "affine_grid"
    v = floating(theta, f"{name}: theta")
    if v.shape[1:] not in ((2, 3), (3, 4)):
        raise ShapeError(f"{name}: theta should be (n, 2, 3) or (n, 3, 4), got {v.shape}")
    rank = v.shape[1]
    sizes = lengths(size, rank, f"{name}: size")
    axes = [_centres(n, align_corners) for n in sizes]
    places = np.stack([*np.meshgrid(*axes, indexing="ij")[::-1], np.ones(sizes)], -1)
    flat = result(beside(places.reshape(prod(sizes), rank + 1).astype(v.dtype), v.data))
    return PRODUCTS[False, True](flat, v).reshape(v.shape[0], *sizes, rank)


def _centres(n: int, align_corners: bool) -> Any:
    if align_corners:
        return np.linspace(-1, 1, n) if n > 1 else np.zeros(1)
    return (np.arange(n) * 2 + 1) / n - 1


def grid_sample(
    x: ArrayLike,
    grid: ArrayLike,
    mode: str = "linear",
    padding: str = "zeros",
    align_corners: bool = False,
) -> Variable:
    """The image at the places of a grid, between its pixels by interpolation:
    ``y[n, c, p] = x[n, c](grid[n, p])``.

    Args:
        x: (n, c, h, w) or (n, c, d, h, w), floating, with a pixel or more.
        grid: (n, out_h, out_w, 2) or (n, out_d, out_h, out_w, 3), floating: places from -1 to 1,
            written last axis first, as `affine_grid` gives them.
        mode: ``"linear"``: bilinear (trilinear) between the nearest pixels; ``"nearest"``: the
            nearest, of two the even one; there is no gradient to the grid.
        padding: what lies outside: ``"zeros"``, or ``"border"``, the nearest pixel of the border.
        align_corners: whether -1 and 1 are the centres of the first and last pixels, and not
            the borders of the image; as in `affine_grid`.
    Returns:
        (n, c, out_h, out_w) or (n, c, out_d, out_h, out_w), in the dtype of ``x``; float16 is
        computed in float32.
    Raises:
        ShapeError: if the shapes do not fit.
        RangeError: if ``mode`` or ``padding`` is something else.
        DTypeError: if one is not floating.
    Source:
        M. Jaderberg and others, "Spatial Transformer Networks", 2015.
    Example:
        >>> grid_sample([[[[1.0, 3.0]]]], [[[[-0.5, 0.0], [0.0, 0.0], [0.5, 0.0]]]])
        Variable([[[[1., 2., 3.]]]], float64)
    """
    v, places = floating(x, "grid_sample: x"), floating(grid, "grid_sample: grid")
    _check(v, places, mode, padding)
    size, places = v.shape[2:], wide(places)
    at = [_pixels(places[..., -1 - i], n, align_corners, padding) for i, n in enumerate(size)]
    if mode == "nearest":
        y = _pixel(v, [round(p) for p in at])
    else:
        y = _between(wide(v), at)
    y = moveaxis(y, -1, 1)
    return y if y.dtype == v.dtype else y.astype(v.dtype)


def _check(x: Variable, grid: Variable, mode: Any, padding: Any) -> None:
    rank = x.ndim - 2
    if rank not in (2, 3) or not prod(x.shape[2:]):
        raise ShapeError(
            f"grid_sample: x should be (n, c, h, w) or (n, c, d, h, w), not empty, got {x.shape}"
        )
    if grid.ndim != x.ndim or grid.shape[0] != x.shape[0] or grid.shape[-1] != rank:
        raise ShapeError(
            f"grid_sample: grid of x {x.shape} should be ({x.shape[0]}, ..., {rank}) of {x.ndim} "
            f"axes, got {grid.shape}"
        )
    if mode not in MODES:
        raise RangeError(f"grid_sample: mode should be one of {', '.join(MODES)}, got {mode!r}")
    if padding not in BORDERS:
        raise RangeError(
            f"grid_sample: padding should be one of {', '.join(BORDERS)}, got {padding!r}"
        )


def _pixels(place: Variable, n: int, align_corners: bool, padding: str) -> Variable:
    """Places from -1 to 1 as numbers of pixels; what is far outside, as what is just outside."""
    p = (place + 1) * ((n - 1) / 2) if align_corners else ((place + 1) * n - 1) * 0.5
    return clip(p, 0, n - 1) if padding == "border" else clip(p, -1, n)


def _between(x: Variable, at: list[Variable]) -> Variable:
    """The mean of the pixels around each place, weighted by how near they are."""
    below = [floor(p) for p in at]
    parts: list[Variable] = []
    for corner in product((0, 1), repeat=len(at)):
        above = [p - low for p, low in zip(at, below)]
        weight = reduce(mul, [t if up else 1 - t for t, up in zip(above, corner)])
        pixels = _pixel(x, [low + up for low, up in zip(below, corner)])
        parts.append(pixels * weight[..., None])
    return reduce(add, parts)


def _pixel(x: Variable, at: list[Variable]) -> Variable:
    """Pixels by number, with the channels last; zeros outside of the image."""
    size: Shape = x.shape[2:]
    inside = reduce(and_, [(p >= 0) & (p <= n - 1) for p, n in zip(at, size)])
    parts = [clip(p, 0, n - 1).astype(np.intp) for p, n in zip(at, size)]
    samples = np.arange(x.shape[0]).reshape(-1, *[1] * len(size))
    y = get_item(x, (samples, slice(None), *parts))
    return where(inside[..., None], y, 0)
