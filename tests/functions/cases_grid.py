"""Grids of places, and images looked at through them, one place at a time."""

from __future__ import annotations

from itertools import product
from math import floor

import numpy as np

import lamina.functions as F
from lamina.check import case


def centre(i, n, align_corners):
    if align_corners:
        return 2 * i / (n - 1) - 1 if n > 1 else 0.0
    return (2 * i + 1) / n - 1


def affine_grid(theta, size, align_corners=False):
    y = np.zeros((len(theta), *size, len(size)))
    for n, *place in np.ndindex(len(theta), *size):
        at = [centre(i, m, align_corners) for i, m in zip(place, size, strict=True)]
        y[(n, *place)] = theta[n] @ np.array([*at[::-1], 1.0])
    return y


def pixel(image, at, padding):
    """(c,), at whole places."""
    if padding == "border":
        at = [min(max(i, 0), n - 1) for i, n in zip(at, image.shape[1:], strict=True)]
    if any(not 0 <= i < n for i, n in zip(at, image.shape[1:], strict=True)):
        return np.zeros(len(image))
    return image[(slice(None), *at)]


def grid_sample(x, grid, mode="linear", padding="zeros", align_corners=False):
    y = np.zeros((len(x), x.shape[1], *grid.shape[1:-1]))
    for n, *place in np.ndindex(*grid.shape[:-1]):
        at = []
        for p, size in zip(grid[(n, *place)][::-1], x.shape[2:], strict=True):
            i = (p + 1) / 2 * (size - 1) if align_corners else ((p + 1) * size - 1) / 2
            at.append(min(max(i, 0), size - 1) if padding == "border" else i)
        if mode == "nearest":
            y[(n, slice(None), *place)] = pixel(x[n], [round(i) for i in at], padding)
            continue
        for up in product((0, 1), repeat=len(at)):
            low = [floor(i) for i in at]
            weight = np.prod(
                [i - k if u else 1 - i + k for i, k, u in zip(at, low, up, strict=True)]
            )
            corner = [k + u for k, u in zip(low, up, strict=True)]
            y[(n, slice(None), *place)] += weight * pixel(x[n], corner, padding)
    return y


def looked_at(shape, out):
    """An image, and places some of which are outside of it, none of them between two pixels."""

    def make(rng, dtype):
        x = rng.uniform(-2, 2, shape).astype(dtype)
        grid = (rng.integers(-64, 64, (shape[0], *out, len(out))) + 0.5) / 48.3
        return x, grid.astype(dtype)

    return make


def row(name, makes, order=2, dtypes=(np.float32, np.float64), **kwargs):
    return case(
        F.grid_sample,
        grid_sample,
        make=makes,
        kwargs=kwargs,
        order=order,
        dtypes=dtypes,  # in float16 a place is rounded by up to 1/1000 of the image
        name=f"grid_sample {name}".strip(),
    )


CASES = [
    case(F.affine_grid, affine_grid, shapes=[(2, 2, 3), (0, 2, 3)], kwargs={"size": (2, 3)}),
    case(
        F.affine_grid,
        affine_grid,
        shapes=[(1, 3, 4)],
        kwargs={"size": (2, 1, 3)},
        name="affine_grid 3d",
    ),
    case(
        F.affine_grid,
        affine_grid,
        shapes=[(2, 2, 3)],
        kwargs={"size": (3, 1), "align_corners": True},
        name="affine_grid corners",
    ),
    row("", [looked_at((2, 3, 4, 5), (2, 3)), looked_at((0, 1, 2, 2), (1, 3))]),
    row("3d", [looked_at((1, 1, 2, 3, 2), (1, 1, 2))]),
    row("border", [looked_at((1, 1, 3, 4), (2, 2))], padding="border"),
    row("corners", [looked_at((1, 1, 3, 4), (2, 2))], align_corners=True),
    row(
        "nearest",
        [looked_at((2, 3, 3, 5), (2, 3)), looked_at((1, 1, 1, 1), (1, 1))],
        mode="nearest",
    ),
    row(
        "nearest border corners",
        [looked_at((1, 2, 3, 4), (3, 2))],
        mode="nearest",
        padding="border",
        align_corners=True,
    ),
    case(
        F.affine_grid,
        affine_grid,
        make=lambda rng, dtype: (np.ones((1, 2, 3), dtype),),
        kwargs={"size": (1, 1)},
        name="affine_grid of one place",
    ),
]
